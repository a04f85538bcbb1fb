"""The submitting operators without a journal: every error after a charge is fatal, and says how to resume the job."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest.mock import MagicMock

import pytest
from airflow.providers.common.compat.sdk import AirflowTaskTimeout, TaskDeferred
from airflow.sdk import DAG
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

from airflow_provider_suno.journal import store
from airflow_provider_suno.operators.music import GenerateMusicOperator
from airflow_provider_suno.operators.persona import GeneratePersonaOperator
from airflow_provider_suno.simulator.control.fault_plan import Fault
from airflow_provider_suno.simulator.embedding import RunningSimulator
from tests.support.generating import (
    BAD_RESUMES,
    GENERATE,
    RECORD_INFO,
    RETRY,
    WAITING,
    Schedule,
    a_dag,
    charges,
    deferred,
    ended,
    killed_on,
    resume_badly,
    way_on,
)

pytestmark = pytest.mark.usefixtures("short_clocks", "_no_journal")


@pytest.fixture
def _no_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make any Airflow behave like one before 3.3: it keeps no state for a task."""
    monkeypatch.setattr(store, "task_state_store", lambda _: None)


@WAITING
def test_the_log_warns_that_a_lost_worker_may_pay_twice(
    waiting: dict[str, bool], sim: RunningSimulator, schedule: Schedule
) -> None:
    run = schedule(a_dag(**waiting)).run()
    assert ended(run) == (["success"], [1])
    assert run.said().count("This job may be paid for twice: Airflow before 3.3 keeps no state for a task") == 1
    assert "wait in a sensor (MusicTaskSensor, JobSensor)" in run.said()
    assert charges(sim) == [1]


def test_a_clear_submits_a_new_song(sim: RunningSimulator, schedule: Schedule) -> None:
    run = schedule(a_dag()).run().clear("generate").run()
    assert ended(run) == (["success"], [2])
    assert charges(sim) == [1, 1]


@WAITING
@pytest.mark.parametrize(
    ("prompt", "options", "said"),
    [
        ("[fail:SENSITIVE_WORD_ERROR]", {}, "change the prompt"),
        ("[fail:CALLBACK_EXCEPTION:no-audio]", {}, "its result did not appear"),
        ("[stuck]", {"wait_timeout": 0.3}, "did not finish by the deadline"),
    ],
    ids=["rejected", "callback exception", "timeout"],
)
def test_a_paid_wait_that_ends_badly_fails_for_good(
    waiting: dict[str, bool],
    prompt: str,
    options: dict[str, Any],
    said: str,
    sim: RunningSimulator,
    schedule: Schedule,
) -> None:
    run = schedule(a_dag(prompt=prompt, **waiting, **options)).run()
    assert ended(run) == (["failed"], [1])
    assert said in str(run.last_error)
    assert str(run.last_error).count(way_on(run)) == ("rejected" not in said and "change" not in said)
    assert charges(sim) == [1]


@WAITING
@pytest.mark.parametrize("status", [401, 402, 404, 503])
def test_trouble_while_waiting_for_a_paid_job(
    waiting: dict[str, bool], status: int, sim: RunningSimulator, schedule: Schedule
) -> None:
    sim.faults.add(Fault(path=RECORD_INFO, kind="status", http_status=status, times=None))
    run = schedule(a_dag(**waiting)).run()
    assert ended(run) == (["failed"], [1])
    assert str(run.last_error).count(way_on(run)) == 1
    assert "Airflow does not retry: that would pay again" in str(run.last_error)
    assert charges(sim) == [1]


def test_execution_timeout_after_paying_is_fatal(sim: RunningSimulator, schedule: Schedule) -> None:
    dag = a_dag(prompt="[stuck]", wait_for_completion=True, deferrable=False, execution_timeout=timedelta(seconds=1))
    run = schedule(dag).run()
    assert ended(run) == (["failed"], [1])
    assert way_on(run) in str(run.last_error)
    assert charges(sim) == [1]


def test_execution_timeout_during_the_submission_is_a_lost_reply(sim: RunningSimulator, schedule: Schedule) -> None:
    sim.faults.add(Fault(path=GENERATE, kind="slow", seconds=3))
    run = schedule(a_dag(execution_timeout=timedelta(seconds=1))).run()
    assert ended(run) == (["failed"], [1])
    assert "The job may exist and be charged" in str(run.last_error)


