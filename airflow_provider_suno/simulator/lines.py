"""Hold of the TCP connections themselves, so that the server can hang up as only a broken one does."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

Peer = tuple[str, int]


class Lines:
    """The open connections, by the caller's address and port."""

    def __init__(self) -> None:
        self._open: dict[Peer, asyncio.Transport] = {}

    def protocol(self) -> type[asyncio.Protocol]:
        """Return the protocol class that makes uvicorn report its connections here."""
        lines = self._open

        class ReportingProtocol(H11Protocol):
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                super().connection_made(transport)
                self.peer: Peer = transport.get_extra_info("peername")[:2]
                lines[self.peer] = transport

            def connection_lost(self, exc: Exception | None) -> None:
                lines.pop(self.peer, None)
                super().connection_lost(exc)

        return ReportingProtocol

    def transport(self, scope: Scope) -> asyncio.Transport:
        """
        Return the connection that a request came in by.

        :param scope: the request's ASGI scope.
        """
        return self._open[tuple(scope["client"])]


class HangUp(Response):
    """
    Close the connection instead of answering, after these bytes.

    :param lines: the open connections.
    :param after: raw bytes to send first, if any.
    :param patience: real seconds of silence before; cut short if the caller hangs up.

    ``silent`` tells whether the caller gets no byte at all.
    """

    def __init__(self, lines: Lines, *, after: bytes = b"", patience: float = 0) -> None:
        super().__init__()
        self.silent = not after
        self._lines = lines
        self._after = after
        self._patience = patience

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
        transport.close()
        # Returning earlier would look to uvicorn like an application that forgot to answer, and end in a 500.
        await gone


async def _caller_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def cut_off(status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> bytes:
    """
    Return the raw reply with half its body under the Content-Length of the whole.

    :param status: HTTP status.
    :param headers: the reply's headers, the full Content-Length among them.
    :param body: the whole body.
    """
    lines = [
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}".encode(),
        *(name + b": " + value for name, value in headers),
    ]
    return b"\r\n".join(lines) + b"\r\nconnection: close\r\n\r\n" + body[: len(body) // 2]
