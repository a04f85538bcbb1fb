"""Voices: the phrase to sing, the voice made of it, and whether it can be used."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_suno.api.endpoints.voice import KIND as VOICE
from airflow_provider_suno.api.endpoints.voice import CheckVoiceRequest, GenerateVoiceRequest
from airflow_provider_suno.api.endpoints.voice_phrase import KIND as PHRASE
from airflow_provider_suno.api.endpoints.voice_phrase import RegenerateVoicePhraseRequest, ValidateVoiceRequest
from airflow_provider_suno.api.jobs import JobKind, JobState, Verdict
from airflow_provider_suno.api.profiles import APIKLEY, KIE
from airflow_provider_suno.api.record import JobRecord
from airflow_provider_suno.api.request import SunoRequest
from airflow_provider_suno.exceptions import SunoProtocolError, SunoValidationError
from airflow_provider_suno.polling.outcome import Outcome, OutcomeKind
from airflow_provider_suno.polling.wait import PollAgain, Wait

URL = "https://files.example/a.mp3"
VALIDATE = {"voice_url": URL, "vocal_start_s": 1, "vocal_end_s": 9}
GENERATE = {"phrase_job_id": "j", "verify_url": URL}
WITH_PHRASE, WITH_VOICE = {"validateInfo": "a quick fox"}, {"voiceId": "v"}


def judged(kind: JobKind, **fields: Any) -> Verdict:
    record = kind.read({"taskId": "j", **fields}, "j")
    assert record is not None
    assert kind.read(record.to_dict(), "j") == record
    return kind.judge(record, "all")


@pytest.mark.parametrize(
    ("model", "fields", "said"),
    [
        (ValidateVoiceRequest, {**VALIDATE, "vocal_end_s": 1}, "vocal_end_s: 1 is not after vocal_start_s, 1"),
        (
            ValidateVoiceRequest,
            {**VALIDATE, "vocal_start_s": -1},
            "vocal_start_s: must be greater than or equal",
        ),
        (ValidateVoiceRequest, {**VALIDATE, "vocal_end_s": 9.005}, "vocal_end_s: takes at most two decimals"),
        (ValidateVoiceRequest, {**VALIDATE, "language": "xx"}, "language: must be 'en', 'zh'"),
        (ValidateVoiceRequest, {**VALIDATE, "voice_url": None}, "voice_url: required"),
        (
            GenerateVoiceRequest,
            {**GENERATE, "singer_skill_level": "star"},
            "singer_skill_level: must be 'beginn",
        ),
        (GenerateVoiceRequest, {**GENERATE, "verify_url": "x"}, "verify_url: must be an http or https URL"),
        (
            GenerateVoiceRequest,
            {**GENERATE, "phrase_job_id": "None"},
            "phrase_job_id: is not an id: a value that it was",
        ),
        (RegenerateVoicePhraseRequest, {"phrase_job_id": ["j"]}, "phrase_job_id: must be one string, not list"),
        (CheckVoiceRequest, {}, "voice_job_id: required"),
    ],
)
def test_wrong_fields(model: type[SunoRequest], fields: dict[str, Any], said: str) -> None:
    with pytest.raises(SunoValidationError) as caught:
        model.build(fields)
    assert str(caught.value).startswith(f"{model.call} was not sent, nothing is charged:\n  ")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (ValidateVoiceRequest, VALIDATE),
        (RegenerateVoicePhraseRequest, {"phrase_job_id": "j"}),
        (GenerateVoiceRequest, GENERATE),
        (CheckVoiceRequest, {"voice_job_id": "j"}),
    ],
)
def test_a_host_without_the_call_gets_one_warning(model: type[SunoRequest], fields: dict[str, Any]) -> None:
    request = model.build(fields)
    assert list(request.warnings(KIE)) == []
    assert list(request.warnings(APIKLEY)) == [
        f"the pages of apikley do not name {model.path}; sent anyway, since a refusal costs nothing."
    ]


@pytest.mark.parametrize(
    ("model", "known", "later"),
    [
        (ValidateVoiceRequest, {"vocal_start_s": 5}, ["vocal_end_s", "voice_url"]),
        (ValidateVoiceRequest, {"vocal_end_s": 5, "voice_url": URL}, ["vocal_start_s"]),
        (GenerateVoiceRequest, {"phrase_job_id": "j"}, ["verify_url"]),
    ],
)
def test_what_comes_later_is_not_missed_when_the_dag_is_parsed(
    model: type[SunoRequest], known: dict[str, Any], later: list[str]
) -> None:
    model.check_known(known, later)
    with pytest.raises(SunoValidationError, match=f"{later[0]}: required"):
        model.check_known(known, later[1:])


@pytest.mark.parametrize(
    ("status", "phrase", "voice"),
    [
        ("wait_processing", JobState.RUNNING, JobState.RUNNING),
        ("processing_validate", JobState.RUNNING, JobState.RUNNING),
        ("wait_validating", JobState.FINISHED, JobState.RUNNING),
        ("success", JobState.FINISHED, JobState.FINISHED),
        ("processing_validate_fail", JobState.FAILED, JobState.FAILED),
        ("fail", JobState.FAILED, JobState.FAILED),
        ("something_new", JobState.RUNNING, JobState.RUNNING),
    ],
)
def test_what_each_status_means(status: str, phrase: JobState, voice: JobState) -> None:
    assert judged(PHRASE, status=status, **WITH_PHRASE).state is phrase
    assert judged(VOICE, status=status, **WITH_VOICE).state is voice


@pytest.mark.parametrize(
    ("kind", "status", "missing"),
    [
        (PHRASE, "wait_validating", "validateInfo"),
        (PHRASE, "success", "validateInfo"),
        (VOICE, "success", "voiceId"),
    ],
)
def test_an_end_without_a_result_is_a_failed_poll(kind: JobKind, status: str, missing: str) -> None:
    verdict = judged(kind, status=status, validateInfo=" ", voiceId=["v"])
    assert verdict.state is JobState.RUNNING
    assert str(verdict.error) == f"The record says {status}, but has no {missing}."


def test_a_failure_says_why() -> None:
    error = judged(VOICE, status="fail", errorCode=500, errorMessage="too noisy").error
    assert str(error).startswith("Voice job j ended as fail (error code 500: too noisy). The service refunds")
    assert judged(PHRASE, status="processing_validate_fail").error is not None


@pytest.mark.parametrize(
    ("kind", "fields", "result", "summary"),
    [
        (PHRASE, {"validate_info": "a quick\nfox"}, "a quick\nfox", " 'a quick\\nfox'"),
        (PHRASE, {"phrase": "a quick fox"}, "a quick fox", " 'a quick fox'"),
        (VOICE, {"voice_id": " v "}, "v", " v"),
        (VOICE, {"voiceId": "two\nlines"}, None, " None"),
    ],
)
def test_the_result_in_each_spelling(kind: JobKind, fields: dict[str, Any], result: str | None, summary: str) -> None:
    record = kind.read({"task_id": "j", "status": "success", **fields}, "j")
    assert record is not None
    assert (record.result(), record.result_summary(), record.files()) == (result, summary, ())


@pytest.mark.parametrize("usable", [True, False])
def test_whether_a_voice_can_be_used(usable: bool) -> None:
    request = CheckVoiceRequest.build({"voice_job_id": "j"})
    assert request.read({"isAvailable": usable}) is usable
    assert request.effect == "read"


@pytest.mark.parametrize("data", [None, {}, {"isAvailable": "true"}, [True], {"isAvailable": None}])
def test_no_answer_is_no_no(data: Any) -> None:
    with pytest.raises(SunoProtocolError, match=r"^The reply does not say whether the voice can be used: "):
        CheckVoiceRequest.build({"voice_job_id": "j"}).read(data)


def phrase(status: str, phrase: str | None = None, **fields: Any) -> JobRecord:
    record = PHRASE.read({"taskId": "j", "status": status, "validateInfo": phrase, **fields}, "j")
    assert record is not None
    return record


OLD = phrase("wait_validating", "a quick fox")
NEW = phrase("wait_validating", "a lazy dog")
BEFORE = phrase("processing_validate_fail", errorCode=400)


def polled(before: JobRecord, *seen: tuple[float, JobRecord]) -> Outcome | PollAgain:
    """Return what the last of some polls means, the wait having moved to another process before each."""
    wait = Wait.begin(PHRASE, "j", now=0, timeout=900, submitted_at=0, old_result=before.result_digest())
    for at, record in seen:
        moved = Wait.begin(PHRASE, "j", now=at, timeout=900 - at, submitted_at=0).with_history(wait.history())
        step = moved.after_poll(record, at, 0.5)
        wait = step.wait if isinstance(step, PollAgain) else wait
    return step


@pytest.mark.parametrize(
    ("before", "seen", "kind"),
    [
        (OLD, [(5, OLD)], None),
        (OLD, [(5, OLD), (7, OLD), (9, NEW)], OutcomeKind.FINISHED),
        (OLD, [(5, phrase("success", "a quick fox"))], None),
        (OLD, [(5, phrase("processing_validate")), (7, OLD)], OutcomeKind.FINISHED),
        (OLD, [(5, BEFORE)], OutcomeKind.FAILED),
        (BEFORE, [(5, BEFORE)], None),
        (BEFORE, [(5, BEFORE), (9, NEW)], OutcomeKind.FINISHED),
        (BEFORE, [(5, phrase("wait_processing")), (9, BEFORE)], OutcomeKind.FAILED),
        (BEFORE, [(121, BEFORE)], OutcomeKind.FAILED),
    ],
)
def test_what_the_job_showed_before_another_phrase_was_asked_for_is_no_end(
    before: JobRecord, seen: list[tuple[float, JobRecord]], kind: OutcomeKind | None
) -> None:
    step = polled(before, *seen)
    assert (step.kind if isinstance(step, Outcome) else None) is kind
    assert not isinstance(step, Outcome) or step.remark is None


def test_the_same_phrase_after_two_minutes_is_returned_with_a_remark() -> None:
    step = polled(OLD, (5, OLD), (121, OLD))
    assert isinstance(step, Outcome)
    assert step.result().result() == "a quick fox"
    assert step.remark == "its result is the same as before the request, so the service may have made no other one"
