"""The decision after each poll; clock and jitter are passed in."""

from __future__ import annotations

import math
from typing import Any

import pytest

from airflow_provider_suno.api.endpoints.music import MusicTask
from airflow_provider_suno.exceptions import (
    SunoAuthError,
    SunoError,
    SunoMusicTaskFailedError,
    SunoProtocolError,
    SunoRateLimitError,
    SunoUnavailableError,
    SunoValidationError,
)
from airflow_provider_suno.polling.outcome import Outcome, OutcomeKind
from airflow_provider_suno.polling.wait import PollAgain, Wait
from tests.support.jobs import MUSIC, music

NOW = 1_000_000.0
DONE = {"id": "a1", "audioUrl": "https://x/a1.mp3"}
HALF = {"id": "a2", "audioUrl": ""}
STREAM = {"id": "a3", "audioUrl": "", "streamAudioUrl": "https://x/a3"}


def record(status: str, *tracks: dict[str, str], **fields: Any) -> MusicTask:
    found = [*tracks, *fields.pop("tracks", ())]
    return MusicTask.model_validate({"taskId": "m", "status": status, "response": {"sunoData": found}, **fields})


def begin(**options: Any) -> Wait:
    return Wait.begin(MUSIC, "m", **{"now": NOW, "timeout": 1200, **options})


def result(wait: Wait, seen: Any, at: float, jitter: float = 0.5) -> Outcome | PollAgain:
    return wait.after_poll(seen, NOW + at, jitter)


def again(step: Outcome | PollAgain) -> PollAgain:
    assert isinstance(step, PollAgain)
    return step


def ended(step: Outcome | PollAgain, kind: OutcomeKind) -> Outcome:
    assert isinstance(step, Outcome)
    assert step.kind is kind
    return step


def test_finished_returns_the_record() -> None:
    outcome = ended(result(begin(), record("SUCCESS", DONE), 60), OutcomeKind.FINISHED)
    assert outcome.result().audio_ids == ["a1"]


def test_until_first_returns_only_finished_tracks() -> None:
    seen = record("FIRST_SUCCESS", DONE, HALF)
    assert ended(result(begin(until="first"), seen, 40), OutcomeKind.FINISHED).result().audio_ids == ["a1"]
    assert again(result(begin(), seen, 40)).wait.status == "FIRST_SUCCESS"


def test_a_failed_job_ends_the_wait_at_once() -> None:
    outcome = ended(result(begin(), record("GENERATE_AUDIO_FAILED", errorMessage="no luck"), 5), OutcomeKind.FAILED)
    assert isinstance(outcome.error, SunoMusicTaskFailedError)
    assert "no luck" in str(outcome.error)
    assert outcome.record_failed


def test_success_without_an_audio_url_uses_the_stream_url() -> None:
    outcome = ended(result(begin(), record("SUCCESS", DONE, STREAM), 60), OutcomeKind.FINISHED)
    assert [track.audio_url for track in outcome.result().tracks] == ["https://x/a1.mp3", "https://x/a3"]
    assert outcome.remark == "track a3 came without an audio_url; its stream_audio_url is used instead"
    assert Outcome.from_event(outcome.to_event(), MUSIC, "m").result() == outcome.result()
    assert again(result(begin(until="first"), record("FIRST_SUCCESS", STREAM), 60))


FAILURES = [
    {"status": "GENERATE_AUDIO_FAILED"},
    {"status": "SUCCESS", "errorCode": 501},
    {"status": "SUCCESS", "errorCode": 413},
    {"status": "FIRST_SUCCESS", "errorCode": 451},
]


