"""A proxy that records what passes through it."""

from __future__ import annotations

import select
import socket
import threading
from contextlib import suppress
from typing import Self

REFUSAL = (
    "HTTP/1.1 407 Proxy Authentication Required for {told}\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n"
)


class TunnelProxy:
    """
    An HTTP proxy for tunnels that records the requests to it and the data that pass through.

    :param refuses: replies 407, and repeats the headers of the request.
    """

    def __init__(self, *, refuses: bool = False) -> None:
        self.told = b""
        self.passed = b""
        self._refuses = refuses
        self._listener = socket.create_server(("127.0.0.1", 0))

    def __enter__(self) -> Self:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def url(self, user: str = "") -> str:
        """Return its URL, with a user and a password if they are given."""
        return f"http://{user}{'@' if user else ''}127.0.0.1:{self._listener.getsockname()[1]}"

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._tunnel, args=(client,), daemon=True).start()

    def _tunnel(self, client: socket.socket) -> None:
        head = b""
        with client, suppress(OSError):
            while b"\r\n\r\n" not in head and (more := client.recv(65536)):
                head += more
            self.told += head
            first, _, headers = head.decode("latin-1").partition("\r\n")
            if self._refuses:
                client.sendall(REFUSAL.format(told=headers.replace("\r\n", " ")).encode())
                return
            method, target, _version = first.split()
            host, _, port = target.rpartition(":")
            assert method == "CONNECT", "only tunnels"
            with socket.create_connection((host, int(port))) as server:
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                self._pass_on(client, server)

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        other = {client: server, server: client}
        while True:
            for ready in select.select(list(other), [], [])[0]:
                data = ready.recv(65536)
                if not data:
                    return
                self.passed += data
                other[ready].sendall(data)
