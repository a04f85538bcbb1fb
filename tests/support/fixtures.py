"""Fixtures of tests that touch Airflow: its database, a simulator, short clocks. A conftest imports what it needs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_provider_suno.http import retry
from airflow_provider_suno.simulator import running_simulator
from airflow_provider_suno.simulator.embedding import RunningSimulator
from airflow_provider_suno.triggers import job as trigger_module
from tests.support.scheduling import Scheduling
from tests.support.short_limits import set_limits
from tests.support.supervised import SupervisedScheduling

SHORT = 0.3
"""Seconds that stand for the minutes of the real clocks, whose values the unit tests hold."""


@pytest.fixture(scope="session")
def _database() -> None:
    from airflow.utils.db import initdb

    initdb()


@pytest.fixture
def schedule(_database: None) -> Callable[[DAG], Scheduling]:
    """Return what begins a run of a Dag in Airflow's own database."""
    return Scheduling


@pytest.fixture
def supervise(_database: None, monkeypatch: pytest.MonkeyPatch) -> Callable[..., SupervisedScheduling]:
    """Return what begins a run of a Dag, in processes that know the Dag from their parent instead of from a file."""

    from airflow.dag_processing import dagbag
    from airflow.sdk.execution_time import supervisor

    monkeypatch.setattr(supervisor, "MIN_HEARTBEAT_INTERVAL", SHORT)

    def begin(dag: DAG, kind: type[SupervisedScheduling] = SupervisedScheduling) -> SupervisedScheduling:
        monkeypatch.setattr(dagbag, "BundleDagBag", lambda **_: SimpleNamespace(dags={dag.dag_id: dag}))
        return kind(dag)

    return begin


@pytest.fixture(scope="session")
def _simulator() -> Iterator[RunningSimulator]:
    with running_simulator(speed=10_000, submit_limit=None, read_limit=None) as simulator:
        yield simulator


@pytest.fixture
def sim(_simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch) -> RunningSimulator:
    """Return a simulator whose music is finished at once, unless its prompt says otherwise."""
    _simulator.simulation.reset()
    monkeypatch.setenv("AIRFLOW_CONN_SUNO_DEFAULT", _simulator.connection_json)
    short = replace(retry.RETRY_LIMITS, first_gap=SHORT / 10, longest_gap=SHORT, resubmit_gap=SHORT / 10)
    monkeypatch.setattr(retry, "RETRY_LIMITS", short)
    return _simulator


@pytest.fixture
def short_clocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the graces and gaps that are minutes be fractions of a second."""
    set_limits(
        monkeypatch,
        unknown_id_gap=0.1,
        unknown_id_grace=SHORT,
        failed_reads_grace=SHORT,
        stuck_grace=SHORT,
        fewest_failed_polls=3,
        shortest_gap=0.05,
        refused_pause=0.05,
    )
    monkeypatch.setattr(trigger_module, "shortest_deferral", lambda: 0.0)


@pytest.fixture
def song(sim: RunningSimulator) -> Callable[..., str]:
    """Return what makes a music task by a prompt, old enough to have ended."""

    def make(prompt: str = "rain", **fields: Any) -> str:
        from airflow_provider_suno.hooks.suno import SunoHook

        music_task_id: str = SunoHook().generate_music(model="V5", prompt=prompt, **fields)
        sim.clock.advance(300)
        return music_task_id

    return make


@pytest.fixture
def hooks_log() -> Callable[[Any], list[str]]:
    """Return what collects the lines that a hook logs, whichever kind of logger this Airflow gives it."""

    def collect(hook: Any) -> list[str]:
        lines: list[str] = []

        class Collected(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                lines.append(record.getMessage())

        hook._log = logging.Logger("hook", logging.INFO)
        hook._log.addHandler(Collected())
        return lines

    return collect
