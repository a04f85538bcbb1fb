"""The contract, and simulators to call."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from airflow_provider_suno.simulator import RunningSimulator, running_simulator
from tests.support.contract import START, Caller, Contract, Receiver, load_contract


@pytest.fixture(scope="session")
def contract() -> Contract:
    return load_contract()


@pytest.fixture(scope="session")
def _shared_simulator() -> Iterator[RunningSimulator]:
    with running_simulator(manual_clock=True, submit_limit=None, read_limit=None) as simulator:
        yield simulator


@pytest.fixture
def simulator(_shared_simulator: RunningSimulator) -> RunningSimulator:
    """A simulator with a manual clock: one server for all tests, reset before each."""
    _shared_simulator.simulation.reset()
    _shared_simulator.clock.stop()
    _shared_simulator.clock.set(START)
    return _shared_simulator


@pytest.fixture
def caller(simulator: RunningSimulator, contract: Contract) -> Iterator[Caller]:
    caller = Caller(simulator, contract)
    with caller.session:
        yield caller


@pytest.fixture
def receiver(contract: Contract) -> Iterator[Receiver]:
    receiver = Receiver(contract)
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()
