"""What seldom happens: input that the other tests do not hand in, and troubles at the edge of a task."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pendulum
import pytest
from pydantic import TypeAdapter, ValidationError

from airflow_provider_suno.api.endpoints.music import KIND, MusicTask, judge
from airflow_provider_suno.api.endpoints.music_requests import GenerateMusicRequest
from airflow_provider_suno.api.endpoints.wav import ConvertToWavRequest
from airflow_provider_suno.api.fields import OptionalId, Text, checked_id, checked_seconds, checked_url, nearest_name
from airflow_provider_suno.api.jobs import JobState
from airflow_provider_suno.api.parsing import media_url_of, text_of, time_of
from airflow_provider_suno.api.profiles import APIKLEY
from airflow_provider_suno.api.request import ANY_MODEL
from airflow_provider_suno.exceptions import (
    SunoJournalError,
    SunoLostReplyError,
    SunoMusicTaskFailedError,
    SunoNotFoundError,
    SunoProtocolError,
    SunoUnavailableError,
    SunoValidationError,
)
from airflow_provider_suno.journal import delivery, store
from airflow_provider_suno.journal.entry import Entry, State, StoredJob, TaskTry, fingerprint_of
from airflow_provider_suno.journal.store import Journal, StoreLimits
from airflow_provider_suno.journal.submission import Submission, mark_clear_used, submit_once
from airflow_provider_suno.operators.music import GenerateMusicOperator
from airflow_provider_suno.polling.arguments import check_wait
from airflow_provider_suno.polling.finished import refuse_two_tracks
from airflow_provider_suno.polling.outcome import Outcome, OutcomeKind
from airflow_provider_suno.polling.rate_limit import RateLimit
from airflow_provider_suno.polling.wait import Wait
from airflow_provider_suno.polling.worker import poll_job, poll_once, poll_until_known
from airflow_provider_suno.task.waiting import WaitingTask
from tests.support.jobs import MUSIC, music
from tests.support.short_limits import set_limits

LOG = logging.getLogger(__name__)
TRY = TaskTry(max_tries=2, try_number=2, retries=2, clear_number=0)


class TestValues:
    def test_a_record_that_is_no_object_is_refused(self) -> None:
        with pytest.raises(ValidationError):
            MusicTask.model_validate(7)

    def test_a_finished_job_with_a_track_that_has_no_audio_says_so(self) -> None:
        tracks = [{"id": "a", "audioUrl": "https://x/a.mp3"}, {"id": "b"}]
        record = MusicTask.model_validate({"taskId": "m", "status": "SUCCESS", "response": {"sunoData": tracks}})
        verdict = judge(record, "all")
        assert verdict.state is JobState.FINISHED
        assert verdict.remarks == ("only 1 of 2 tracks have an audio file",)

    def test_none_is_no_text_and_no_id(self) -> None:
        assert TypeAdapter(Text).validate_python(None) is None
        assert TypeAdapter(OptionalId).validate_python(None) is None

    def test_an_xcom_arg_that_nobody_resolved_is_named_as_such(self) -> None:
        unresolved = SimpleNamespace(iter_references=list)
        with pytest.raises(SunoValidationError, match="Airflow resolves no XComArg inside a literal"):
            checked_id("audio_id", unresolved)

    @pytest.mark.parametrize(
        ("value", "says"),
        [
            (True, "templates become flags where the Dag sets render_template_as_native_obj"),
            ("None", "is not an id: a value that it was made from is missing"),
            ({"vocal": "https://x/a.mp3"}, "the id is the XCom of that name"),
        ],
    )
    def test_what_is_no_id_is_refused_with_a_reason(self, value: Any, says: str) -> None:
        with pytest.raises(SunoValidationError, match=says):
            checked_id("audio_id", value)

    @pytest.mark.parametrize("odd", ["the first track", "https://x/a.mp3"])
    def test_an_odd_id_may_be_that_of_a_paid_job_but_is_not_sent(self, odd: str) -> None:
        assert StoredJob(kind="music", id=odd).id == checked_id("music_task_id", odd) == odd
        with pytest.raises(SunoValidationError, match=r"audio_id: is a (URL|text), not an id"):
            ConvertToWavRequest.build({"music_task_id": "m", "audio_id": odd})

    def test_the_nearest_name_is_found(self) -> None:
        assert nearest_name("musicTaskID", ["audio_id", "music_task_id"]) == "music_task_id"
        assert nearest_name("something", ["audio_id"]) is None

    def test_several_texts_are_one(self) -> None:
        assert text_of(["folk", "guitar"]) == "folk, guitar"

    def test_an_address_that_cannot_be_split_is_no_file(self) -> None:
        assert media_url_of("https://[x/song.mp3") is None

    def test_a_custom_song_of_an_unknown_model_needs_no_title(self) -> None:
        request = GenerateMusicRequest.build({"prompt": "Rain", "model": ANY_MODEL, "style": "folk"})
        assert not [warning for warning in request.warnings(APIKLEY) if "title" in warning]

    def test_seconds_may_be_a_timedelta(self) -> None:
        assert checked_seconds("wait_timeout", timedelta(minutes=2)) == 120.0

    @pytest.mark.parametrize("url", ["https://:443/x", "https://@/x", "https://?x"])
    def test_a_url_without_a_host_is_none(self, url: str) -> None:
        with pytest.raises(ValueError, match="must be an http or https URL"):
            checked_url(url)

    def test_a_moment_stays_what_it_is(self) -> None:
        moment = pendulum.datetime(2026, 11, 28)
        assert time_of(moment) is moment

    def test_a_kind_shows_its_name(self) -> None:
        assert repr(KIND) == "<JobKind music>"

    def test_a_text_that_only_looks_like_a_url_is_compared_as_it_is(self) -> None:
        assert fingerprint_of({"url": "https://[x"}) != fingerprint_of({"url": "https://[y"})
        assert fingerprint_of({"url": "https://[x"}) == fingerprint_of({"url": "https://[x"})

    def test_a_track_beside_another_audio_id_is_refused(self) -> None:
        refuse_two_tracks("a", 0)
        with pytest.raises(SunoValidationError, match=r"track: 1 beside audio_id='a': leave one of the two out"):
            refuse_two_tracks("a", 1)

    @pytest.mark.parametrize("until", ["some", ["all"]])
    def test_until_is_all_or_first(self, until: Any) -> None:
        with pytest.raises(SunoValidationError, match="until: must be 'all' or 'first'"):
            check_wait(timeout=1, timeout_name="timeout", until=until)


class TestWaits:
    def test_an_end_without_a_record_or_an_error_is_an_error(self) -> None:
        with pytest.raises(SunoProtocolError, match="music task m ended with neither a record nor an error"):
            Outcome(OutcomeKind.FINISHED, music("m")).result()

    @pytest.mark.parametrize("wrong", [{"type": "SystemExit"}, {"message": " "}, {"retry_after": -1}])
    def test_an_error_that_is_none_of_ours_makes_the_event_one_that_is_not_understood(
        self, wrong: dict[str, Any]
    ) -> None:
        error = {"type": "SunoUnavailableError", "message": "Down.", "code": None, "retry_after": None, **wrong}
        event = {"status": "gave_up", "music_task_id": "m", "music_task": None, "error": error}
        with pytest.raises(SunoProtocolError, match="The trigger sent an event that is not understood"):
            Outcome.from_event(event, MUSIC, "m")

    def test_another_limit_counts_at_once(self) -> None:
        rate_limit = RateLimit(100)
        rate_limit.set_limit(50)
        assert (rate_limit.limit, rate_limit.allowed) == (50, 50)
        rate_limit.set_limit(50)
        assert (rate_limit.limit, rate_limit.allowed) == (50, 50)

    def test_a_read_that_fails_is_something_seen(self) -> None:
        error = SunoUnavailableError("down")
        client: Any = _Client([error])
        assert poll_job(client, music("m")) is error

    def test_one_poll_decides_like_any_other(self) -> None:
        client: Any = _Client([SunoUnavailableError("down")])
        step = poll_once(client, Wait.begin(MUSIC, "m", now=time.time(), timeout=60))
        assert not isinstance(step, Outcome)

    def test_the_service_is_asked_again_for_an_id_that_it_does_not_know_yet(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        record = MusicTask.model_validate({"taskId": "m"})
        client: Any = _Client([None, None, record])
        with caplog.at_level(logging.INFO):
            assert poll_until_known(client, music("m"), LOG) is record
        assert len(client.pauses) == 2
        assert caplog.text.count("does not know music task m (yet)") == 1

    def test_an_id_that_stays_unknown_is_an_error(self, monkeypatch: pytest.MonkeyPatch) -> None:
        set_limits(monkeypatch, unknown_id_grace=-1.0)
        client: Any = _Client([None] * 9)
        with pytest.raises(SunoNotFoundError):
            poll_until_known(client, music("m"), LOG)

    def test_a_usable_part_that_cannot_be_pushed_hides_no_error(self, caplog: pytest.LogCaptureFixture) -> None:
        record = MusicTask.model_validate({"taskId": "m"})
        error = SunoMusicTaskFailedError("bad")
        outcome = Outcome(OutcomeKind.FAILED, music("m"), record=record, error=error)
        WaitingTask.push_partial_result(SimpleNamespace(log=LOG, keep_at=None), {"ti": None}, outcome)  # type: ignore[arg-type,typeddict-item]
        assert "the usable part of music task m could not be pushed as the XCom music_task" in caplog.text


class _Client:
    """Answers reads with what it is given, in order; an error is raised."""

    def __init__(self, answers: list[Any]) -> None:
        self._answers = answers
        self.pauses: list[float] = []
        self.cancellation = SimpleNamespace(pause=self.pauses.append)

    def get_record(self, job: Any, **_: Any) -> Any:
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class _Store(dict[str, Any]):
    """A task state store that can refuse writes."""

    refuses = False

    def set(self, key: str, value: Any, **_: Any) -> None:
        if self.refuses:
            raise OSError("the disk is full")
        self[key] = value

    def delete(self, key: str) -> None:
        self.pop(key, None)


def an_entry(state: State, **known: Any) -> Entry:
    return Entry(
        state=state,
        max_tries=2,
        retries=2,
        clear_number=0,
        try_number=1,
        description="generate",
        fingerprint={},
        **known,
    )


@pytest.fixture
def task_state() -> _Store:
    return _Store()


@pytest.fixture
def journal(task_state: _Store) -> Journal:
    if not delivery.HAS_TASK_STATE:
        pytest.skip("before Airflow 3.3 there is no journal")
    return Journal(task_state, current_try=TRY, log=LOG, limits=StoreLimits(retry_seconds=0))


class TestJournal:
    @pytest.mark.parametrize(
        ("entry", "says"),
        [
            (an_entry(State.DOUBTED), r"generate: state 'doubted' could not be written .* might pay again\.$"),
            (
                an_entry(State.SUBMITTED, persona={"persona_id": "p"}),
                r"persona p was made, but this could not .* for good, .* Keep its id\.$",
            ),
            (
                an_entry(State.SUBMITTED, job={"kind": "music", "id": "m"}),
                r"music task m was submitted, but this could not .* Set music_task_id='m' to resume this job",
            ),
        ],
    )
    def test_the_error_of_a_failed_write_says_what_happened(
        self, entry: Entry, says: str, journal: Journal, task_state: _Store
    ) -> None:
        task_state.refuses = True
        with pytest.raises(SunoJournalError, match=says):
            journal.record(entry)

    def test_a_lost_reply_that_cannot_be_written_is_still_raised(self, journal: Journal, task_state: _Store) -> None:
        intent = an_entry(State.INTENT, at=datetime.now(UTC))
        task_state[store.KEY] = intent.model_dump(mode="json")
        task_state.refuses = True
        submission = Submission(MUSIC, SunoValidationError("x"), "suno_default", "fail")
        sender: Any = None
        with pytest.raises(SunoLostReplyError, match="the disk is full"):
            submit_once(journal, submission, sender)

    def test_a_clear_with_a_wrong_request_names_the_job_that_is_paid_for(
        self, journal: Journal, task_state: _Store
    ) -> None:
        entry = an_entry(State.SUBMITTED, job={"kind": "music", "id": "m"}, suno_conn_id="suno_default")
        task_state[store.KEY] = entry.model_dump(mode="json")
        journal.current_try = TaskTry(max_tries=3, try_number=2, retries=2, clear_number=1)
        submission = Submission(MUSIC, SunoValidationError("prompt: is empty."), "suno_default", "fail")
        sender: Any = None
        with pytest.raises(SunoValidationError, match=r"prompt: is empty\. Music task m, .* is paid for"):
            submit_once(journal, submission, sender)

    def test_a_job_of_another_kind_is_ignored(self, journal: Journal, task_state: _Store) -> None:
        entry = an_entry(State.SUBMITTED, job={"kind": "wav", "id": "w"}, suno_conn_id="suno_default")
        task_state[store.KEY] = entry.model_dump(mode="json")
        refused = SunoValidationError("prompt: is empty.")
        sender: Any = None
        with pytest.raises(SunoValidationError) as raised:
            submit_once(journal, Submission(MUSIC, refused, "suno_default", "fail"), sender)
        assert raised.value is refused

    def test_a_lost_reply_after_what_may_be_a_clear_says_what_to_do(self, journal: Journal, task_state: _Store) -> None:
        task_state[store.KEY] = an_entry(State.DOUBTED, lost_reply_message="The reply was lost.").model_dump(
            mode="json"
        )
        journal.current_try = TaskTry(max_tries=2, try_number=2, retries=3, clear_number=0)
        submission = Submission(MUSIC, SunoValidationError("x"), "suno_default", "fail")
        sender: Any = None
        with pytest.raises(
            SunoLostReplyError, match=r"The reply was lost\. \(If you cleared the task .* Clear it once more"
        ):
            submit_once(journal, submission, sender)

    def test_a_job_given_by_its_id_turns_a_lost_workers_intent_into_doubted(
        self, journal: Journal, task_state: _Store
    ) -> None:
        task_state[store.KEY] = an_entry(State.INTENT).model_dump(mode="json")
        mark_clear_used(journal, MUSIC)
        assert task_state[store.KEY]["state"] == "doubted"

    def test_an_entry_matches_the_fields_that_it_has(self) -> None:
        entry = Entry(state=State.INTENT, max_tries=1, try_number=1, description="x", fingerprint={"a": "1", "b": "2"})
        assert entry.matches({"a": "1"})
        assert not entry.matches({"a": "2"})

    def test_the_delivery_record_stays_first_among_the_callbacks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(delivery, "HAS_TASK_STATE", True)
        task = GenerateMusicOperator(task_id="t", model="V5", prompt="rain", on_success_callback=[print, len])
        (record, *others) = task.on_success_callback
        assert others == [print, len]
        assert task.on_success_callback.pop() is len
        task.on_success_callback.remove(record)
        task.on_success_callback.append(repr)
        assert task.on_success_callback == [record, print, repr]
        task.on_success_callback[:] = [len]
        assert task.on_success_callback == [record, len]
        task.on_success_callback.clear()
        assert task.on_success_callback == [record]
        task.on_success_callback = None
        assert task.on_success_callback == [record]

    def test_without_task_state_there_is_no_delivery_record(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(delivery, "HAS_TASK_STATE", False)
        assert delivery.with_delivery_record(print) == [print]

    @pytest.mark.parametrize("state", [None, State.DELIVERED, State.SUBMITTED])
    def test_nothing_is_recorded_without_a_submission_or_a_success(
        self, state: State | None, journal: Journal, task_state: _Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(delivery, "HAS_TASK_STATE", True)
        monkeypatch.setattr(delivery, "is_recorded_as_success", lambda _: False)
        if state is not None:
            task_state[store.KEY] = an_entry(state, job={"kind": "music", "id": "m"}).model_dump(mode="json")
        before = dict(task_state)
        (record,) = delivery.with_delivery_record(None)
        record({"ti": SimpleNamespace(task=SimpleNamespace(journal=journal))})
        record({"ti": SimpleNamespace(task=SimpleNamespace())})
        assert task_state == before