def test_a_killed_task_does_not_turn_green(sim: RunningSimulator, schedule: Schedule) -> None:
    with killed_on(sim, RECORD_INFO):
        run = schedule(a_dag(prompt="[stuck]", wait_for_completion=True, deferrable=False)).run()
    assert ended(run) == (["failed"], [1])
    assert "Killed. The API cannot cancel jobs" in str(run.last_error)
    assert way_on(run) in str(run.last_error)


@pytest.mark.parametrize("resume", BAD_RESUMES)
@pytest.mark.parametrize("submitted_here", [True, False])
def test_a_resume_without_a_valid_event_fails_for_good(
    resume: str,
    submitted_here: bool,
    song: Callable[..., str],
    sim: RunningSimulator,
    schedule: Schedule,
) -> None:
    given = {} if submitted_here else {"music_task_id": song("[stuck]"), "retries": 0}
    run = schedule(a_dag(prompt="[stuck]", wait_for_completion=True, deferrable=True, **given))
    resume_badly(run, deferred(run), resume)
    run.run()
    assert ended(run) == (["failed"], [1])
    if submitted_here:
        assert str(run.last_error).count(way_on(run)) == 1
    assert len(run.events) == 0
    assert charges(sim) == [1]


def test_trouble_on_resume_does_not_pay_again(
    sim: RunningSimulator, schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("the API server is away")

    run = schedule(a_dag(wait_for_completion=True, deferrable=True))
    deferred(run)
    monkeypatch.setattr(RuntimeTaskInstance, "xcom_pull", broken)
    run.run()
    assert ended(run) == (["failed"], [1])
    assert "the API server is away" in str(run.last_error)
    assert "music_task_id=... (see its XCom)" in str(run.last_error)
    assert charges(sim) == [1]


def test_a_refused_resubmission_still_reports_the_lost_reply(sim: RunningSimulator, schedule: Schedule) -> None:
    sim.faults.add(Fault(path=GENERATE, kind="drop_after"))
    sim.faults.add(Fault(path=GENERATE, kind="code", code=455, msg="Maintenance.", retry_after=61, times=None))
    run = schedule(a_dag(on_lost_reply="resubmit")).run()
    assert ended(run) == (["failed"], [1])
    assert str(run.last_error).startswith("The second submission failed: The service is under maintenance")
    assert "may exist and be charged" in str(run.last_error)
    assert charges(sim) == [1]


def test_a_timeout_right_after_the_answer_is_fatal_and_names_the_job(
    sim: RunningSimulator, schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    def alarm(*_: Any, **__: Any) -> None:
        raise AirflowTaskTimeout

    record_answer = store.SendRecorder.record_answer
    calls = iter([alarm])
    monkeypatch.setattr(
        store.SendRecorder, "record_answer", lambda *args, **known: next(calls, record_answer)(*args, **known)
    )
    run = schedule(a_dag()).run()
    assert ended(run) == (["failed"], [1])
    assert f"Set music_task_id='{sim.ledger()['songs'][0]['music_task_id']}' to resume this job" in str(run.last_error)
    assert charges(sim) == [1]


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_mock_is_enough_context_for_a_users_own_unit_test(
    deferrable: bool, sim: RunningSimulator, song: Callable[..., str]
) -> None:
    context: Any = {"ti": MagicMock()}
    generate = GenerateMusicOperator(
        task_id="t", model="V5", prompt="rain", wait_for_completion=True, deferrable=deferrable, poll_interval=0.05
    )
    if deferrable:
        with pytest.raises(TaskDeferred):
            generate.execute(context)
    else:
        assert generate.execute(context) == sim.ledger()["songs"][0]["music_task_id"]
    persona = GeneratePersonaOperator(task_id="p", music_task_id=song(), name="n", description="d")
    assert persona.execute(context) == sim.ledger()["personas"][0]["persona_id"]
    assert charges(sim) == [1, 1]


def test_a_persona_whose_xcom_cannot_be_pushed_is_named(
    sim: RunningSimulator, song: Callable[..., str], schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("the API server is away")

    with DAG("personas", schedule=None) as dag:
        GeneratePersonaOperator(task_id="generate", music_task_id=song(), name="n", description="d", **RETRY)
    monkeypatch.setattr(RuntimeTaskInstance, "xcom_push", broken)
    run = schedule(dag).run()
    assert ended(run) == (["failed"], [1])
    (persona,) = sim.ledger()["personas"]
    assert f"the API server is away Persona {persona['persona_id']} was made" in str(run.last_error)
    assert f"Airflow does not retry: use persona_id='{persona['persona_id']}'" in str(run.last_error)
