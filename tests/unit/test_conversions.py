"""How the records of conversions are read and judged."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import pytest

from airflow_provider_suno.api import endpoints
from airflow_provider_suno.api.endpoints.midi import KIND as MIDI
from airflow_provider_suno.api.endpoints.music import KIND as MUSIC
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

FILE = {"response": {"audioWavUrl": "https://x/a.wav"}}
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
        (WAV, {}, JobState.RUNNING),
        (MIDI, {"successFlag": 0}, JobState.RUNNING),
        (MIDI, {"successFlag": 1, **NOTES}, JobState.FINISHED),
        (MIDI, {"successFlag": "1", **NOTES}, JobState.FINISHED),
        (MIDI, {"successFlag": 1, "midiData": None}, JobState.FINISHED),
        (MIDI, {"successFlag": 2}, JobState.FAILED),
        (MIDI, {"successFlag": 3}, JobState.FAILED),
        (MIDI, {"successFlag": 7}, JobState.RUNNING),
    ],
)
def test_what_a_record_means(kind: JobKind, fields: dict[str, Any], state: JobState) -> None:
    assert judged(kind, **fields).state is state


@pytest.mark.parametrize(
    ("code", "error"),
    [(400, SunoContentRejectedError), (451, SunoMediaUnavailableError), (531, SunoJobFailedError)],
)
@pytest.mark.parametrize(("kind", "flag"), [(WAV, "CREATE_TASK_FAILED"), (MIDI, 2)])
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


@pytest.mark.parametrize(("kind", "fields"), [(WAV, FILE), (MIDI, NOTES)])
def test_a_record_survives_its_journey_in_an_event(kind: JobKind, fields: dict[str, Any]) -> None:
    record = kind.read({"taskId": "j", "successFlag": 1 if kind is MIDI else "SUCCESS", **fields}, "j")
    assert record is not None
    told = record.to_dict()
    assert next(iter(told)) == "job_id"
    assert kind.read(told, "j") == record
    assert record.result()
    assert bool(record.files()) is kind.makes_files


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


@pytest.mark.parametrize("name", ["songs", "", "../wav", "credits", None])
def test_only_kinds_that_there_are(name: Any) -> None:
    with pytest.raises(SunoValidationError, match="there is no kind of job called"):
        job_kind(name)
