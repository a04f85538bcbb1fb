"""
Going out to an address that a caller named: to fetch a file, to see whether anything is there, to tell something.

No proxy and no password of this machine's user goes along, and the simulator does not use the HTTP library that the
client on the other side of the wire does.
"""

from __future__ import annotations

import ipaddress
import time
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from urllib.parse import urljoin, urlsplit

FETCH_TIMEOUT = 30.0
"""Real seconds within which a file must have come."""

LARGEST_FETCH = 100 * 1000 * 1000
"""Bytes that are fetched at most. The service's pages advise this size; here it is a limit."""

USER_AGENT = "suno-api-simulator/1"
_PROBE_TIMEOUT = 5.0
_MOST_REDIRECTS = 5
_CHUNK = 1 << 16
_CONNECTIONS: dict[str, type[HTTPConnection]] = {"http": HTTPConnection, "https": HTTPSConnection}


class NotReachedError(Exception):
    """The address did not yield what was wanted; the message says why."""


def fetch(url: str, place: Path) -> str:
    """
    Fetch a file and return the content type its server names.

    :param url: its address.
    :param place: where to write it.
    :raises NotReachedError: if it does not come, whole and in time.
    """
    deadline = time.monotonic() + FETCH_TIMEOUT
    for _ in range(_MOST_REDIRECTS + 1):
        with _Connection(url, FETCH_TIMEOUT) as line:
            response = line.ask("GET")
            if response.status in (301, 302, 303, 307, 308):
                url = urljoin(url, response.headers.get("Location", ""))
                continue
            if not 200 <= response.status < 300:
                raise NotReachedError(f"it answers with HTTP {response.status}")
            line.write_to(place, deadline)
            return str(response.headers.get("Content-Type", ""))
    raise NotReachedError("it leads from one address to the next")


def is_reachable(url: str) -> bool:
    """
    Return whether there is something at an address.

    :param url: the address.
    """
    try:
        with _Connection(url, _PROBE_TIMEOUT) as line:
            return line.ask("GET").status < 400
    except NotReachedError:
        return False


def post(url: str, content: bytes, headers: dict[str, str], timeout: float) -> int:
    """
    Send something and return the receiver's HTTP status. A receiver that points elsewhere is not followed.

    :param url: the receiver's address.
    :param content: what to send.
    :param headers: headers to send it with.
    :param timeout: real seconds to wait for an answer.
    :raises NotReachedError: if there is no answer.
    """
    with _Connection(url, timeout) as line:
        return line.ask("POST", content, headers).status


def is_loopback(url: str) -> bool:
    """
    Return whether an address leads to this machine, where looking for it costs nothing.

    :param url: the address.
    """
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _Connection:
    """A connection to the server of an address, whose every audio_defect is the one error."""

    def __init__(self, url: str, timeout: float) -> None:
        try:
            parts = urlsplit(url)
            self._connection = _CONNECTIONS[parts.scheme](parts.hostname or "", parts.port, timeout=timeout)
        except (KeyError, ValueError, HTTPException) as error:
            raise NotReachedError(f"it is no http or https address: {error}") from error
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._response: HTTPResponse | None = None

    def __enter__(self) -> _Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def ask(self, method: str, content: bytes | None = None, headers: dict[str, str] | None = None) -> HTTPResponse:
        try:
            self._connection.request(method, self._target, content, {"User-Agent": USER_AGENT, **(headers or {})})
            self._response = self._connection.getresponse()
        except (OSError, HTTPException, ValueError) as error:
            raise NotReachedError(type(error).__name__) from error
        return self._response

    def write_to(self, place: Path, deadline: float) -> None:
        if self._response is None:
            raise RuntimeError("nothing was asked for")
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
