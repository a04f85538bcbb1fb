"""The server's open TCP connections, so that a fault can break the connection of a request."""

from __future__ import annotations

import asyncio

from starlette.types import Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

Peer = tuple[str, int]


class Connections:
    """The open connections, by the caller's address and port."""

    def __init__(self) -> None:
        self._open: dict[Peer, asyncio.Transport] = {}

    def protocol(self) -> type[asyncio.Protocol]:
        """Return the protocol class that makes uvicorn register its connections here."""
        connections = self._open

        class RegisteringProtocol(H11Protocol):
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                super().connection_made(transport)
                self.peer: Peer = transport.get_extra_info("peername")[:2]
                connections[self.peer] = transport

            def connection_lost(self, exc: Exception | None) -> None:
                connections.pop(self.peer, None)
                super().connection_lost(exc)

        return RegisteringProtocol

    def transport(self, scope: Scope) -> asyncio.Transport:
        """Return the connection of a request."""
        return self._open[tuple(scope["client"])]
