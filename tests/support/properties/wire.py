"""A service on a real socket that answers whatever it is asked with the bytes that a test lays out, and hangs up."""

from __future__ import annotations

import re
import socket
import threading
from contextlib import suppress
from functools import lru_cache

from airflow_provider_suno.http.client import SunoClient
from airflow_provider_suno.http.session import BoundedSession
from airflow_provider_suno.http.settings import BearerAuth, ClientSettings

_HOST = "127.0.0.1"
_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)
_CHUNK = 64 * 1024


class Wire:
    """
    The service; one request at a time.

    :ivar reply: what it answers, status line and headers included.
    :ivar asked: how often it was asked.
    """

    def __init__(self) -> None:
        self.reply = b""
        self.asked = 0
        self._listener = socket.create_server((_HOST, 0))
        self.url = f"http://{_HOST}:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            sock, _ = self._listener.accept()
            with sock, suppress(OSError):
                self._converse(sock)

    def _converse(self, sock: socket.socket) -> None:
        request = b""
        while not _is_whole(request):
            request += sock.recv(_CHUNK)
        self.asked += 1
        sock.sendall(self.reply)


def _is_whole(request: bytes) -> bool:
    head, end, body = request.partition(b"\r\n\r\n")
    length = _LENGTH.search(head + b"\r\n")
    return bool(end) and len(body) >= (int(length[1]) if length else 0)


@lru_cache
def wire() -> Wire:
    """Return the one service of this process."""
    return Wire()


def client_that_receives(reply: bytes, auth: BearerAuth) -> SunoClient:
    """Return a client to which the service answers with these bytes, status line and headers included."""
    wire().reply = reply
    settings = ClientSettings(auth=auth, base_url=wire().url, read_timeout=5)
    client = SunoClient(settings, draw=lambda: 0.5, new_session=_new_session)
    client.cancellation.pause = lambda seconds: None  # type: ignore[method-assign]
    return client


def _new_session() -> BoundedSession:
    session = BoundedSession()
    session.trust_env = False  # no proxy, which would be asked in its place
    return session
