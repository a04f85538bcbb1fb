"""Going out to an address that a caller named: to fetch a file, or to see whether anything is there."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import requests

FETCH_TIMEOUT = 30.0
"""Real seconds within which a file must have come."""

LARGEST_FETCH = 100 * 1000 * 1000
"""Bytes that are fetched at most. The service's pages advise this size; here it is a limit."""

_PROBE_TIMEOUT = 5.0
_CHUNK = 1 << 16
_HEADERS = {"User-Agent": "suno-api-simulator/1", "Accept-Encoding": "identity"}


class NotFetchedError(Exception):
    """The address did not yield the file; the message says why."""


def fetch(url: str, place: Path) -> str:
    """
    Fetch a file and return the content type its server names.

    :param url: its address.
    :param place: where to write it.
    :raises NotFetchedError: if it does not come, whole and in time.
    """
    import requests

    deadline = time.monotonic() + FETCH_TIMEOUT
    try:
        with _session() as session, session.get(url, stream=True, timeout=FETCH_TIMEOUT) as response:
            if not response.ok:
                raise NotFetchedError(f"it answers with HTTP {response.status_code}")
            _write(response.iter_content(_CHUNK), place, deadline)
            return str(response.headers.get("Content-Type", ""))
    except (requests.RequestException, ValueError) as error:
        raise NotFetchedError(type(error).__name__) from error


def _write(chunks: Iterable[bytes], place: Path, deadline: float) -> None:
    size = 0
    with place.open("wb") as file:
        for chunk in chunks:
            size += file.write(chunk)
            if size > LARGEST_FETCH:
                raise NotFetchedError(f"it is larger than {LARGEST_FETCH} bytes")
            if time.monotonic() > deadline:
                raise NotFetchedError(f"it takes longer than {FETCH_TIMEOUT:g} seconds")


def on_this_machine(url: str) -> bool:
    """
    Return whether an address leads to this machine, where looking for it costs nothing.

    :param url: the address.
    """
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def answers(url: str) -> bool:
    """
    Return whether there is something at an address.

    :param url: the address.
    """
    import requests

    try:
        with _session() as session, session.get(url, stream=True, timeout=_PROBE_TIMEOUT) as response:
            return bool(response.ok)
    except (requests.RequestException, ValueError):
        return False


def _session() -> requests.Session:
    import requests

    session = requests.Session()
    # No proxy and no password of this machine's user may go along.
    session.trust_env = False
    session.headers.update(_HEADERS)
    return session
