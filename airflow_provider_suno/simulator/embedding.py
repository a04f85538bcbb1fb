"""Run a simulator in a thread of this process, for tests and demonstrations."""

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

from airflow_provider_suno.simulator.control.airflow_connection import airflow_connection
from airflow_provider_suno.simulator.control.fault_plan import FaultPlan
from airflow_provider_suno.simulator.control.report import report
from airflow_provider_suno.simulator.control.simulation import Simulation
from airflow_provider_suno.simulator.state.clock import Clock
from airflow_provider_suno.simulator.state.credits import DEFAULT_CREDITS
from airflow_provider_suno.simulator.state.host_profiles import APIKLEY, PROFILES
from airflow_provider_suno.simulator.state.ids import IdSource
from airflow_provider_suno.simulator.state.order_queue import OrderQueue
from airflow_provider_suno.simulator.state.service_state import DEFAULT_API_KEY, ServiceState
from airflow_provider_suno.simulator.state.settings import Callbacks, Settings

if TYPE_CHECKING:
    import uvicorn

_START_TIMEOUT = 15.0
_INTERVAL = 0.01


class RunningSimulator:
    """
    A simulator that is running.

    :param simulation: its state, clock and planned faults.
    :param host: the address it listens on.
    :param port: the port it listens on.
    :param api_key: a key of the account.
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
        """Base URL of the upload calls, which differs between resellers."""
        return self.url + self.state.profile.upload_prefix

    @property
    def connection(self) -> dict[str, Any]:
        """The Airflow connection to this simulator."""
        return airflow_connection(self.url, self.api_key, self.state.profile)

    @property
    def connection_json(self) -> str:
        """The Airflow connection as JSON: the value of an ``AIRFLOW_CONN_...`` variable."""
        return json.dumps(self.connection)

    @property
    def state(self) -> ServiceState:
        """The service's state. A reset replaces it."""
        return self.simulation.state

    @property
    def clock(self) -> Clock:
        """The simulated time."""
        return self.simulation.clock

    @property
    def faults(self) -> FaultPlan:
        """The planned faults."""
        return self.simulation.faults

    @property
    def orders(self) -> OrderQueue:
        """What is asked of the next conversions."""
        return self.state.orders

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
    polls_count_as_submissions: bool = False,
    callbacks: Callbacks = "loopback",
) -> Generator[RunningSimulator, None, None]:
    """
    Run a simulator until the ``with`` block ends.

    A pytest fixture that runs one for a test, and makes it Airflow's connection ``suno_default``::

        import pytest

        from airflow_provider_suno.hooks.suno import SunoHook
        from airflow_provider_suno.simulator import running_simulator


        @pytest.fixture
        def suno(monkeypatch):
            with running_simulator(speed=100) as simulator:
                monkeypatch.setenv("AIRFLOW_CONN_SUNO_DEFAULT", simulator.connection_json)
                yield simulator


        def test_a_song_is_charged_once(suno):
            SunoHook().generate_music(prompt="Rain on a tin roof", model="V5", instrumental=True)
            assert [song["charges"] for song in suno.ledger()["songs"]] == [1]

    :param host: address to listen on.
    :param port: port to listen on; 0 picks a free one.
    :param speed: simulated seconds per real second.
    :param manual_clock: stop the simulated time; it changes only through ``clock``.
    :param credits: the account's balance.
    :param api_keys: keys of the account; at least one.
    :param seed: makes the ids repeatable.
    :param profile: the reseller to simulate: apikley, kie or sunoapi.
    :param submit_limit: submissions of the account in 10 seconds; None for no limit.
    :param read_limit: polls of one job in a second; None for no limit.
    :param account_read_limit: polls of all jobs of the account in 10 seconds; None for no limit.
    :param polls_count_as_submissions: count the polls of all jobs towards ``submit_limit`` too: one window for both.
    :param callbacks: ``loopback`` sends callbacks to addresses of this machine only, ``any`` to any address.
        The ledger also lists those that are not sent.
    :raises OSError: if the address cannot be listened on, such as a port in use.
    """
    keys = tuple(api_keys)
    clock = Clock(speed=speed, manual=manual_clock)
    settings = Settings(
        submit_limit=submit_limit,
        read_limit=read_limit,
        account_read_limit=account_read_limit,
        polls_count_as_submissions=polls_count_as_submissions,
    )
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
    # The web framework is heavy, and a module that only imports this one does not need it.
    from airflow_provider_suno.simulator.wire.server import create_server, serve

    server = create_server(simulation)
    thread = threading.Thread(
        target=lambda: asyncio.run(serve(server, listener, simulation)), name="suno-simulator", daemon=True
    )
    thread.start()
    try:
        _await_start(server, thread)
        yield RunningSimulator(simulation, host=host, port=listener.getsockname()[1], api_key=keys[0])
    finally:
        server.should_exit = True
        # A request that hangs because of a fault must not delay the end of the block.
        server.force_exit = True
        thread.join()
        listener.close()
        simulation.end()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns off Nagle's algorithm, which delays replies by 40 ms, only if the protocol is given here.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)
    except OSError:
        listener.close()
        raise
    return listener


def _await_start(server: uvicorn.Server, thread: threading.Thread) -> None:
    deadline = time.monotonic() + _START_TIMEOUT
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise RuntimeError("the simulator did not start")
        time.sleep(_INTERVAL)