@pytest.mark.parametrize("fields", FAILURES)
def test_a_failed_job_keeps_its_playable_tracks(fields: dict[str, Any]) -> None:
    outcome = ended(
        result(begin(), record(**fields, errorMessage="no luck", tracks=[DONE, HALF]), 60), OutcomeKind.FAILED
    )
    assert "a1 (https://x/a1.mp3)" in str(outcome.error)
    back = Outcome.from_event(outcome.to_event(), MUSIC, "m")
    for known in (outcome, back):
        assert known.record is not None
        assert known.record.audio_ids == ["a1"]
        assert known.record_failed
        with pytest.raises(SunoError, match="no luck"):
            known.result()


@pytest.mark.parametrize("fields", FAILURES)
def test_until_first_finishes_with_a_playable_track_of_a_failed_job(fields: dict[str, Any]) -> None:
    seen = record(**fields, errorMessage="no luck", tracks=[HALF, DONE])
    outcome = ended(result(begin(until="first"), seen, 60), OutcomeKind.FINISHED)
    assert outcome.result().audio_ids == ["a1"]
    assert f"it ended as {fields['status']}" in str(outcome.remark)
    assert "no luck" in str(outcome.remark)
    assert Outcome.from_event(outcome.to_event(), MUSIC, "m", "first").result().audio_ids == ["a1"]
    with pytest.raises(SunoProtocolError, match="does not fit"):
        Outcome.from_event(outcome.to_event(), MUSIC, "m")


def test_until_first_fails_with_a_failed_job_without_playable_tracks() -> None:
    failed = record("GENERATE_AUDIO_FAILED", HALF, STREAM)
    assert ended(result(begin(until="first"), failed, 5), OutcomeKind.FAILED).record is None


def test_the_wait_ends_at_its_deadline_and_names_the_last_status() -> None:
    wait = begin(timeout=100)
    step = again(result(wait, record("PENDING"), 99))
    assert step.at == NOW + 100
    outcome = ended(result(step.wait, record("TEXT_SUCCESS", HALF), 100), OutcomeKind.TIMEOUT)
    assert "its last status was TEXT_SUCCESS" in str(outcome.error)
    assert "Set music_task_id='m' to resume this job; nothing is charged again." in str(outcome.error)


def test_a_result_at_the_deadline_still_counts() -> None:
    outcome = ended(result(begin(timeout=100), record("SUCCESS", DONE), 101), OutcomeKind.FINISHED)
    assert outcome.result().audio_ids


@pytest.mark.parametrize(("submitted_at", "given_up_at"), [(None, 60), (NOW - 30, 30)])
def test_an_unknown_id_has_a_grace_from_submit_or_first_poll(submitted_at: float | None, given_up_at: float) -> None:
    wait = begin(submitted_at=submitted_at)
    assert again(result(wait, None, given_up_at - 1))
    outcome = ended(result(wait, None, given_up_at), OutcomeKind.GAVE_UP)
    assert type(outcome.error).__name__ == "SunoNotFoundError"


def test_an_id_that_was_known_has_a_grace_of_its_own() -> None:
    known = again(result(begin(), record("PENDING"), 200)).wait
    assert again(result(known, None, 230))
    ended(result(known, None, 261), OutcomeKind.GAVE_UP)


def test_failed_polls_back_off_and_give_up_after_ten_minutes_in_a_row() -> None:
    step = again(result(begin(), SunoUnavailableError("down"), 0))
    first_gap = step.at - NOW
    step = again(result(step.wait, SunoUnavailableError("down"), 10))
    assert step.at - NOW - 10 > first_gap
    for after in range(20, 600, 60):
        step = again(result(step.wait, SunoUnavailableError("down"), after))
    assert again(result(step.wait, SunoUnavailableError("down"), 599))
    outcome = ended(result(step.wait, SunoUnavailableError("down"), 600), OutcomeKind.GAVE_UP)
    assert isinstance(outcome.error, SunoUnavailableError)
    assert "last: down" in str(outcome.error)


