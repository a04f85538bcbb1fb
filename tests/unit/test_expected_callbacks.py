"""When jobs are polled whose callbacks are expected, and what resumes after one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from airflow_provider_suno.api.callback import Stage
from airflow_provider_suno.api.endpoints.music import MusicTask
from airflow_provider_suno.exceptions import SunoProtocolError
from airflow_provider_suno.journal.hint import Hint
from airflow_provider_suno.polling.callback_event import CallbackEvent
from airflow_provider_suno.polling.completion import Expectation
from airflow_provider_suno.polling.ready_queue import ReadyQueue
from airflow_provider_suno.polling.wait import PollAgain, Wait
from airflow_provider_suno.triggers.job import JobTrigger
from airflow_provider_suno.triggers.music_task import MusicTaskTrigger, trigger_for
from tests.support.jobs import MUSIC, music

RUNNING = MusicTask.model_validate({"taskId": "m", "status": "PENDING"})
USUAL = MUSIC.usual_duration["all"]
WAIT = Wait(job=music("m"), started_at=1000.0, deadline=3000.0, submitted_at=1000.0, expects_callback=True)


def test_the_first_poll_is_at_twice_the_usual_duration_and_then_one_a_minute() -> None:
    assert WAIT.next_poll_at() == 1000 + 2 * USUAL
    at, wait = 1000.0, WAIT
    gaps = []
    for _ in range(5):
        step = wait.after_poll(RUNNING, at, 0.5)
        assert isinstance(step, PollAgain)
        gaps.append(step.at - at)
        at, wait = step.at, step.wait
    assert gaps == [2 * USUAL, *[60.0] * 4]


def test_a_poll_interval_and_a_deadline_are_kept() -> None:
    assert replace(WAIT, poll_interval=20.0).next_poll_at() == 1020
    assert replace(WAIT, deadline=1100.0).next_poll_at() == 1100


def test_when_callbacks_fail_to_come_jobs_are_polled_as_usual() -> None:
    queue = ReadyQueue(Expectation())
    waiter = queue.add(WAIT, 1000.0)
    other = queue.add(replace(WAIT, job=music("n"), expects_callback=False), 1000.0)
    before = other.due_at
    assert waiter.due_at == 1000 + 2 * USUAL
    queue.callbacks_fail(1100.0, lambda: 0.5)
    assert not waiter.wait.expects_callback
    assert 1100 < waiter.due_at < 1100 + USUAL
    assert other.due_at == before


def test_a_job_whose_poll_is_in_flight_when_callbacks_fail_is_not_polled_twice() -> None:
    queue = ReadyQueue(Expectation())
    waiter = queue.add(WAIT, 1000.0)
    assert queue.pop(1000 + 3 * USUAL) is waiter
    queue.callbacks_fail(1000 + 3 * USUAL, lambda: 0.5)
    assert not waiter.wait.expects_callback
    assert queue.pop(2999.0) is None


@pytest.mark.parametrize(
    "trigger", [MusicTaskTrigger("m"), JobTrigger("wav", "w"), trigger_for(WAIT, "conn", 3, "first")]
)
def test_the_event_goes_on_with_the_wait_of_the_trigger(trigger: JobTrigger) -> None:
    arguments = trigger.serialize()[1]
    event = CallbackEvent.payload(trigger.job, Stage.COMPLETE, arguments)
    read = CallbackEvent.read(event, trigger.job.kind, trigger.job_id, 2000.0)
    assert read is not None
    assert (read.stage, read.suno_conn_id) == (Stage.COMPLETE, trigger.suno_conn_id)
    assert read.wait == replace(trigger.wait(), started_at=read.wait.started_at, expects_callback=False)
    assert event["try_number"] == trigger.try_number
    assert type(trigger)(**arguments).serialize() == trigger.serialize()
    assert CallbackEvent.of_another(event, trigger.job) is None
    assert CallbackEvent.of_another(event, replace(trigger.job, id="other")) == trigger.job.id


@pytest.mark.parametrize(
    "change",
    [
        {"stage": "great"},
        {"trigger": None},
        {"trigger": {}},
        {"music_task_id": None, "trigger": {"deadline": "soon"}},
        {"trigger": {**trigger_for(WAIT, "c").serialize()[1], "deadline": float("inf")}},
    ],
)
def test_a_malformed_event_is_an_error(change: dict[str, Any]) -> None:
    event = {**CallbackEvent.payload(music("m"), Stage.FIRST, trigger_for(WAIT, "c").serialize()[1]), **change}
    with pytest.raises(SunoProtocolError, match="The event of a callback is not understood"):
        CallbackEvent.read(event, MUSIC, None, 2000.0)


def test_an_event_about_another_job_is_an_error() -> None:
    event = CallbackEvent.payload(music("m"), Stage.FIRST, trigger_for(WAIT, "c").serialize()[1])
    with pytest.raises(SunoProtocolError):
        CallbackEvent.read(event, MUSIC, "another", 2000.0)


def test_a_callback_is_late_at_twice_the_usual_duration() -> None:
    assert not WAIT.callback_is_late(1000 + 2 * USUAL - 1)
    assert WAIT.callback_is_late(1000 + 2 * USUAL)
    assert not replace(WAIT, expects_callback=False).callback_is_late(9999.0)


@pytest.mark.parametrize("event", [None, 7, {}, {"status": "finished"}])
def test_other_events_are_none_of_these(event: Any) -> None:
    assert CallbackEvent.read(event, MUSIC, None, 2000.0) is None
    assert CallbackEvent.of_another(event, music("m")) is None


def test_hints() -> None:
    first = Hint(nonce="n", kind="music", job_id="m", stage=Stage.FIRST)
    assert Hint.read(first.model_dump_json()) == Hint.read(first.model_dump(mode="json")) == first
    assert [Hint.read(value) for value in (None, "", "{", 7, {}, {**first.model_dump(), "job_id": ""})] == [None] * 6
    assert first.adds_to(None)
    assert not first.adds_to(first)
    assert not first.adds_to(first.model_copy(update={"stage": Stage.COMPLETE}))
    assert first.model_copy(update={"stage": Stage.COMPLETE}).adds_to(first)
    assert first.model_copy(update={"nonce": "other", "stage": Stage.TEXT}).adds_to(first)
