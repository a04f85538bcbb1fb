"""Fixtures: those of the integration tests, runs under contention, and short limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.execution_time import supervisor
from airflow.sdk.execution_time.supervisor import ActivitySubprocess

from airflow_provider_suno.journal import store
from tests.support.airflow_versions import KEEPS_TASK_STATE
from tests.support.fixtures import SHORT, _database, _simulator, short_clocks, sim, supervise

if KEEPS_TASK_STATE:
    from tests.support.workers import INTENT_SECONDS, TICK, ContendedRun, PausePoints

__all__ = ["_database", "_simulator", "short_clocks", "sim", "supervise"]

collect_ignore_glob = [] if KEEPS_TASK_STATE else ["test_*.py"]  # before Airflow 3.3 there is no journal

_HEARTBEAT = 0.1
_GAP = 0.1


@pytest.fixture
def begin(
    supervise: Callable[..., ContendedRun], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[DAG], ContendedRun]]:
    """Return a function that begins a run; no process outlives the test."""
    runs: list[ContendedRun] = []
    service = ActivitySubprocess._service_subprocess

    def poll_often(process: ActivitySubprocess, max_wait_time: float, **options: Any) -> int | None:
        """Notice soon that a process has ended."""
        return service(process, min(max_wait_time, TICK), **options)

    monkeypatch.setattr(supervisor, "MIN_HEARTBEAT_INTERVAL", _HEARTBEAT)
    monkeypatch.setattr(ActivitySubprocess, "_service_subprocess", poll_often)

    def begin_run(dag: DAG) -> ContendedRun:
        runs.append(supervise(dag, ContendedRun))
        return runs[-1]

    yield begin_run
    for worker in [worker for run in runs for worker in run.workers]:
        worker.clean_up()


@pytest.fixture
def pause_points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PausePoints:
    """Return what pauses processes."""
    # Else a point in the first request would be in that for the balance, not in the submission.
    monkeypatch.setattr("airflow_provider_suno.hooks.suno.SunoHook._log_balance", lambda _: None)
    return PausePoints(tmp_path, monkeypatch)


@pytest.fixture(autouse=True)
def _short_limits(short_clocks: None, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = store.StoreLimits(retry_seconds=SHORT, longest_gap_seconds=_GAP, intent_seconds=INTENT_SECONDS)
    monkeypatch.setattr(store, "LIMITS", limits)