def test_a_few_failed_polls_far_apart_are_no_outage() -> None:
    """Among thousands of waits, each is polled every few minutes."""
    step = again(result(begin(timeout=7200), SunoUnavailableError("down"), 0))
    for number in range(1, 9):
        step = again(result(step.wait, SunoUnavailableError("down"), number * 300))
    ended(result(step.wait, SunoUnavailableError("down"), 2700), OutcomeKind.GAVE_UP)


def test_a_successful_poll_resets_the_failures() -> None:
    failing = again(result(begin(), SunoUnavailableError("down"), 0)).wait
    calm = again(result(failing, record("PENDING"), 300)).wait
    assert again(result(calm, SunoUnavailableError("down"), 650))


def test_a_fatal_error_ends_the_wait_at_once() -> None:
    outcome = ended(result(begin(), SunoAuthError("bad key", code=401), 0), OutcomeKind.GAVE_UP)
    assert isinstance(outcome.error, SunoAuthError)
    assert outcome.error.music_task_id == "m"


def test_a_403_of_the_network_edge_is_a_failed_poll() -> None:
    blocked = SunoAuthError("The network edge before the service refused us", code=403)
    blocked.may_pass = True
    step = again(result(begin(), blocked, 0))
    assert "The network edge before the service refused us" in str(step.progress)
    assert step.wait.failed_polls == 1


@pytest.mark.parametrize(("jitter", "after"), [(0.0, 45.0), (1.0, 56.25)])
def test_a_server_directed_delay_is_kept_with_jitter(jitter: float, after: float) -> None:
    step = again(begin().after_poll(SunoRateLimitError("slow", retry_after=45), now=NOW, jitter=jitter))
    assert step.at == NOW + after


@pytest.mark.parametrize(
    ("age", "record_or_error"), [(0, record("PENDING")), (100, record("PENDING")), (100, SunoUnavailableError("down"))]
)
def test_many_waits_do_not_poll_in_step(age: float, record_or_error: Any) -> None:
    wait = begin(submitted_at=NOW)
    gaps = {again(wait.after_poll(record_or_error, now=NOW + age, jitter=part)).at for part in (0.0, 0.5, 1.0)}
    assert len(gaps) == 3
    assert max(gaps) - NOW - age > 1.2 * (min(gaps) - NOW - age)
    assert min(gaps) >= NOW + 20


@pytest.mark.parametrize(
    ("age", "poll_interval", "after"), [(0, None, 20), (15, None, 5), (0, 5.0, 5), (100, None, 0), (600, None, 0)]
)
def test_a_resumed_job_is_polled_as_soon_as_a_result_is_possible(
    age: float, poll_interval: float | None, after: float
) -> None:
    assert begin(submitted_at=NOW - age, poll_interval=poll_interval).next_poll_at() == NOW + after


def test_success_without_audio_is_a_failed_poll() -> None:
    step = again(result(begin(), record("SUCCESS"), 0))
    assert step.wait.failed_polls == 1
    assert step.is_warning


def test_success_without_audio_is_given_up_like_any_failed_poll() -> None:
    step, polls, lines = again(result(begin(timeout=3600), record("SUCCESS"), 0)), 1, 0
    while isinstance(step, PollAgain):
        polls, lines = polls + 1, lines + bool(step.progress)
        step = result(step.wait, record("SUCCESS", HALF), step.at - NOW)
    said = str(ended(step, OutcomeKind.GAVE_UP).error)
    assert "has shown no result for 6" in said
    assert "audioUrl, sourceAudioUrl and streamAudioUrl are empty or placeholders" in said
    assert "It is paid for. Set music_task_id='m' to resume this job" in said
    assert polls < 40
    assert lines < 13


def test_polls_are_two_seconds_apart_however_short_the_poll_interval() -> None:
    step = again(result(begin(poll_interval=0.001), record("PENDING"), 0))
    assert step.at == NOW + 2


