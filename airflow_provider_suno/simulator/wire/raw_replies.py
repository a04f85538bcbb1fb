"""Replies that no HTTP server would send: they break the connection, or send single bytes."""

from __future__ import annotations

import asyncio
import socket
import struct
from http import HTTPStatus

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from airflow_provider_suno.simulator.wire.connections import Connections

_ARRIVAL = 0.05
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class AbortedReply(Response):
    """
    Send some bytes, or none, and close the connection.

    :param connections: the open connections.
    :param after: raw bytes to send first, if any.
    :param delay: real seconds to wait first; less if the caller closes the connection.
    :param reset: close the connection by a TCP reset.

    ``silent`` is true if the caller receives no byte at all.
    """

    def __init__(self, connections: Connections, *, after: bytes = b"", delay: float = 0, reset: bool = False) -> None:
        super().__init__()
        self.silent = not after
        self._connections = connections
        self._after = after
        self._delay = delay
        self._reset = reset

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """
        Send the bytes and close the connection.

        :param receive: returns when the caller has closed the connection.
        :param send: not used.
        """
        transport = self._connections.transport(scope)
        gone = asyncio.ensure_future(_caller_gone(receive))
        await asyncio.wait((gone,), timeout=self._delay)
        if self._after:
            transport.write(self._after)
        if self._reset:
            # Without a pause, the reset may overtake the bytes that were just sent.
            await asyncio.wait((gone,), timeout=_ARRIVAL)
            _reset(transport)
        transport.close()
        # If this returned before the connection is closed, uvicorn would answer with HTTP 500.
        await gone


class DripReply(Response):
    """
    Send raw bytes: some of them at once, the rest one by one. Then close the connection.

    :param connections: the open connections.
    :param at_once: the bytes to send at once.
    :param one_by_one: the other bytes.
    :param gap: real seconds before each of them.
    """

    def __init__(self, connections: Connections, *, at_once: bytes, one_by_one: bytes, gap: float) -> None:
        super().__init__()
        self._connections = connections
        self._at_once = at_once
        self._one_by_one = one_by_one
        self._gap = gap

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """
        Send the bytes until all are sent, or until the caller closes the connection.

        :param receive: returns when the caller has closed the connection.
        :param send: not used.
        """
        transport = self._connections.transport(scope)
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
    """Send the beginning of an envelope, then blanks until the caller closes the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """
        Send until the caller closes the connection.

        :param receive: returns when the caller has closed the connection.
        """
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": self.status_code, "headers": headers})
        gone = asyncio.ensure_future(_caller_gone(receive))
        chunk = b'{"code":200,"msg":"success","data":"'
        while not gone.done():
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            chunk = b" " * 64 * 1024
            await asyncio.sleep(0)


def _reset(transport: asyncio.Transport) -> None:
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    transport.abort()


async def _caller_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def head_of(status: int, headers: list[tuple[bytes, bytes]]) -> bytes:
    """
    Return the raw head of a reply. The connection is not kept open after it.

    :param status: HTTP status.
    :param headers: the reply's headers, with the Content-Length of its whole body.
    """
    lines = [
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}".encode(),
        *(name + b": " + value for name, value in headers),
    ]
    return b"\r\n".join(lines) + b"\r\nconnection: close\r\n\r\n"


def cut_off(status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> bytes:
    """
    Return a raw reply with half its body, but with the Content-Length of the whole.

    :param status: HTTP status.
    :param headers: the reply's headers, with the Content-Length of its whole body.
    """
    return head_of(status, headers) + body[: len(body) // 2]
