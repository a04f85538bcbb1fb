"""How the records of conversions are read and judged."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import pytest

from airflow_provider_suno.api import endpoints
from airflow_provider_suno.api.endpoints.midi import KIND as MIDI
from airflow_provider_suno.api.endpoints.music import KIND as MUSIC
from airflow_provider_suno.api.endpoints.video import KIND as VIDEO
from airflow_provider_suno.api.endpoints.video import CreateMusicVideoRequest
from airflow_provider_suno.api.endpoints.wav import KIND as WAV
from airflow_provider_suno.api.jobs import JobKind, JobState, Verdict, job_kind
from airflow_provider_suno.api.record import JobRecord
from airflow_provider_suno.exceptions import (
    SunoContentRejectedError,
    SunoJobFailedError,
    SunoMediaUnavailableError,
    SunoProtocolError,
    SunoValidationError,
)
from tests.support.endpoints import KINDS

FILE = {"response": {"audioWavUrl": "https://x/a.wav"}}
VIDEO_FILE = {"response": {"videoUrl": "https://x/a.mp4"}}
NOTES = {"midiData": {"instruments": [{"name": "Voice", "notes": [{"pitch": 60, "start": "0.5", "end": 1}]}]}}


def judged(kind: JobKind, **fields: Any) -> Verdict:
    record = kind.read({"taskId": "j", **fields}, "j")
    assert record is not None
    return kind.judge(record, "all")


@pytest.mark.parametrize(
    ("kind", "fields", "state"),
    [
        (WAV, {"successFlag": "PENDING"}, JobState.RUNNING),
        (WAV, {"successFlag": "SUCCESS", **FILE}, JobState.FINISHED),
        (WAV, {"successFlag": "SUCCESS", "response": '{"audioWavUrl": "https://x/a.wav"}'}, JobState.FINISHED),
        (WAV, {"successFlag": "GENERATE_WAV_FAILED"}, JobState.FAILED),
        (WAV, {"successFlag": "CREATE_TASK_FAILED", "errorCode": "531"}, JobState.FAILED),
        (WAV, {"successFlag": "CALLBACK_EXCEPTION", **FILE}, JobState.FINISHED),
        (WAV, {"successFlag": "SOMETHING_NEW"}, JobState.RUNNING),
        (WAV, {"successFlag": "success", **FILE}, JobState.FINISHED),
        (WAV, {"successFlag": "callback_exception", **FILE}, JobState.FINISHED),
        (MUSIC, {"status": "success", "response": [{"id": "a", "audioUrl": "https://x/a.mp3"}]}, JobState.FINISHED),
        (WAV, {}, JobState.RUNNING),
        (VIDEO, {"successFlag": "PENDING"}, JobState.RUNNING),
        (VIDEO, {"successFlag": "SUCCESS", **VIDEO_FILE}, JobState.FINISHED),
        (VIDEO, {"successFlag": "SUCCESS", "response": '{"videoUrl": "https://x/a.mp4"}'}, JobState.FINISHED),
        (VIDEO, {"status": "SUCCESS", "video_url": "https://x/a.mp4"}, JobState.FINISHED),
        (VIDEO, {"successFlag": "GENERATE_MP4_FAILED"}, JobState.FAILED),
        (VIDEO, {"successFlag": "CALLBACK_EXCEPTION", **VIDEO_FILE}, JobState.FINISHED),
        (WAV, {"status": "SUCCESS", "audio_wav_url": "https://x/a.wav"}, JobState.FINISHED),
        (MIDI, {"successFlag": 0}, JobState.RUNNING),
        (MIDI, {"successFlag": 1, **NOTES}, JobState.FINISHED),
        (MIDI, {"successFlag": "1", **NOTES}, JobState.FINISHED),
        (MIDI, {"successFlag": 1, "midiData": None}, JobState.FINISHED),
        (MIDI, {"successFlag": 2}, JobState.FAILED),
        (MIDI, {"successFlag": 3}, JobState.FAILED),
        (MIDI, {"successFlag": 7}, JobState.RUNNING),
        (MIDI, {"status": "GENERATE_MIDI_FAILED"}, JobState.FAILED),
        (MIDI, {"successFlag": 1, "midiData": '{"instruments": [{"name": "Bass", "notes": []}]}'}, JobState.FINISHED),
    ],
)
def test_what_a_record_means(kind: JobKind, fields: dict[str, Any], state: JobState) -> None:
    assert judged(kind, **fields).state is state


@pytest.mark.parametrize(
    ("code", "error"),
    [(400, SunoContentRejectedError), (451, SunoMediaUnavailableError), (531, SunoJobFailedError)],
)
@pytest.mark.parametrize(("kind", "flag"), [(WAV, "CREATE_TASK_FAILED"), (VIDEO, "CREATE_TASK_FAILED"), (MIDI, 2)])
def test_the_code_of_a_failure_decides_its_class(kind: JobKind, flag: Any, code: int, error: type) -> None:
    verdict = judged(kind, successFlag=flag, errorCode=str(code), errorMessage="no luck")
    assert type(verdict.error) is error
    assert f"(error code {code}: no luck)" in str(verdict.error)
    assert verdict.error.job_id == "j"


def test_success_without_a_file_is_a_failed_poll() -> None:
    verdict = judged(WAV, successFlag="SUCCESS", response={"audioWavUrl": "https://x/None.wav"})
    assert isinstance(verdict.error, SunoProtocolError)


def test_a_callback_that_was_not_delivered_ends_the_wait_only_when_it_stays_so() -> None:
    verdict = judged(WAV, successFlag="CALLBACK_EXCEPTION")
    assert verdict.state is JobState.RUNNING
    assert "Set job_id='j' to resume this job; nothing is charged again." in str(verdict.error_if_it_stays)


@pytest.mark.parametrize(("kind", "fields"), [(WAV, FILE), (VIDEO, VIDEO_FILE), (MIDI, NOTES)])
def test_a_record_survives_its_journey_in_an_event(kind: JobKind, fields: dict[str, Any]) -> None:
    record = kind.read({"taskId": "j", "successFlag": 1 if kind is MIDI else "SUCCESS", **fields}, "j")
    assert record is not None
    told = record.to_dict()
    assert next(iter(told)) == "job_id"
    assert kind.read(told, "j") == record
    assert record.result()
    assert bool(record.files()) is kind.makes_files


@pytest.mark.parametrize(
    ("kind", "fields", "part", "content", "summary"),
    [
        (WAV, FILE, "wav", "audio", " https://x/a.wav"),
        (VIDEO, VIDEO_FILE, "video", "video", " https://x/a.mp4"),
    ],
)
def test_the_file_of_a_track(kind: JobKind, fields: dict[str, Any], part: str, content: str, summary: str) -> None:
    record = kind.read({"taskId": "j", "successFlag": "SUCCESS", "musicId": "a", **fields}, "j")
    assert record is not None
    (file,) = record.files()
    assert (file.part, file.content, file.url) == (part, content, record.result())
    assert (record.result_summary(), record.request()) == (summary, {"audio_id": "a"})


def test_the_names_of_instruments_cannot_forge_a_line_of_the_log() -> None:
    record = MIDI.read({"taskId": "j", "midiData": [{"name": "Bass\nERROR", "notes": [{"pitch": 1}]}] * 99}, "j")
    assert record is not None
    assert record.result_summary().startswith(" Bass\\nERROR: 1 notes, ")
    assert len(record.result_summary()) <= 301


@pytest.mark.parametrize("number", [10**400, 1.7e308, "9" * 200])
def test_a_number_for_a_status_is_shortened(number: Any) -> None:
    record = MIDI.read({"taskId": "j", "successFlag": number}, "j")
    assert record is not None
    assert record.status.startswith("UNKNOWN")
    assert len(record.status) <= 100


@pytest.mark.parametrize("field", ["author", "domain_name"])
def test_what_a_video_shows_is_short(field: str) -> None:
    track = {"music_task_id": "m", "audio_id": "a"}
    assert CreateMusicVideoRequest.build({**track, field: " "}) == CreateMusicVideoRequest.build(track)
    with pytest.raises(SunoValidationError, match=f"{field}: 51 characters; at most 50"):
        CreateMusicVideoRequest.build({**track, field: "x" * 51})


def test_the_kinds_whose_records_have_files_say_so() -> None:
    """Only their operators have ``keep_at``."""
    found = {}
    for module in iter_modules(endpoints.__path__):
        loaded = import_module(f"{endpoints.__name__}.{module.name}")
        records = [each for each in vars(loaded).values() if isinstance(each, type) and issubclass(each, JobRecord)]
        if (kind := getattr(loaded, "KIND", None)) is not None and kind.name != "music":
            own = [each for each in records if each.__module__ == loaded.__name__]
            found[kind.name] = (kind.makes_files, any(each.files is not JobRecord.files for each in own))
    assert found["wav"] == (True, True)
    assert found["midi"] == (False, False)
    assert {name for name, (says, has) in found.items() if says != has} == set()
    assert MUSIC.makes_files


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_what_no_record_of_any_kind_may_be(kind: JobKind) -> None:
    assert kind.read(None, "j") is None
    with pytest.raises(SunoProtocolError, match=f"^The record of {kind.noun} j is not an object: "):
        kind.read(7, "j")
    with pytest.raises(SunoProtocolError, match=f"^Asked for {kind.noun} j, the service answered for k"):
        kind.read({"taskId": "k"}, "j")
    bare = kind.read({}, "j")
    assert bare is not None
    assert (bare.id, bare.status, bare.request()) == ("j", "UNKNOWN", {})
    assert kind.judge(bare, "all").state is JobState.RUNNING


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("status", ["FAILED", "failed", "GENERATE_MUSIC_FAILED", "Something_Error"])
def test_a_failure_is_one_however_a_host_spells_it(kind: JobKind, status: str) -> None:
    record = kind.read({"status": status}, "j")
    assert record is not None
    assert kind.judge(record, "all").state is JobState.FAILED


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_how_a_host_says_that_it_does_not_know_an_id(kind: JobKind) -> None:
    unknown = SunoValidationError("The service refused. (code 422: Record does not exist)", code=422)
    assert kind.says_unknown(unknown)
    assert not kind.says_unknown(SunoValidationError("taskId: missing", code=422))
    assert kind.record_in(unknown, "j") is None


@pytest.mark.parametrize("name", ["songs", "", "../wav", "credits", None])
def test_only_kinds_that_there_are(name: Any) -> None:
    with pytest.raises(SunoValidationError, match="kind: must be one of cover_art, lyrics"):
        job_kind(name)