@pytest.mark.parametrize(("status", "undocumented"), [("PENDING", False), ("PROCESSING", True), ("COMPLETE", True)])
def test_an_undocumented_status_is_logged_and_waited_for(status: str, undocumented: bool) -> None:
    step = again(result(begin(), record(status), 0))
    assert step.is_warning is undocumented
    assert ("undocumented" in str(step.progress)) is undocumented


def test_a_callback_exception_is_judged_by_its_content() -> None:
    outcome = ended(result(begin(), record("CALLBACK_EXCEPTION", DONE), 0), OutcomeKind.FINISHED)
    assert "could not deliver its callback" in str(outcome.remark)
    step = again(result(begin(), record("CALLBACK_EXCEPTION", DONE, HALF), 100))
    assert again(result(step.wait, record("CALLBACK_EXCEPTION", DONE, HALF), 699))
    lost = ended(result(step.wait, record("CALLBACK_EXCEPTION", DONE, HALF), 700), OutcomeKind.GAVE_UP)
    assert isinstance(lost.error, SunoMusicTaskFailedError)
    assert "can be played all the same: a1 (https://x/a1.mp3). until='first' takes them at once." in str(lost.error)
    kept = Outcome.from_event(lost.to_event(), MUSIC, "m").record
    assert kept is not None
    assert kept.audio_ids == ["a1"]


def test_progress_is_logged_on_a_change_and_once_a_minute() -> None:
    step = again(result(begin(), record("PENDING"), 0))
    assert step.progress == "music task m: PENDING, waited 0 s, about 120 s left"
    step = again(result(step.wait, record("PENDING"), 30))
    assert step.progress is None
    step = again(result(step.wait, record("TEXT_SUCCESS", HALF), 40))
    assert "TEXT_SUCCESS" in str(step.progress)
    step = again(result(step.wait, record("TEXT_SUCCESS", HALF), 130))
    assert "longer than usual" in str(step.progress)


def test_no_poll_before_a_result_is_possible() -> None:
    assert begin().next_poll_at() == NOW
    assert begin(submitted_at=NOW).next_poll_at() == NOW + 20
    assert begin(submitted_at=NOW, poll_interval="3").next_poll_at() == NOW + 3
    assert Wait(music("m"), NOW, NOW + 60, submitted_at=NOW, poll_interval="3").next_poll_at() == NOW + 3  # type: ignore[arg-type]


def test_a_lone_job_costs_tens_of_polls() -> None:
    step, polls = again(result(begin(timeout=1200), record("PENDING"), 0)), 1
    while step.at < NOW + 1200:
        step, polls = again(result(step.wait, record("PENDING"), step.at - NOW)), polls + 1
    assert 20 < polls < 90


def test_a_wait_goes_on_in_another_process() -> None:
    failing = again(result(begin(), SunoUnavailableError("down"), 0)).wait
    resumed = begin().with_history(failing.history())
    assert resumed == failing
    assert "the last poll failed: down." in str(resumed.timed_out().error)
    assert begin().with_history("nonsense") == begin()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"until": "some"}, "until: must be 'all' or 'first', got 'some'"),
        ({"until": []}, "until: must be 'all' or 'first', got \\[\\]"),
        ({"timeout": 10**400}, "timeout: must be a number of seconds from 0"),
        ({"timeout": 1e15}, "timeout: must be a number of seconds up to 1000000000, got 1000000000000000.0"),
        ({"timeout": "soon"}, "timeout: must be a number of seconds from 0"),
        ({"poll_interval": 0}, "poll_interval: must be a number of seconds above 0, got 0"),
    ],
)
def test_wrong_options(options: dict[str, Any], said: str) -> None:
    with pytest.raises(SunoValidationError, match=said):
        begin(**options)


