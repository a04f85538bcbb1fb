"""Send one HTTP request as an account, and say what went wrong below HTTP; knows no call of the API."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, NoReturn
from urllib.parse import urlsplit

import requests
import urllib3
from pydantic import SecretStr
from requests.auth import AuthBase
from requests.utils import get_environ_proxies, select_proxy

from airflow_provider_suno import __version__
from airflow_provider_suno.api.envelope import HEADERS_READ, decipher
from airflow_provider_suno.api.profiles import APIKLEY, HostProfile
from airflow_provider_suno.exceptions import (
    SunoAuthError,
    SunoError,
    SunoProtocolError,
)
from airflow_provider_suno.http.failures import transport_error
from airflow_provider_suno.http.redaction import Mask

CONNECT_TIMEOUT = 10.0
READ_TIMEOUT = 30.0
LARGEST_REPLY = 1024 * 1024
USER_AGENT = f"airflow-provider-suno/{__version__}"

_HEADERS = {"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": "gzip, deflate"}
_CHUNK = 64 * 1024
_NOTED_STEPS = 4


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

    def __eq__(self, other: object) -> bool:
        """Return whether it is the same key."""
        return isinstance(other, BearerAuth) and self._key == other._key

    def __hash__(self) -> int:
        """Return a number that tells nothing."""
        return hash(self._key)

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
    :param connection: what messages call the connection that all this is from.
    """

    auth: BearerAuth
    base_url: str
    profile: HostProfile = APIKLEY
    upload_url: str | None = None
    read_timeout: float = READ_TIMEOUT
    connect_timeout: float = CONNECT_TIMEOUT
    verify: bool | str = True
    proxies: dict[str, str] = field(default_factory=dict, repr=False)
    connection: str = "the connection"

    @property
    def exposure(self) -> str | None:
        """Who else can read the key, in words; ``None`` when it stays on this machine or is encrypted."""
        for url in filter(None, (self.base_url, self.upload_url)):
            parts = urlsplit(url)
            if parts.scheme == "http" and not all(map(_is_this_machine, filter(None, (url, self._proxy_for(url))))):
                host = f"[{parts.hostname}]" if ":" in str(parts.hostname) else parts.hostname
                return f"http://{host} is not encrypted: the API key can be read on its way there. Use https."
        return None

    def _proxy_for(self, url: str) -> str | None:
        """Return the proxy that ``requests`` takes."""
        of_the_environment = get_environ_proxies(url, no_proxy=self.proxies.get("no_proxy"))
        return select_proxy(url, {**of_the_environment, **self.proxies})


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
            headers={**_HEADERS, **(headers or {})},
            timeout=(connect_timeout, read_timeout),
            verify=settings.verify,
            proxies=dict(settings.proxies),  # to which requests adds those of the environment
            allow_redirects=False,
            stream=True,
            **content,
        ) as response:
            body = settings.auth.mask(b"".join(_read(response)))
        # No variable holds the headers: they may tell the key, and errors keep what their frames hold.
        told = {
            name: settings.auth.mask_text(response.headers[name]) for name in HEADERS_READ if name in response.headers
        }
    except (OSError, urllib3.exceptions.HTTPError) as error:  # requests' own errors are OSErrors
        problem: BaseException = transport_error(error, settings, url, connect_timeout, read_timeout)
    except SunoError as error:  # ours, from the middle of a body that is sent or read
        problem = error.with_traceback(None)
    except BaseException as error:  # noqa: BLE001  # such as Airflow's execution_timeout
        problem = _frameless(error)
    else:
        return decipher(response.status_code, told, body, profile=settings.profile, connection=settings.connection)
    # Outside of the handlers, so that nothing hangs on to the library's frames and requests: they hold the key.
    raise problem


def _frameless(error: BaseException) -> BaseException:
    """Return an error that came from elsewhere without the frames it went through, but with a note of where it rose."""
    links = [error]
    for link in links:
        steps = traceback.extract_tb(link.__traceback__)[-_NOTED_STEPS:]
        link.__traceback__ = None
        if steps:
            went = " > ".join(f"{step.name} ({step.filename}:{step.lineno})" for step in steps)
            link.add_note(f"{type(link).__name__} rose in {went}")
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


def _fits_a_header(key: SecretStr) -> bool:
    return key.get_secret_value().isascii() and key.get_secret_value().isprintable()


def _is_this_machine(url: str) -> bool:
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or host.endswith(".localhost") or ip_address(host).is_loopback
    except ValueError:  # the URL of a proxy may be none at all
        return False
