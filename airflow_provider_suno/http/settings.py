"""The settings of one account: its API key, its URLs, its timeouts."""

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
from airflow_provider_suno.http import retry
from airflow_provider_suno.http.redaction import Mask


class BearerAuth(AuthBase):
    """
    Add the API key to each request, and keep it out of header dicts and reprs; ``mask`` hides it in replies.

    :param api_key: the key; white space around it is cut off.
    :raises SunoAuthError: when it is empty, or has characters that a header cannot hold.
    """

    def __init__(self, api_key: str) -> None:
        self._key = SecretStr(api_key.strip())
        del api_key  # tracebacks keep locals alive
        key = self._key.get_secret_value
        if not key():
            raise SunoAuthError("The connection has no API key: put it into the password field.")
        if not (key().isascii() and key().isprintable()):
            raise SunoAuthError(
                "The API key (the connection's password) has characters that no key has: copy it again."
            )
        self.mask = Mask(key())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BearerAuth) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __deepcopy__(self, _: Any = None) -> BearerAuth:
        """Return itself: it never changes, and cannot be pickled, which is how other objects are copied."""
        return self

    __copy__ = __deepcopy__

    def __reduce__(self) -> NoReturn:
        raise TypeError("The API key does not leave this process: look the connection up where it is needed.")

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Authorize the request."""
        request.headers["Authorization"] = f"Bearer {self._key.get_secret_value()}"
        return request


@dataclass(frozen=True)
class MediaSettings:
    """
    Hold how to reach the hosts of finished files. It has no key: none of them gets it.

    :param read_timeout: seconds without a byte before a transfer counts as broken.
    :param connect_timeout: seconds to make a connection.
    :param verify: check TLS certificates; a path names a CA bundle.
    :param proxies: proxy URL by scheme, as ``requests`` takes it.
    :param allow_private: fetch from private, loopback and link-local addresses too.
    """

    read_timeout: float = 30.0
    connect_timeout: float = 10.0
    verify: bool | str = True
    proxies: dict[str, str] = field(default_factory=dict, repr=False)
    allow_private: bool = False


@dataclass(frozen=True)
class ClientSettings:
    """
    Hold what it takes to reach one account.

    :param auth: the key.
    :param base_url: where the API is, without a slash at its end.
    :param profile: which reseller's variant of the API it is.
    :param upload_url: where files are uploaded to; by default where the profile says.
    :param read_timeout: seconds without a byte before a reply counts as lost; a whole reply may take twice that.
    :param connect_timeout: seconds to make a connection.
    :param verify: check TLS certificates; a path names a CA bundle.
    :param proxies: proxy URL by scheme, as ``requests`` takes it.
    :param allow_private_media: fetch finished files from private, loopback and link-local addresses too.
    :param connection: what messages call the Airflow connection.
    :param retry_limits: how long a call is retried.
    """

    auth: BearerAuth
    base_url: str
    profile: HostProfile = APIKLEY
    upload_url: str | None = None
    read_timeout: float = 30.0
    connect_timeout: float = 10.0
    verify: bool | str = True
    proxies: dict[str, str] = field(default_factory=dict, repr=False)
    allow_private_media: bool = False
    connection: str = "the connection"
    retry_limits: retry.RetryLimits = field(default_factory=lambda: retry.RETRY_LIMITS)

    @property
    def media(self) -> MediaSettings:
        """How to reach the hosts of finished files."""
        return MediaSettings(
            self.read_timeout, self.connect_timeout, self.verify, self.proxies, self.allow_private_media
        )

    @property
    def log_page(self) -> str | None:
        """The page for people that lists the account's jobs, if the host has one."""
        return self.profile.log_page_at(self.base_url)

    @property
    def exposure(self) -> str | None:
        """A warning if the key would travel unencrypted to another machine, else ``None``."""
        for url in filter(None, (self.base_url, self.upload_url)):
            parts = urlsplit(url)
            if parts.scheme == "http" and not all(
                map(_is_this_machine, filter(None, (url, proxy_for(url, self.proxies))))
            ):
                host = f"[{parts.hostname}]" if ":" in str(parts.hostname) else parts.hostname
                return f"http://{host} is not encrypted: the API key can be read on its way there. Use https."
        return None


def proxy_for(url: str, proxies: dict[str, str]) -> str | None:
    """Return the proxy that ``requests`` will choose, of these and those of the environment."""
    of_the_environment = get_environ_proxies(url, no_proxy=proxies.get("no_proxy"))
    return select_proxy(url, {**of_the_environment, **proxies})


def _is_this_machine(url: str) -> bool:
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or host.endswith(".localhost") or ip_address(host).is_loopback
    except ValueError:  # the proxy's URL may be malformed
        return False
