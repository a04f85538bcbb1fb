"""How to reach one account: its key, its URLs, its timeouts."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, NoReturn
from urllib.parse import urlsplit

import requests
from pydantic import SecretStr
from requests.auth import AuthBase
from requests.utils import get_environ_proxies, select_proxy

from airflow_provider_suno.api.profiles import APIKLEY, HostProfile
from airflow_provider_suno.exceptions import SunoAuthError
from airflow_provider_suno.http.redaction import Mask

CONNECT_TIMEOUT = 10.0

READ_TIMEOUT = 30.0


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


def _fits_a_header(key: SecretStr) -> bool:
    return key.get_secret_value().isascii() and key.get_secret_value().isprintable()


def _is_this_machine(url: str) -> bool:
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or host.endswith(".localhost") or ip_address(host).is_loopback
    except ValueError:  # the URL of a proxy may be none at all
        return False