@pytest.mark.parametrize(
    ("music_task_id", "said"),
    [
        (None, "music_task_id: must not be empty"),
        (" ", "music_task_id: must not be empty"),
        (["a", "b"], "music_task_id: must be one string, not list; for several, map the task over them with expand"),
        (
            7,
            r"must be one string, not int \(write it in quotes; .* render_template_as_native_obj=True\); got 7",
        ),
        pytest.param(10**5000, "must be one string, not int .*; got <int that cannot be shown>", id="many digits"),
        ("a\nb", r"music_task_id: has a character that an id cannot have; got 'a.nb'"),
        ("x" * 256, "music_task_id: 256 characters; an id has at most 255"),
    ],
)
def test_a_music_task_id_is_one_string(music_task_id: Any, said: str) -> None:
    with pytest.raises(SunoValidationError, match=said):
        Wait.begin(MUSIC, music_task_id, now=NOW, timeout=1)


def test_blanks_around_an_id_are_dropped() -> None:
    assert Wait.begin(MUSIC, " m\n", now=NOW, timeout=1).job.id == "m"


def test_an_event_without_a_track_is_no_success() -> None:
    empty = {"status": "finished", "music_task_id": "m", "music_task": {"music_task_id": "m"}, "error": None}
    with pytest.raises(SunoProtocolError, match="does not fit"):
        Outcome.from_event(empty, MUSIC, "m")


def test_events_travel_and_come_back() -> None:
    done = Outcome(OutcomeKind.FINISHED, music("m"), record=record("SUCCESS", DONE))
    assert Outcome.from_event(done.to_event(), MUSIC, "m").result().audio_ids == ["a1"]
    failed = Outcome(OutcomeKind.GAVE_UP, music("m"), error=SunoRateLimitError("slow", code=429, retry_after=9))
    back = Outcome.from_event(failed.to_event(), MUSIC, "m").error
    assert isinstance(back, SunoRateLimitError)
    assert (back.message, back.code, back.retry_after) == ("slow", 429, 9)


GOOD = Outcome(OutcomeKind.FINISHED, music("m"), record=record("SUCCESS", DONE)).to_event()


BAD = Outcome(OutcomeKind.GAVE_UP, music("m"), error=SunoAuthError("bad key", code=401)).to_event()
FAILED = Outcome(
    OutcomeKind.FAILED,
    music("m"),
    record=record("GENERATE_AUDIO_FAILED", DONE),
    error=SunoMusicTaskFailedError("no luck", music_task_id="m"),
).to_event()


@pytest.mark.parametrize(
    "event",
    [
        None,
        "finished",
        {},
        {**GOOD, "status": "success"},
        {**GOOD, "music_task": None},
        {**GOOD, "music_task_id": "another"},
        {**GOOD, "music_task": {}},
        {**GOOD, "error": {"type": "SunoAuthError", "message": "x", "code": None, "retry_after": None}},
        {**GOOD, "status": "failed"},
        {**GOOD, "status": "failed", "music_task": None, "error": {"type": "SystemExit"}},
        {**GOOD, "music_task": {**GOOD["music_task"], "music_task_id": "another"}},
        {**GOOD, "music_task": {**GOOD["music_task"], "error_code": 400}},
        {**BAD, "status": "failed"},
        {**BAD, "status": "timeout"},
        {**BAD, "music_task": GOOD["music_task"]},
        {**FAILED, "music_task": GOOD["music_task"]},
        {**FAILED, "music_task": {**FAILED["music_task"], "music_task_id": "another"}},
        {**FAILED, "music_task": {**FAILED["music_task"], "tracks": []}},
        {**FAILED, "music_task": {**FAILED["music_task"], "tracks": [{"audio_id": "a1"}]}},
        {**FAILED, "music_task": {**FAILED["music_task"], "error_code": 413}},
        {**FAILED, "music_task": [FAILED["music_task"]]},
        {**FAILED, "status": "gave_up"},
        {**FAILED, "status": "timeout"},
        {**FAILED, "status": "finished"},
        {**BAD, "music_task": FAILED["music_task"]},
        {**BAD, "music_task": record("PENDING").to_dict()},
        {**BAD, "error": {**BAD["error"], "retry_after": "soon"}},
        {**BAD, "error": {**BAD["error"], "code": [401]}},
        {**BAD, "error": {**BAD["error"], "message": None}},
    ],
)
def test_malformed_events_are_errors(event: Any) -> None:
    with pytest.raises(SunoProtocolError, match="The trigger sent an event"):
        Outcome.from_event(event, MUSIC, "m")


