"""Hold of the TCP connections themselves, so that the server can hang up as only a broken one does."""

from __future__ import annotations

import asyncio
import socket
import struct
from http import HTTPStatus

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

Peer = tuple[str, int]

_ARRIVAL = 0.05
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Connections:
    """The open connections, by the caller's address and port."""

    def __init__(self) -> None:
        self._open: dict[Peer, asyncio.Transport] = {}

    def protocol(self) -> type[asyncio.Protocol]:
        """Return the protocol class that makes uvicorn report its connections here."""
        connections = self._open

        class ReportingProtocol(H11Protocol):
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                super().connection_made(transport)
                self.peer: Peer = transport.get_extra_info("peername")[:2]
                connections[self.peer] = transport

            def connection_lost(self, exc: Exception | None) -> None:
                connections.pop(self.peer, None)
                super().connection_lost(exc)

        return ReportingProtocol

    def transport(self, scope: Scope) -> asyncio.Transport:
        """
        Return the connection that a request came in by.

        :param scope: the request's ASGI scope.
        """
        return self._open[tuple(scope["client"])]


class AbortedReply(Response):
    """
    Close the connection instead of answering, after these bytes.

    :param connections: the open connections.
    :param after: raw bytes to send first, if any.
    :param patience: real seconds of silence before; cut short if the caller hangs up.
    :param reset: close it by a TCP reset.

    ``silent`` tells whether the caller gets no byte at all.
    """

    def __init__(
        self, connections: Connections, *, after: bytes = b"", patience: float = 0, reset: bool = False
    ) -> None:
        super().__init__()
        self.silent = not after
        self._lines = connections
        self._after = after
        self._patience = patience
        self._reset = reset

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """
        Hang up.

        :param scope: the request's ASGI scope.
        :param receive: tells when the caller is gone.
        :param send: never used.
        """
        transport = self._lines.transport(scope)
        gone = asyncio.ensure_future(_caller_gone(receive))
        await asyncio.wait((gone,), timeout=self._patience)
        if self._after:
            transport.write(self._after)
        if self._reset:
            # A reset may overtake what was sent just before it.
            await asyncio.wait((gone,), timeout=_ARRIVAL)
            _reset(transport)
        transport.close()
        # Returning earlier would look to uvicorn like an application that forgot to answer, and end in a 500.
        await gone


class DripReply(Response):
    """
    Send raw bytes, a part of them at once and the others one by one, then close the connection.

    :param connections: the open connections.
    :param at_once: what is sent at once.
    :param one_by_one: what is not.
    :param gap: real seconds before each byte.
    """

    def __init__(self, connections: Connections, *, at_once: bytes, one_by_one: bytes, gap: float) -> None:
        super().__init__()
        self._lines = connections
        self._at_once = at_once
        self._one_by_one = one_by_one
        self._gap = gap

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """
        DripReply until the end, or until the caller has had enough.

        :param scope: the request's ASGI scope.
        :param receive: tells when the caller is gone.
        :param send: never used.
        """
        transport = self._lines.transport(scope)
        gone = asyncio.ensure_future(_caller_gone(receive))
        transport.write(self._at_once)
        for byte in self._one_by_one:
            await asyncio.wait((gone,), timeout=self._gap)
            if gone.done():
                break
            transport.write(bytes([byte]))
        transport.close()
        await gone


class EndlessReply(Response):
    """Send the beginning of an envelope, and go on as long as somebody reads."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """
        Send until the caller is gone.

        :param scope: the request's ASGI scope.
        :param receive: tells when the caller is gone.
        :param send: takes the reply.
        """
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": self.status_code, "headers": headers})
        gone = asyncio.ensure_future(_caller_gone(receive))
        more = b'{"code":200,"msg":"success","data":"'
        while not gone.done():
            await send({"type": "http.response.body", "body": more, "more_body": True})
            more = b" " * 64 * 1024
            await asyncio.sleep(0)


def _reset(transport: asyncio.Transport) -> None:
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    transport.abort()


async def _caller_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def head_of(status: int, headers: list[tuple[bytes, bytes]]) -> bytes:
    """
    Return the head of a reply as it goes over the line; the connection is not kept after it.

    :param status: HTTP status.
    :param headers: the reply's headers, the Content-Length of its whole body among them.
    """
    connections = [
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}".encode(),
        *(name + b": " + value for name, value in headers),
    ]
    return b"\r\n".join(connections) + b"\r\nconnection: close\r\n\r\n"


def cut_off(status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> bytes:
    """
    Return the raw reply with half its body under the Content-Length of the whole.

    :param status: HTTP status.
    :param headers: the reply's headers, the full Content-Length among them.
    :param body: the whole body.
    """
    return head_of(status, headers) + body[: len(body) // 2]
