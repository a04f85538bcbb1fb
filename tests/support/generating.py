"""Shared by the tests of the submitting operators: the Dag, the modes, and how a run ended."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from airflow.sdk import DAG, task
from airflow.triggers.base import TriggerEvent

from airflow_provider_suno.operators.music import GenerateMusicOperator
from airflow_provider_suno.simulator.embedding import RunningSimulator
from tests.support.scheduling import Scheduling

Schedule = Callable[[DAG], Scheduling]

GENERATE = "/api/v1/generate"
GENERATE_PERSONA = "/api/v1/generate/generate-persona"
RECORD_INFO = "/api/v1/generate/record-info"
RETRY = {"retries": 1, "retry_delay": timedelta(0)}

WAITING = pytest.mark.parametrize(
    "waiting",
    [
        pytest.param({"wait_for_completion": True, "deferrable": False}, id="worker"),
        pytest.param({"wait_for_completion": True, "deferrable": True}, id="deferrable"),
    ],
)


def a_dag(**fields: Any) -> DAG:
    """Return a Dag of one task, ``generate``, that may be retried once."""
    with DAG("operators", schedule=None) as dag:
        GenerateMusicOperator(
            task_id="generate", **{"model": "V5", "prompt": "rain", "poll_interval": 0.05, **RETRY, **fields}
        )
    return dag


def later(**values: Any) -> dict[str, Any]:
    """Return arguments that are XComs, so that wrong values are found when the task runs, not when it is parsed."""

    @task
    def find(value: Any) -> Any:
        return value

    return {name: find.override(task_id=f"find_{name}")(value) for name, value in values.items()}


def charges(sim: RunningSimulator) -> list[int]:
    """Return how often each song was paid for."""
    return [song["charges"] for song in sim.ledger()["songs"]]


def ended(run: Scheduling) -> tuple[list[str | None], list[int]]:
    """Return the states and tries of the task."""
    return run.state("generate"), run.tries("generate")


def way_on(run: Scheduling) -> str:
    """Return the hint of an error message how to resume the job."""
    return f"music_task_id={run.xcom('generate', 'music_task_id')!r}"


def deferred(run: Scheduling) -> Any:
    """Run until the task is deferred, and return its task instance."""
    return next(ti for ti in run.steps() if ti.state == "deferred")


@contextmanager
def killed_on(sim: RunningSimulator, path: str) -> Iterator[None]:
    """Send this process SIGTERM once the simulator was asked for a path; restore the signal handler afterwards."""

    def kill() -> None:
        while not any(request["path"] == path for request in sim.ledger()["requests"]):
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    killer = threading.Thread(target=kill)
    killer.start()
    try:
        yield
    finally:
        killer.join()
        signal.signal(signal.SIGTERM, before)


BAD_RESUMES = ("strange event", "no event", "another task", "no track", "broken trigger", "no triggerer")


def resume_badly(run: Scheduling, ti: Any, how: str) -> None:
    """Resume a deferred task instance with a wrong event, or with none."""
    about = run.xcom("generate", "music_task_id")
    track = {"audio_id": "a", "audio_url": "https://x/a.mp3"}
    another = {"music_task_id": "another", "status": "SUCCESS", "tracks": [track]}
    empty = {"music_task_id": about, "status": "PENDING", "tracks": []}
    finished = {"status": "finished", "error": None}
    match how:
        case "strange event":
            run.submit_event(ti, TriggerEvent({"status": "great"}))
        case "no event":
            run.submit_event(ti, TriggerEvent(None))
        case "another task":
            run.submit_event(ti, TriggerEvent({**finished, "music_task_id": "another", "music_task": another}))
        case "no track":
            run.submit_event(ti, TriggerEvent({**finished, "music_task_id": about, "music_task": empty}))
        case "broken trigger":
            run.fail_trigger(ti, ValueError("boom"))
        case "no triggerer":
            run.time_out(ti)