def test_an_event_about_another_job_is_distinguished_from_a_malformed_one() -> None:
    for event in (GOOD, BAD, FAILED):
        assert Outcome.of_another(event, music("m")) is None
        assert Outcome.of_another(event, music("n")) == "m"
    for event in (None, {**GOOD, "status": "great"}, {**GOOD, "music_task_id": "another"}, {**FAILED, "error": None}):
        assert Outcome.of_another(event, music("n")) is None


def test_every_error_survives_pickling() -> None:
    import pickle

    error = SunoRateLimitError("slow", code=429, music_task_id="m", retry_after=3)
    copy: SunoError = pickle.loads(pickle.dumps(error))
    assert (type(copy), copy.args, vars(copy)) == (type(error), error.args, vars(error))


def test_an_event_names_its_music_task_when_the_task_does_not_know_it() -> None:
    assert Outcome.from_event(BAD, MUSIC).job.id == "m"
    for about in (None, 5, ["m"], "", "two\nlines"):
        with pytest.raises(SunoProtocolError, match="is not understood"):
            Outcome.from_event({**BAD, "music_task_id": about}, MUSIC)


def test_an_event_nested_too_deep_to_be_shown_is_malformed_too() -> None:
    nested: Any = "x"
    for _ in range(5000):
        nested = [nested]
    for event in (nested, {**BAD, "error": {**BAD["error"], "message": nested}}):
        with pytest.raises(SunoProtocolError, match="The trigger sent an event"):
            Outcome.from_event(event, MUSIC, "m")


def test_the_record_of_another_music_task_is_a_failed_poll() -> None:
    other = MusicTask.model_validate({"taskId": "another", "status": "SUCCESS", "response": [DONE]})
    step = again(result(begin(), other, 0))
    assert "that of another music task, another" in str(step.progress)
    assert step.wait.failed_polls == 1


def test_a_submission_in_the_future_of_this_clock_delays_no_poll() -> None:
    assert begin(submitted_at=NOW + 3600).next_poll_at() == NOW + 20
    assert again(result(begin(submitted_at=NOW), record("PENDING"), -3600)).at < NOW - 3550


def test_the_shortest_gap_holds_for_failed_polls_too() -> None:
    step = again(result(begin(shortest_gap=15.0), SunoUnavailableError("down"), 0))
    assert step.at == NOW + 15


@pytest.mark.parametrize("time", [math.nan, math.inf, 1e300, "tomorrow", None, True])
def test_a_wait_without_a_deadline_is_refused(time: Any) -> None:
    with pytest.raises(SunoValidationError, match="deadline: must be a time in epoch seconds"):
        Wait(music("m"), started_at=NOW, deadline=time)


def test_a_malformed_history_does_not_keep_a_wait_from_ending() -> None:
    wait = begin(timeout=100).with_history(
        {
            "poll_at": 1e11,
            "known_at": "yesterday",
            "failing_since": math.nan,
            "failed_polls": "3",
            "status": "a\nb",
            "last_error": 7,
        }
    )
    assert wait.next_poll_at() == NOW + 100
    assert (wait.known_at, wait.failing_since, wait.failed_polls, wait.status) == (None, None, 0, "a\\nb")


def test_a_wait_for_an_id_that_the_service_never_knew_does_not_say_that_the_job_goes_on() -> None:
    waited = again(result(begin(), None, at=1)).wait
    message = str(waited.timed_out().error)
    assert "the service did not know it at the last poll. Check the id, and that it is one of this kind" in message
    assert "continues" not in message
