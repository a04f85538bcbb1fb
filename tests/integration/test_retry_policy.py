"""A delay that the service asks for, and that no worker should sleep, becomes Airflow's delay before the retry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_provider_suno.http import retry
from airflow_provider_suno.operators.files import UploadFileOperator
from airflow_provider_suno.operators.music import GenerateMusicOperator
from airflow_provider_suno.operators.persona import GeneratePersonaOperator
from airflow_provider_suno.sensors.music_task import MusicTaskSensor
from airflow_provider_suno.simulator.control.fault_plan import Fault
from airflow_provider_suno.simulator.embedding import RunningSimulator
from tests.support.airflow_versions import KEEPS_TASK_STATE
from tests.support.generating import GENERATE, RECORD_INFO, Schedule
from tests.support.sounds import write_wav

pytestmark = [
    pytest.mark.skipif(not KEEPS_TASK_STATE, reason="before Airflow 3.3 there are no retry policies"),
    pytest.mark.usefixtures("short_clocks"),
]

if KEEPS_TASK_STATE:
    from airflow.sdk import ExceptionRetryPolicy

    from airflow_provider_suno.exceptions import SunoMaintenanceError, SunoRateLimitError
    from airflow_provider_suno.task.retry_policy import LONGEST_DELAY, ServerDelayRetryPolicy

NEVER = {"retries": 1, "retry_delay": timedelta(hours=1)}
"""A run that waited for this delay would not end in time."""


@pytest.fixture(autouse=True)
def _no_patience_in_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "RETRY_LIMITS", replace(retry.RETRY_LIMITS, longest_server_delay=0.5))


def busy(path: str) -> Fault:
    return Fault(path=path, kind="code", code=429, msg="Too many requests.", retry_after=1, times=1)


@pytest.mark.parametrize("mapped", [False, True])
def test_a_submission_is_retried_when_the_service_said(mapped: bool, sim: RunningSimulator, schedule: Schedule) -> None:
    sim.faults.add(busy(GENERATE))
    with DAG("policy", schedule=None) as dag:
        if mapped:
            GenerateMusicOperator.partial(task_id="t", model="V5", **NEVER).expand(prompt=["rain"])
        else:
            GenerateMusicOperator(task_id="t", model="V5", prompt="rain", **NEVER)
    run = schedule(dag).run()
    assert (run.state("t"), run.tries("t")) == (["success"], [2])
    assert "The error asks for a retry in 1 s." in run.said()
    assert [song["charges"] for song in sim.ledger()["songs"]] == [1]


@pytest.mark.parametrize("free", ["persona", "upload"])
def test_what_is_free_too(
    free: str, sim: RunningSimulator, song: Callable[..., str], tmp_path: Path, schedule: Schedule
) -> None:
    with DAG("policy", schedule=None) as dag:
        if free == "persona":
            GeneratePersonaOperator(task_id="t", music_task_id=song(), name="n", description="d", **NEVER)
        else:
            UploadFileOperator(task_id="t", source=str(write_wav(tmp_path / "hum.wav", 1)), **NEVER)
    sim.faults.add(busy({"persona": RECORD_INFO, "upload": "*/api/file-stream-upload"}[free]))
    run = schedule(dag).run()
    assert (run.state("t"), run.tries("t")) == (["success"], [2])
    assert "The error asks for a retry in 1 s." in run.said()


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_sensor_whose_reads_fail(
    deferrable: bool, sim: RunningSimulator, song: Callable[..., str], schedule: Schedule
) -> None:
    music_task_id = song()
    sim.faults.add(Fault(path=RECORD_INFO, kind="status", http_status=503, retry_after=1, times=3))
    with DAG("policy", schedule=None) as dag:
        MusicTaskSensor(task_id="t", music_task_id=music_task_id, deferrable=deferrable, poke_interval=0.05, **NEVER)
    run = schedule(dag).run()
    assert (run.state("t"), run.tries("t")) == (["success"], [2])
    assert "The error asks for a retry in 1 s." in run.said()


def test_a_policy_of_the_user_is_left_alone() -> None:
    own = ExceptionRetryPolicy(rules=[])
    for given in ({"retry_policy": own}, {"default_args": {"retry_policy": own}}):
        task = GenerateMusicOperator(task_id="t", model="V5", prompt="rain", **given)
        assert task.retry_policy is own


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (lambda: SunoRateLimitError("busy", retry_after=90), 90),
        (lambda: SunoMaintenanceError("later", retry_after=0), None),
        (lambda: SunoMaintenanceError("later"), None),
        (lambda: SunoMaintenanceError("later", retry_after=LONGEST_DELAY + 1), None),
        (lambda: SunoMaintenanceError("later", retry_after=float("nan")), None),
        (lambda: SunoMaintenanceError("later", retry_after=-1), None),
        (lambda: ValueError("no error of ours"), None),
    ],
)
def test_only_a_delay_that_can_be_believed_counts(error: Callable[[], Any], seconds: float | None) -> None:
    decision = ServerDelayRetryPolicy().evaluate(error(), 1, 2, None)
    assert decision.retry_delay == (None if seconds is None else timedelta(seconds=seconds))
