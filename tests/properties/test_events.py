"""Anything but a well-formed event is an error; a trigger survives serialization."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_suno import exceptions
from airflow_provider_suno.api.endpoints.music import MusicTask
from airflow_provider_suno.exceptions import SunoError
from airflow_provider_suno.polling.outcome import Outcome, OutcomeKind
from airflow_provider_suno.polling.wait import PollAgain, Wait
from airflow_provider_suno.triggers.music_task import MusicTaskTrigger
from tests.support.figures import figures
from tests.support.jobs import MUSIC, music
from tests.support.properties.chaos import Chaos, chaos, texts, values
from tests.support.properties.checks import check_error, check_id, check_storable
from tests.support.properties.effort import BATCH, HOSTILE
from tests.support.properties.true_replies import START, true_records

ASKED = true_records()[0]["taskId"]
TYPES = [kind for kind in vars(exceptions).values() if isinstance(kind, type) and issubclass(kind, SunoError)]
DONE = MusicTask.model_validate(true_records()[-1])
FAILED = MusicTask.model_validate({**true_records()[-1], "status": "GENERATE_AUDIO_FAILED"})


def true_events() -> list[dict[str, Any]]:
    failed = exceptions.SunoMusicTaskFailedError("no luck", code=531, music_task_id=ASKED)
    late = exceptions.SunoMusicTaskTimeoutError("late", music_task_id=ASKED)
    refused = exceptions.SunoAuthError("bad key", code=401, retry_after=3.5)
    outcomes = [
        Outcome(OutcomeKind.FINISHED, music(ASKED), record=DONE),
        Outcome(OutcomeKind.FAILED, music(ASKED), error=failed),
        Outcome(OutcomeKind.FAILED, music(ASKED), record=FAILED, error=failed),
        Outcome(OutcomeKind.TIMEOUT, music(ASKED), error=late),
        Outcome(OutcomeKind.GAVE_UP, music(ASKED), error=refused),
    ]
    return [outcome.to_event() for outcome in outcomes]


def check_event(event: Any, music_task_id: str | None) -> None:
    """Check the outcome of an event."""
    figures["events tried"] += 1
    try:
        outcome = Outcome.from_event(event, MUSIC, music_task_id)
    except SunoError as error:
        check_error(error)
        return
    check_id(outcome.job.id)
    assert music_task_id in (None, outcome.job.id)
    assert outcome.kind == event["status"]
    if outcome.kind is OutcomeKind.FINISHED:
        record = outcome.result()
        assert outcome.error is None
        assert record.music_task_id == outcome.job.id
        assert any(str(track.audio_url).startswith("http") for track in record.tracks)
        assert record.failure() is None
        check_storable(record.to_dict())
    else:
        assert type(outcome.error) in TYPES
        beside = outcome.record
        if beside is not None:
            assert beside.music_task_id == outcome.job.id
            assert beside.tracks
            assert all(str(track.audio_url).startswith("http") for track in beside.tracks)
            assert beside.failure() is not None or beside.callback_failed
            check_storable(beside.to_dict())
        check_error(outcome.error)
        assert outcome.error is not None
        with pytest.raises(type(outcome.error)):
            outcome.result()
    dropped = isinstance(outcome.error, (exceptions.SunoMusicTaskFailedError, exceptions.SunoContentRejectedError))
    assert not outcome.record_failed or dropped or isinstance(outcome.error, exceptions.SunoMediaUnavailableError)


@HOSTILE
@given(values(), st.sampled_from([ASKED, "another", None]))
@example({**true_events()[1], "music_task_id": ["m"]}, None)
def test_any_json_as_an_event(event: Any, music_task_id: str | None) -> None:
    check_event(event, music_task_id)


@HOSTILE
@given(chaos())
def test_damaged_events(made: Chaos) -> None:
    for _ in range(BATCH):
        event = made.mutated(made.random.choice(true_events()))
        check_event(event, made.random.choice([ASKED, None]))


@HOSTILE
@given(st.sampled_from(true_events()), st.sampled_from(["status", "music_task_id", "music_task", "error"]), values())
def test_events_with_one_other_value(event: dict[str, Any], part: str, value: Any) -> None:
    check_event({**event, part: value}, ASKED)
    if isinstance(event[part], dict):
        for name in event[part]:
            check_event({**event, part: {**event[part], name: value}}, ASKED)


@pytest.mark.parametrize("depth", [500, 900, 960, 990, 5000])
def test_events_nested_as_deep_as_the_stack(depth: int) -> None:
    nested = Chaos(0).nested(depth)
    for event in (nested, {**true_events()[0], "music_task": nested}, {**true_events()[1], "error": nested}):
        check_event(event, ASKED)
    check_event({**true_events()[1], "error": {**true_events()[1]["error"], "message": nested}}, ASKED)


@HOSTILE
@given(
    kind=st.sampled_from(TYPES),
    message=st.text(min_size=1).filter(str.isprintable).filter(str.strip),
    code=st.none() | st.integers(-999, 99_999),
    retry_after=st.none() | st.floats(0, 1e9),
)
def test_an_event_keeps_error_and_record(
    kind: type[SunoError], message: str, code: int | None, retry_after: float | None
) -> None:
    error = kind(message, code=code, retry_after=retry_after)
    sent = Outcome(OutcomeKind.GAVE_UP, music(ASKED), error=error).to_event()
    back = Outcome.from_event(json.loads(json.dumps(sent)), MUSIC, ASKED).error
    assert back is not None
    assert (type(back), back.message, back.code, back.retry_after) == (kind, message, code, retry_after)
    done = Outcome(OutcomeKind.FINISHED, music(ASKED), record=DONE).to_event()
    assert Outcome.from_event(json.loads(json.dumps(done)), MUSIC, ASKED).result().to_dict() == DONE.to_dict()


TIMES = st.floats(0, 2e9) | st.integers(0, 2_000_000_000)


@HOSTILE
@given(
    music_task_id=st.text(min_size=1),
    conn_id=texts(),
    until=st.sampled_from(["all", "first"]),
    submitted_at=st.none() | TIMES,
    deadline=st.none() | TIMES,
    poll_interval=st.none() | st.floats(0.1, 1e6),
    polled=st.lists(st.floats(0, 500), max_size=3),
    try_number=st.none() | st.integers(1, 99),
)
def test_a_trigger_survives_serialization(polled: list[float], **given_to_it: Any) -> None:
    given_to_it["suno_conn_id"] = given_to_it.pop("conn_id")
    trigger = MusicTaskTrigger(**given_to_it)
    wait = trigger.wait()
    for passed in sorted(polled):
        step = wait.after_poll(exceptions.SunoUnavailableError("down"), wait.started_at + passed, 0.5)
        if isinstance(step, PollAgain):
            wait = step.wait
    for made in (trigger, MusicTaskTrigger.for_wait(wait, trigger.suno_conn_id, trigger.try_number)):
        path, kwargs = made.serialize()
        assert path == "airflow_provider_suno.triggers.music_task.MusicTaskTrigger"
        check_storable({**kwargs, "suno_conn_id": None, "music_task_id": None})
        again = MusicTaskTrigger(**json.loads(json.dumps(kwargs)))
        assert again.serialize() == made.serialize()
        assert again.wait().deadline == made.deadline
    assert MusicTaskTrigger.for_wait(wait, "x").wait() == wait


@HOSTILE
@given(
    st.fixed_dictionaries(
        {}, optional={name: values() for name in ("until", "submitted_at", "deadline", "poll_interval", "history")}
    )
)
@example({"deadline": float("nan")}).via("a wait without a deadline")
@example({"deadline": float("inf")})
@example({"deadline": 1e300})
def test_a_trigger_of_any_arguments_has_a_deadline(arguments: dict[str, Any]) -> None:
    trigger = MusicTaskTrigger("m", **arguments)
    try:
        wait = trigger.wait()
    except SunoError as error:
        check_error(error)
        return
    assert wait.next_poll_at() <= max(wait.deadline, wait.started_at)
    assert MusicTaskTrigger.for_wait(wait, "suno_default").airflow_timeout().total_seconds() > 0
    end = Wait(music("m"), started_at=START, deadline=START).after_poll(None, START, 0.5)
    assert isinstance(end, Outcome)
    assert isinstance(wait.after_poll(None, max(wait.deadline, wait.started_at) + 61, 0.5), Outcome)
