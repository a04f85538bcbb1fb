"""Send one HTTP request as an account, and say what went wrong below HTTP; knows no call of the API."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, NoReturn
from urllib.parse import urlsplit
from urllib.request import getproxies_environment

import requests
import urllib3
from pydantic import SecretStr
from requests.auth import AuthBase

from airflow_provider_suno import __version__
from airflow_provider_suno.api.masking import Mask, without_users
from airflow_provider_suno.api.profiles import APIKLEY, HostProfile
from airflow_provider_suno.api.responses import decipher
from airflow_provider_suno.api.shown import plain, shown
from airflow_provider_suno.exceptions import (
    SunoAuthError,
    SunoError,
    SunoProtocolError,
    SunoUnavailableError,
    SunoValidationError,
)
from airflow_provider_suno.sessions import NOTHING_SENT, SlowReplyError

CONNECT_TIMEOUT = 10.0
READ_TIMEOUT = 30.0
LARGEST_REPLY = 8 * 1024 * 1024
USER_AGENT = f"airflow-provider-suno/{__version__}"

_CHUNK = 64 * 1024
_SAID_CHARACTERS = 300
_TLS_ADVICE = {
    ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"): "nothing there speaks TLS: should the base URL begin with "
    "http://, or have another port?",
    ("certificate has expired",): "its certificate has expired: tell those who run it.",
    ("Hostname mismatch", "IP address mismatch"): "its certificate is another host's: check the base URL.",
    ("CERTIFICATE_VERIFY_FAILED",): "its certificate is not trusted here: check the base URL, or the extra 'verify' (a "
    "CA bundle, or false).",
}
_NO_URL = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    urllib3.exceptions.LocationParseError,
)
_NEVER_SENT = (
    requests.exceptions.ConnectTimeout,
    requests.exceptions.ProxyError,
    urllib3.exceptions.NameResolutionError,
    urllib3.exceptions.NewConnectionError,
)


class BearerAuth(AuthBase):
    """
    Add the API key to each request; an object of its own, so that the key stands in no header dict and no repr.

    :param api_key: the key; white space around it is cut off.
    :raises SunoAuthError: when it is empty, or has characters that cannot travel in a header.
    """

    def __init__(self, api_key: str) -> None:
        self._key = SecretStr(api_key.strip())
        del api_key  # an error keeps what its frames hold
        if not self._key:
            raise SunoAuthError("The connection has no API key: put it into the password field.")
        if not _fits_a_header(self._key):
            raise SunoAuthError(
                "The API key (the connection's password) has characters that no key has: copy it again."
            )
        self._mask = Mask(self._key.get_secret_value())

    def __copy__(self) -> BearerAuth:
        """Be its own copy: a key does not change."""
        return self

    def __deepcopy__(self, _: Any) -> BearerAuth:
        """Be its own copy."""
        return self

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled."""
        raise TypeError("The API key does not leave this process: look the connection up where it is needed.")

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Authorize the request."""
        request.headers["Authorization"] = f"Bearer {self._key.get_secret_value()}"
        return request

    def mask(self, body: bytes) -> bytes:
        """Return a reply without the key, should the service repeat it."""
        return self._mask.body(body)

    def mask_text(self, text: str) -> str:
        """Return a text without the key."""
        return self._mask.text(text)


@dataclass(frozen=True)
class ClientSettings:
    """
    Say how to reach one account.

    :param auth: the key.
    :param base_url: where the API lives, without a slash at its end.
    :param profile: whose dialect it speaks.
    :param upload_url: where files are uploaded to; by default where the profile says.
    :param read_timeout: seconds without a byte before a reply counts as lost; a whole reply may take twice that.
    :param connect_timeout: seconds to make a connection.
    :param verify: check TLS certificates; a path names a CA bundle.
    :param proxies: proxy URL by scheme, as ``requests`` takes it.
    """

    auth: BearerAuth
    base_url: str
    profile: HostProfile = APIKLEY
    upload_url: str | None = None
    read_timeout: float = READ_TIMEOUT
    connect_timeout: float = CONNECT_TIMEOUT
    verify: bool | str = True
    proxies: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def exposure(self) -> str | None:
        """Who else can read the key, in words; ``None`` when it stays on this machine or is encrypted."""
        for url in filter(None, (self.base_url, self.upload_url)):
            parts = urlsplit(url)
            if parts.scheme == "http" and not _is_this_machine(parts.hostname or ""):
                return f"http://{parts.hostname} is not encrypted: the API key can be read on its way there. Use https."
        return None


def exchange(
    session: requests.Session,
    settings: ClientSettings,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    timeout: tuple[float, float] | None = None,
    **content: Any,
) -> Any:
    """
    Send once and decipher the reply.

    :param session: what to send by.
    :param settings: as whom; the API key goes with the request.
    :param method: the HTTP method.
    :param url: where to; a host of the account's profile.
    :param headers: further headers.
    :param timeout: seconds to connect and to send, and seconds without a byte of the reply; the account's by default.
    :param content: ``params``, ``json`` or ``data``, as ``requests`` takes them.
    :raises SunoError: when there is no reply, or it is no acceptance.
    """
    connect_timeout, read_timeout = timeout or (settings.connect_timeout, settings.read_timeout)
    try:
        with session.request(
            method,
            url,
            auth=settings.auth,
            headers={"User-Agent": USER_AGENT, "Accept": "application/json", **(headers or {})},
            timeout=(connect_timeout, read_timeout),
            verify=settings.verify,
            proxies=settings.proxies,
            allow_redirects=False,
            stream=True,
            **content,
        ) as response:
            body = settings.auth.mask(b"".join(_read(response)))
        told = {name: settings.auth.mask_text(value) for name, value in response.headers.items()}
    except (OSError, urllib3.exceptions.HTTPError) as error:  # requests' own errors are OSErrors
        problem: BaseException = _transport_error(error, settings, url, connect_timeout, read_timeout)
    except SunoError:
        raise
    except BaseException as error:  # noqa: BLE001  # such as Airflow's execution_timeout
        problem = _frameless(error)
    else:
        return decipher(response.status_code, told, body, profile=settings.profile)
    # Outside of the handlers, so that nothing hangs on to the library's frames and requests: they hold the key.
    raise problem


def _frameless(error: BaseException) -> BaseException:
    """Return an error that came from elsewhere without the frames it went through."""
    links = [error]
    for link in links:
        link.__traceback__ = None
        links += [other for other in (link.__cause__, link.__context__) if other is not None and other not in links]
    return error


def _read(response: requests.Response) -> Iterator[bytes]:
    """Yield the body as it comes, so that a flood does not fill the memory."""
    size = 0
    while chunk := response.raw.read1(_CHUNK, decode_content=True):
        size += len(chunk)
        yield chunk
        chunk = b""  # it may hold the key, and errors keep what their frames hold
        if size > LARGEST_REPLY:
            raise SunoProtocolError(f"The reply is longer than {LARGEST_REPLY} bytes.", code=response.status_code)


def _transport_error(
    error: Exception, settings: ClientSettings, url: str, connect_timeout: float, read_timeout: float
) -> SunoError:
    """Say what went wrong below HTTP, and whether the request surely never left."""
    parts = urlsplit(url)
    where = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    on_the_wire = (requests.RequestException, urllib3.exceptions.HTTPError, ConnectionError, TimeoutError)
    if not isinstance(error, on_the_wire):
        said = _said(error, settings)
        return SunoValidationError(f"The request could not be prepared: check the connection's extras. ({said})")
    if isinstance(error, _NO_URL):
        or_proxy = ", or one of the proxies in the extra 'proxies'," if settings.proxies else ""
        said = _said(error, settings)
        return SunoValidationError(
            f"The base URL {shown(where)}{or_proxy} cannot be used: mend the connection. ({said})"
        )
    reasons = list(_chain(error))
    root = reasons[-1]
    never_sent = any(
        isinstance(reason, _NEVER_SENT) or NOTHING_SENT in getattr(reason, "__notes__", ()) for reason in reasons
    )
    if never_sent:
        message = _why_not_connected(reasons, where, connect_timeout)
    elif isinstance(root, SlowReplyError):
        message = f"{where} did not send its whole reply in time."
    elif isinstance(error, (requests.exceptions.ReadTimeout, urllib3.exceptions.ReadTimeoutError)):
        message = f"{where} did not answer within {read_timeout:g} s."
    else:
        message = f"The connection to {where} broke before the reply was whole."
    unavailable = SunoUnavailableError(f"{message} ({type(root).__name__}: {_said(root, settings)})")
    unavailable.refused = never_sent
    return unavailable


def _why_not_connected(reasons: list[BaseException], where: str, timeout: float) -> str:
    """Say why there was no connection, and what to do."""
    outermost, root = reasons[0], reasons[-1]
    if isinstance(outermost, requests.exceptions.ProxyError) or "Tunnel connection failed" in str(root):
        return (
            f"The proxy on the way to {where} refused or is not there: check the extra 'proxies', or the proxy that "
            "the environment names."
        )
    if isinstance(outermost, requests.exceptions.SSLError):
        return f"TLS trouble with {where}: {_tls_advice(str(root))}"
    if isinstance(root, socket.gaierror) and root.errno == socket.EAI_AGAIN:
        return f"No name server could tell where the host of {where} is: try later, or mend this machine's DNS."
    if any(isinstance(reason, urllib3.exceptions.NameResolutionError) for reason in reasons):
        return f"The host of {where} was not found: check the host of the connection."
    if isinstance(outermost, requests.exceptions.Timeout):
        return f"No connection to {where} within {timeout:g} s: check the host, or try later."
    return f"No connection to {where}: check the host and port of the connection, or try later."


def _said(error: BaseException, settings: ClientSettings) -> str:
    """Return what an error says, without the key and the proxies' passwords, which it may repeat."""
    proxies = {**getproxies_environment(), **settings.proxies}
    return plain(settings.auth.mask_text(without_users(str(error), proxies.values())), _SAID_CHARACTERS)


def _fits_a_header(key: SecretStr) -> bool:
    return key.get_secret_value().isascii() and key.get_secret_value().isprintable()


def _is_this_machine(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _tls_advice(trouble: str) -> str:
    for signs, advice in _TLS_ADVICE.items():
        if any(sign in trouble for sign in signs):
            return advice
    return "they could not agree on a secure connection: check the base URL and its port, or try later."


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it wraps, outermost first: requests and urllib3 keep the reason in their arguments."""
    seen: list[BaseException] = [error]
    while seen[-1:]:
        current = seen[-1]
        yield current
        nested = [getattr(current, "reason", None), *current.args, current.__cause__]
        current_reason = next((r for r in nested if isinstance(r, BaseException) and r not in seen), None)
        if current_reason is None:
            return
        seen.append(current_reason)
