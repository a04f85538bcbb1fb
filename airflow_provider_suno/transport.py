"""Send one HTTP request as an account, and say what went wrong below HTTP; knows no call of the API."""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from pydantic import SecretStr
from requests.auth import AuthBase

from airflow_provider_suno import __version__
from airflow_provider_suno.api.masking import KeyMask
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

CONNECT_TIMEOUT = 10.0
READ_TIMEOUT = 30.0
LARGEST_REPLY = 8 * 1024 * 1024
USER_AGENT = f"airflow-provider-suno/{__version__}"

_CHUNK = 64 * 1024
_SAID_CHARACTERS = 300
_SHORTEST_MASKED_KEY = 6
_HANDSHAKE_FAILURES = ("WRONG_VERSION_NUMBER", "HANDSHAKE_FAILURE", "PROTOCOL_VERSION", "CERTIFICATE_VERIFY_FAILED")
_TLS_ADVICE = {
    ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"): "nothing there speaks TLS: should the base URL begin with "
    "http://, or have another port?",
    ("certificate has expired",): "its certificate has expired: tell those who run it.",
    ("Hostname mismatch", "IP address mismatch"): "its certificate is another host's: check the base URL.",
}


class BearerAuth(AuthBase):
    """
    Add the API key to each request; an object of its own, so that the key stands in no header dict and no repr.

    :param api_key: the key; white space around it is cut off.
    :raises SunoAuthError: when it is empty, or has characters that cannot travel in a header.
    """

    def __init__(self, api_key: str) -> None:
        key = api_key.strip()
        if not key:
            raise SunoAuthError("The connection has no API key: put it into the password field.")
        if not (key.isascii() and key.isprintable()):
            raise SunoAuthError(
                "The API key (the connection's password) has characters that no key has: copy it again."
            )
        self._key = SecretStr(key)
        self._mask = KeyMask(key) if len(key) >= _SHORTEST_MASKED_KEY else None

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Authorize the request."""
        request.headers["Authorization"] = f"Bearer {self._key.get_secret_value()}"
        return request

    def mask(self, body: bytes) -> bytes:
        """Return a reply without the key, should the service repeat it."""
        return self._mask.hide_in_bytes(body) if self._mask else body

    def mask_text(self, text: str) -> str:
        """Return a header or a message without the key."""
        return self._mask.hide(text) if self._mask else text


class Session(requests.Session):
    """
    Send without looking where a redirect leads: this API has none.

    ``requests`` itself looks even when it is told not to follow, and reads the whole body for that, however long and
    slow it comes.
    """

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Return nowhere."""
        del resp
        return None


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
    auth = settings.auth
    try:
        with session.request(
            method,
            url,
            auth=auth,
            headers={"User-Agent": USER_AGENT, "Accept": "application/json", **(headers or {})},
            timeout=timeout or (settings.connect_timeout, settings.read_timeout),
            verify=settings.verify,
            proxies=settings.proxies,
            allow_redirects=False,
            stream=True,
            **content,
        ) as response:
            body = b"".join(_read(response, time.monotonic() + 2 * settings.read_timeout))
    except (OSError, urllib3.exceptions.HTTPError) as error:  # requests' own errors are OSErrors
        failure = _transport_error(error, settings, url)
        told = "".join(traceback.format_exception(error))
        if auth.mask_text(told) == told:
            raise failure from error
    else:
        told_headers = {name: auth.mask_text(value) for name, value in response.headers.items()}
        return decipher(response.status_code, told_headers, auth.mask(body), profile=settings.profile)
    raise failure  # without what led to it: the service repeats the key there, such as in a broken status line


def _read(response: requests.Response, deadline: float) -> Iterator[bytes]:
    """Yield the body as it comes, so that neither a drip without end nor a flood holds the caller."""
    size = 0
    while chunk := response.raw.read1(_CHUNK, decode_content=True):
        size += len(chunk)
        if size > LARGEST_REPLY:
            raise SunoProtocolError(f"The reply is longer than {LARGEST_REPLY} bytes.", code=response.status_code)
        if time.monotonic() > deadline:
            raise SunoUnavailableError("The reply did not end in time.", code=response.status_code)
        yield chunk


def _transport_error(error: Exception, settings: ClientSettings, url: str) -> SunoError:
    """Say what went wrong below HTTP, and whether the request surely never left."""
    parts = urlsplit(url)
    where = f"{parts.scheme}://{parts.netloc}"
    on_the_wire = (requests.RequestException, urllib3.exceptions.HTTPError, ConnectionError, TimeoutError)
    if not isinstance(error, on_the_wire):
        said = plain(str(error), _SAID_CHARACTERS)
        return SunoValidationError(f"The request could not be prepared: check the connection's extras. ({said})")
    if isinstance(error, (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema)):
        or_proxy = ", or one of the proxies in the extra 'proxies'," if settings.proxies else ""
        said = plain(str(error), _SAID_CHARACTERS)
        return SunoValidationError(
            f"The base URL {shown(where)}{or_proxy} cannot be used: mend the connection. ({said})"
        )
    reasons = list(_chain(error))
    root = reasons[-1]
    never_sent = True
    if isinstance(error, requests.exceptions.ProxyError):
        message = f"The proxy on the way to {where} refused or is not there: check the extra 'proxies'."
    elif isinstance(error, requests.exceptions.SSLError):
        message = f"TLS trouble with {where}: {_tls_advice(str(root))}"
        never_sent = any(name in str(root) for name in _HANDSHAKE_FAILURES)
    elif any(isinstance(reason, urllib3.exceptions.NameResolutionError) for reason in reasons):
        message = f"The host of {where} was not found: check the host of the connection."
    elif isinstance(error, requests.exceptions.ConnectTimeout):
        message = f"No connection to {where} within {settings.connect_timeout:g} s: check the host, or try later."
    elif any(isinstance(reason, urllib3.exceptions.NewConnectionError) for reason in reasons):
        message = f"No connection to {where}: check the host and port of the connection, or try later."
    elif isinstance(error, (requests.exceptions.ReadTimeout, urllib3.exceptions.ReadTimeoutError)):
        message = f"{where} did not answer within {settings.read_timeout:g} s."
        never_sent = False
    else:
        message = f"The connection to {where} broke before the reply was whole."
        never_sent = False
    said = plain(settings.auth.mask_text(str(root)), _SAID_CHARACTERS)
    unavailable = SunoUnavailableError(f"{message} ({type(root).__name__}: {said})")
    unavailable.refused = never_sent
    return unavailable


def _tls_advice(trouble: str) -> str:
    for signs, advice in _TLS_ADVICE.items():
        if any(sign in trouble for sign in signs):
            return advice
    return "its certificate is not trusted here: check the base URL, or the extra 'verify' (a CA bundle, or false)."


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
