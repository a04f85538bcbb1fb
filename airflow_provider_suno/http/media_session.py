"""
An HTTP session for media hosts: without the API key, and only to addresses that a connection may reach.

The URLs of files come from the service's records, so they may name any host. Each connection resolves the name itself,
checks the addresses and connects to one of those that it has checked. A name that resolves to another address a moment
later gains nothing.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

from urllib3.util.connection import create_connection

from airflow_provider_suno.exceptions import SunoValidationError
from airflow_provider_suno.http.session import BoundedSession
from airflow_provider_suno.http.settings import MediaSettings, proxy_for

_NAT64 = ip_network("64:ff9b::/96")

_NEVER_ASKED = tuple(
    ip_network(network)
    for network in (
        "168.63.129.16/32",  # Azure's own services of each machine
        "fec0::/10",  # site-local
        "::/96",  # IPv4-compatible
        "::ffff:0:0:0/96",  # IPv4-translated
        "64:ff9b:1::/48",  # NAT64 of a local network
    )
)
"""Networks that not every version of Python counts as private."""


class PrivateAddressError(ConnectionError):
    """A media host has an address that is not a public one."""


class MediaSession(BoundedSession):
    """
    Fetch files from media hosts; follows no redirect by itself, and lets a whole reply take as long as it needs.

    :param settings: how to reach them.
    """

    def __init__(self, settings: MediaSettings) -> None:
        super().__init__()
        self.settings = settings
        self._bounds.whole_reply = False
        self._bounds.connect = self._connect

    def check(self, url: str) -> str:
        """
        Return a URL that may be fetched.

        :raises SunoValidationError: when its scheme or its host may not be asked.
        """
        shown = without_query(url)
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname, parts.port
        except ValueError as problem:
            raise SunoValidationError(f"The file's URL {shown!r} is malformed: {problem}.") from None
        if parts.scheme not in ("http", "https") or not host:
            raise SunoValidationError(f"The file's URL {shown!r} is not an http or https URL, so it is not fetched.")
        if "@" in parts.netloc:
            raise SunoValidationError(f"The file's URL at {host} has a user name or password, so it is not fetched.")
        if proxy_for(url, self.settings.proxies) and not self.settings.allow_private:
            self._check_behind_proxy(host)
        return url

    def _check_behind_proxy(self, host: str) -> None:
        """Check what can be known here of a host that the proxy resolves and connects to."""
        try:
            found = [entry[4][0] for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]
        except (OSError, UnicodeError):
            return  # only the proxy can resolve it
        if not all(is_public(str(address)) for address in found):  # the proxy may take any of them
            raise SunoValidationError(private_address(host))

    def _connect(self, host: str, port: int, timeout: Any, **options: Any) -> socket.socket:
        """Return a socket that is connected to a checked address of a host."""
        problem: OSError | None = None
        for address in self._addresses(host, port):
            try:
                return create_connection((address, port), timeout, **options)
            except OSError as error:
                problem = error
        raise problem or PrivateAddressError(private_address(host))

    def _addresses(self, host: str, port: int) -> Iterator[str]:
        for entry in socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM):
            address = str(entry[4][0])
            if self.settings.allow_private or is_public(address):
                yield address


def without_query(url: str) -> str:
    """Return a URL for messages and metadata: without its query, which may be a signature that opens the file."""
    return url.partition("#")[0].partition("?")[0]


def private_address(host: str) -> str:
    """Return why a host is not asked, and what to do."""
    return (
        f"{host} has a private, loopback or link-local address, so nothing is fetched from it. If that is your own "
        "gateway or simulator, set the connection's extra allow_private_media to true."
    )


def is_public(address: str) -> bool:
    """Return whether an address is reachable from everywhere, so that it is none of a private network."""
    found = ip_address(address.partition("%")[0])
    if any(found in network for network in _NEVER_ASKED if network.version == found.version):
        return False
    return all(one.is_global and not one.is_multicast for one in _with_embedded(found))


def _with_embedded(address: IPv4Address | IPv6Address) -> Iterator[IPv4Address | IPv6Address]:
    """Yield an address, and the IPv4 address that it stands for if it is a translated or tunnelled one."""
    if isinstance(address, IPv4Address):
        yield address
    elif address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    else:
        yield address
        if address.sixtofour is not None:
            yield address.sixtofour
        if address in _NAT64:
            yield IPv4Address(int(address) & 0xFFFFFFFF)
