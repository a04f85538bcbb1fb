"""A simulator in a thread of this process, for tests and demonstrations."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow_provider_suno.simulator.control.report import report
from airflow_provider_suno.simulator.control.simulation import Simulation
from airflow_provider_suno.simulator.state.clock import Clock
from airflow_provider_suno.simulator.state.host_profiles import APIKLEY, PROFILES
from airflow_provider_suno.simulator.state.ids import IdSource
from airflow_provider_suno.simulator.state.service_state import DEFAULT_API_KEY, DEFAULT_CREDITS, ServiceState
from airflow_provider_suno.simulator.state.settings import Callbacks, Settings

if TYPE_CHECKING:
    import uvicorn

    from airflow_provider_suno.simulator.control.fault_plan import FaultPlan

_START_TIMEOUT = 15.0
_TICK = 0.01


class RunningSimulator:
    """
    A simulator that listens.

    :param simulation: what it plays.
    :param host: address it listens on.
    :param port: port it listens on.
    :param api_key: a key it accepts.
    """

    def __init__(self, simulation: Simulation, *, host: str, port: int, api_key: str) -> None:
        self.simulation = simulation
        self.host = host
        self.port = port
        self.api_key = api_key

    @property
    def url(self) -> str:
        """Base URL of the API, without a slash at the end."""
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    @property
    def upload_url(self) -> str:
        """Base URL of the upload calls, which the resellers put in different places."""
        return self.url + self.state.profile.upload_prefix

    @property
    def connection(self) -> dict[str, Any]:
        """The Airflow connection that leads here."""
        connection: dict[str, Any] = {"conn_type": "suno", "host": self.url, "password": self.api_key}
        if self.state.profile is not APIKLEY:
            connection["extra"] = {"profile": self.state.profile.name}
        return connection

    @property
    def connection_json(self) -> str:
        """The same as the value of an ``AIRFLOW_CONN_...`` variable."""
        return json.dumps(self.connection)

    @property
    def state(self) -> ServiceState:
        """The service's state; another one after a reset."""
        return self.simulation.state

    @property
    def clock(self) -> Clock:
        """The service's time."""
        return self.simulation.clock

    @property
    def faults(self) -> FaultPlan:
        """What shall go wrong."""
        return self.simulation.faults

    def ledger(self) -> dict[str, Any]:
        """Return what ``GET /_sim/ledger`` answers."""
        return report(self.state, self.clock.now())


@contextmanager
def running_simulator(
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    speed: float = 1.0,
    manual_clock: bool = False,
    credits: Decimal | float | str = DEFAULT_CREDITS,
    api_keys: Iterable[str] = (DEFAULT_API_KEY,),
    seed: int | None = None,
    profile: str = APIKLEY.name,
    submit_limit: int | None = 20,
    read_limit: int | None = 3,
    account_read_limit: int | None = None,
    callbacks: Callbacks = "loopback",
) -> Generator[RunningSimulator, None, None]:
    """
    Run a simulator until the block ends.

    :param host: address to listen on.
    :param port: port to listen on; 0 picks a free one.
    :param speed: simulated seconds per real second.
    :param manual_clock: let simulated time stand still until ``clock`` is moved.
    :param credits: the account's balance.
    :param api_keys: keys that open the account; at least one.
    :param seed: makes the ids repeatable.
    :param profile: the reseller to play: apikley, kie or sunoapi.
    :param submit_limit: new music tasks that the account may ask for in 10 seconds; None for any number.
    :param read_limit: times that one music task may be looked at in a second; None for any number.
    :param account_read_limit: times that the account may look at music tasks in 10 seconds.
    :param callbacks: ``loopback`` sends callbacks to addresses of this machine only, ``any`` to all addresses.
        The ledger also tells of those that are not sent.
    :raises OSError: if the address cannot be listened on, such as a port in use.
    """
    keys = tuple(api_keys)
    clock = Clock(speed=speed, manual=manual_clock)
    settings = Settings(submit_limit=submit_limit, read_limit=read_limit, account_read_limit=account_read_limit)
    simulation = Simulation(
        IdSource(seed),
        clock,
        credits=Decimal(str(credits)),
        api_keys=keys,
        profile=PROFILES[profile],
        settings=settings,
        callbacks=callbacks,
    )
    listener = _listen(host, port)
    server = _server(simulation)
    thread = threading.Thread(
        target=lambda: asyncio.run(_serve(server, listener, simulation)), name="suno-simulator", daemon=True
    )
    thread.start()
    try:
        _await_start(server, thread)
        yield RunningSimulator(simulation, host=host, port=listener.getsockname()[1], api_key=keys[0])
    finally:
        server.should_exit = True
        # A request that hangs by order must not keep the block from ending.
        server.force_exit = True
        thread.join()
        listener.close()
        simulation.end()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns off Nagle's algorithm, which delays replies by 40 ms, only if the protocol is spelt out.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)
    except OSError:
        listener.close()
        raise
    return listener


def _server(simulation: Simulation) -> uvicorn.Server:
    # Both are heavy, and a Dag file or a test collection that only names the simulator does not need them.
    import uvicorn

    from airflow_provider_suno.simulator.wire.app import create_app
    from airflow_provider_suno.simulator.wire.connections import Connections

    connections = Connections()
    config = uvicorn.Config(
        create_app(simulation, connections),
        http=connections.protocol(),
        ws="none",
        loop="asyncio",
        lifespan="off",
        # The caller's address must stay what the connection says: the faults find the connection by it.
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        log_level="critical",
        backlog=1024,
    )
    return uvicorn.Server(config)


async def _serve(server: uvicorn.Server, listener: socket.socket, simulation: Simulation) -> None:
    from airflow_provider_suno.simulator.wire.callback_sender import CallbackSender

    errands = asyncio.ensure_future(CallbackSender(simulation).run())
    await server.serve(sockets=[listener])
    errands.cancel()


def _await_start(server: uvicorn.Server, thread: threading.Thread) -> None:
    deadline = time.monotonic() + _START_TIMEOUT
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise RuntimeError("the simulator did not start")
        time.sleep(_TICK)
