"""What these tests share: an Airflow, a simulator, short clocks, and no proxy but the one that a test orders."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_suno.http import retry
from airflow_provider_suno.simulator.embedding import RunningSimulator
from tests.support.faults.cases import MINUTE, Case, Spoil
from tests.support.fixtures import _database, _simulator, schedule, short_clocks, sim, song

__all__ = ["_database", "_simulator", "schedule", "short_clocks", "sim", "song"]

PATIENCE = 0.5
"""Seconds without a byte after which the connection's ``timeout`` gives up, where a fault is about time."""

BOUND = 40.0
"""Seconds in which each test ends, though the servers would go on for a minute."""

_OF_THE_USER = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "requests_ca_bundle", "curl_ca_bundle")


@pytest.fixture(autouse=True)
def _no_proxy_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _OF_THE_USER:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(autouse=True)
def _nothing_hangs(_database: None, _simulator: RunningSimulator) -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < BOUND


@pytest.fixture(autouse=True)
def _short_gaps(sim: RunningSimulator, short_clocks: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a minute of the hook's patience be about a second."""
    short = replace(retry.RETRY_LIMITS, first_gap=0.02, longest_gap=0.2, resubmit_gap=MINUTE)
    monkeypatch.setattr(retry, "RETRY_LIMITS", short)


@pytest.fixture
def connect(sim: RunningSimulator, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return what makes the default connection lead to the simulator, or elsewhere."""

    def make(**changed: Any) -> None:
        monkeypatch.setenv("AIRFLOW_CONN_SUNO_DEFAULT", json.dumps({**sim.connection, **changed}))

    return make


@pytest.fixture
def spoil(sim: RunningSimulator, connect: Callable[..., None], tmp_path: Path) -> Iterator[Spoil]:
    """Return what lets a fault begin, on one path of the simulator or by the server that stands before it."""
    with ExitStack() as servers:

        def begin(case: Case, path: str, **instead: int | None) -> None:
            connection: dict[str, Any] = {}
            if case.server is not None:
                connection = servers.enter_context(case.server(sim, tmp_path))
            extra = connection.pop("extra", {}) | ({"timeout": PATIENCE} if case.impatient else {})
            connect(**connection, extra=extra)
            case.order(sim, path, **instead)

        yield begin


@pytest.fixture
def mend(sim: RunningSimulator, connect: Callable[..., None]) -> Callable[[], None]:
    """Return what ends all trouble."""

    def end() -> None:
        sim.faults.clear()
        connect()

    return end
