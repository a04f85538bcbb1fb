"""The HTTP server that runs the web application, and sends callbacks while it runs."""

from __future__ import annotations

import asyncio
import socket

import uvicorn

from airflow_provider_suno.simulator.control.simulation import Simulation
from airflow_provider_suno.simulator.wire.app import create_app
from airflow_provider_suno.simulator.wire.callback_sender import CallbackSender
from airflow_provider_suno.simulator.wire.connections import Connections


def create_server(simulation: Simulation) -> uvicorn.Server:
    """Return a server that does not run yet."""
    connections = Connections()
    config = uvicorn.Config(
        create_app(simulation, connections),
        http=connections.protocol(),
        ws="none",
        loop="asyncio",
        lifespan="off",
        # Faults find a connection by the caller's address, so proxy headers must not change it.
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        log_level="critical",
        backlog=1024,
    )
    return uvicorn.Server(config)


async def serve(server: uvicorn.Server, listener: socket.socket, simulation: Simulation) -> None:
    """
    Run a server until its ``should_exit`` is set.

    :param listener: the socket to accept connections from.
    :param simulation: the simulation that it serves.
    """
    callbacks = asyncio.ensure_future(CallbackSender(simulation).run())
    await server.serve(sockets=[listener])
    callbacks.cancel()
