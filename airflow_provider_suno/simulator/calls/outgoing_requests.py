"""
Requests of the simulator to an address that a caller named: to fetch a file, to see if it exists, to send a callback.

They use no proxy and no credentials of this machine's user. Their HTTP library is not that of the provider's client, so
that a bug of one library cannot affect both sides.
"""

from __future__ import annotations

import ipaddress
import time
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from urllib.parse import urljoin, urlsplit

FETCH_TIMEOUT = 30.0
"""Real seconds in which a file must be fetched."""

LARGEST_FETCH = 100 * 1000 * 1000
"""Size of the largest file, in bytes. The API's pages recommend this size; here it is a limit."""

USER_AGENT = "suno-api-simulator/1"
_PROBE_TIMEOUT = 5.0
_MOST_REDIRECTS = 5
_CHUNK = 1 << 16
_CONNECTIONS: dict[str, type[HTTPConnection]] = {"http": HTTPConnection, "https": HTTPSConnection}


class NotReachedError(Exception):
    """The request failed; the message says why."""


def fetch(url: str, place: Path) -> str:
    """
    Fetch a file and return its content type, as its server states it.

    :param place: where to write it.
    :raises NotReachedError: if the file cannot be fetched completely and in time.
    """
    deadline = time.monotonic() + FETCH_TIMEOUT
    for _ in range(_MOST_REDIRECTS + 1):
        with _Exchange(url, FETCH_TIMEOUT) as exchange:
            response = exchange.request("GET")
            if response.status in (301, 302, 303, 307, 308):
                url = urljoin(url, response.headers.get("Location", ""))
                continue
            if not 200 <= response.status < 300:
                raise NotReachedError(f"it answers with HTTP {response.status}")
            exchange.write_to(place, deadline)
            return str(response.headers.get("Content-Type", ""))
    raise NotReachedError("it has too many redirects")


def is_reachable(url: str) -> bool:
    """Return whether an address answers without an error."""
    try:
        with _Exchange(url, _PROBE_TIMEOUT) as exchange:
            return exchange.request("GET").status < 400
    except NotReachedError:
        return False


def post(url: str, content: bytes, headers: dict[str, str], timeout: float) -> int:
    """
    Send a POST request and return the HTTP status. Redirects are not followed.

    :param url: the receiver's address.
    :param timeout: real seconds to wait for an answer.
    :raises NotReachedError: if there is no answer.
    """
    with _Exchange(url, timeout) as exchange:
        return exchange.request("POST", content, headers).status


def is_loopback(url: str) -> bool:
    """Return whether an address is on this machine."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _Exchange:
    """One request and its response. Every failure is a NotReachedError."""

    def __init__(self, url: str, timeout: float) -> None:
        try:
            parts = urlsplit(url)
            self._connection = _CONNECTIONS[parts.scheme](parts.hostname or "", parts.port, timeout=timeout)
        except (KeyError, ValueError, HTTPException) as error:
            raise NotReachedError(f"it is no http or https address: {error}") from error
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._response: HTTPResponse | None = None

    def __enter__(self) -> _Exchange:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def request(self, method: str, content: bytes | None = None, headers: dict[str, str] | None = None) -> HTTPResponse:
        try:
            self._connection.request(method, self._target, content, {"User-Agent": USER_AGENT, **(headers or {})})
            self._response = self._connection.getresponse()
        except (OSError, HTTPException, ValueError) as error:
            raise NotReachedError(type(error).__name__) from error
        return self._response

    def write_to(self, place: Path, deadline: float) -> None:
        if self._response is None:
            raise RuntimeError("no request was sent")
        size = 0
        try:
            with place.open("wb") as file:
                while chunk := self._response.read1(_CHUNK):
                    size += file.write(chunk)
                    if size > LARGEST_FETCH:
                        raise NotReachedError(f"it is larger than {LARGEST_FETCH} bytes")
                    if time.monotonic() > deadline:
                        raise NotReachedError(f"it takes longer than {FETCH_TIMEOUT:g} seconds")
            if self._response.length:
                raise NotReachedError(f"it breaks off {self._response.length} bytes before its end")
        except (OSError, HTTPException, ValueError) as error:
            raise NotReachedError(type(error).__name__) from error
