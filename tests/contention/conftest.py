"""What these tests share with those of the integration, and how they let several hands in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.execution_time import supervisor
from airflow.sdk.execution_time.supervisor import ActivitySubprocess

from airflow_provider_suno.journal import store as journal
from tests.support.airflow_versions import KEEPS_TASK_STATE
from tests.support.fixtures import SHORT, _database, _simulator, short_clocks, sim, supervise

if KEEPS_TASK_STATE:
    from tests.support.workers import INTENT_LIFETIME, TICK, Hands, PausePoints

__all__ = ["_database", "_simulator", "short_clocks", "sim", "supervise"]

collect_ignore_glob = [] if KEEPS_TASK_STATE else ["test_*.py"]  # before Airflow 3.3 there is no journal

_HEARTBEAT = 0.1
_GAP = 0.1


@pytest.fixture
def begin(supervise: Callable[..., Hands], monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[DAG], Hands]]:
    """Return what begins a run; no process outlives the test."""
    runs: list[Hands] = []
    service = ActivitySubprocess._service_subprocess

    def look_often(process: ActivitySubprocess, max_wait_time: float, **options: Any) -> int | None:
        """Notice soon that a process has ended, also one that is being killed."""
        return service(process, min(max_wait_time, TICK), **options)

    monkeypatch.setattr(supervisor, "MIN_HEARTBEAT_INTERVAL", _HEARTBEAT)
    monkeypatch.setattr(ActivitySubprocess, "_service_subprocess", look_often)

    def begin_run(dag: DAG) -> Hands:
        runs.append(supervise(dag, Hands))
        return runs[-1]

    yield begin_run
    for worker in [worker for run in runs for worker in run.workers]:
        worker.remove()


@pytest.fixture
def pause_points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PausePoints:
    """Return what lets processes stand still."""
    return PausePoints(tmp_path, monkeypatch)


@pytest.fixture(autouse=True)
def _short_patience(short_clocks: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the journal's minute and its seconds be fractions of one."""
    monkeypatch.setattr(journal, "PATIENCE", SHORT)
    monkeypatch.setattr(journal, "_LONGEST_GAP", _GAP)
    monkeypatch.setattr(journal, "INTENT_LIFETIME", timedelta(seconds=INTENT_LIFETIME))
