"""Recoveries: the envelope's code says how far one is, and some errors pass."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_suno.api.endpoints.recovery import KIND, Recovery
from airflow_provider_suno.api.envelope import decipher
from airflow_provider_suno.api.jobs import JobState
from airflow_provider_suno.api.record import JobRecord
from airflow_provider_suno.exceptions import SunoError, SunoJobFailedError

TRACKS = [
    {"id": "a", "audio_url": "https://x/a.m4a", "title": "Rain", "status": "complete"},
    {"id": "b", "audio_url": "", "title": "Rain", "status": "error", "error": "gone"},
]


def polled(status: int, body: Any) -> JobRecord | None:
    """Return the record that a poll finds, as the client reads it."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    try:
        data = decipher(status, {}, raw)
    except SunoError as error:
        return KIND.record_in(error, "j")
    return KIND.read(data, "j")


def test_201_is_running() -> None:
    record = polled(200, {"code": 201, "msg": "processing", "data": None})
    assert record is not None
    assert (record.id, record.status) == ("j", "PENDING")
    assert KIND.judge(record, "all").state is JobState.RUNNING


@pytest.mark.parametrize("data", [TRACKS, {"task_id": "j", "status": "SUCCESS", "tracks": json.dumps(TRACKS)}])
def test_200_is_done_and_lists_the_tracks(data: Any) -> None:
    record = polled(200, {"code": 200, "msg": "ok", "data": data})
    assert isinstance(record, Recovery)
    verdict = KIND.judge(record, "all")
    assert (verdict.state, verdict.record) == (JobState.FINISHED, record)
    assert verdict.remarks == ("track b was not recovered: gone",)
    assert record.result() == ["https://x/a.m4a"]
    assert record.tracks[1] == {"audio_id": "b", "audio_url": None, "title": "Rain", "status": "error", "error": "gone"}
    assert record.result_summary() == " 1 of 2 tracks"
    assert [(file.part, file.url, file.content) for file in record.files()] == [("a", "https://x/a.m4a", "audio")]
    assert KIND.read(record.to_dict(), "j") == record


def test_a_track_without_an_id_is_named_by_its_number() -> None:
    record = polled(200, {"code": 200, "data": [{"audioUrl": "https://x/a.mp3"}, "odd", {"audio_url": "https://x/b"}]})
    assert record is not None
    assert [file.part for file in record.files()] == ["track_0", "track_1"]


def test_500_has_failed_and_says_why() -> None:
    record = polled(200, {"code": 500, "msg": "no track could be recovered", "data": [TRACKS[1]]})
    assert isinstance(record, Recovery)
    assert record.tracks[0]["error"] == "gone"
    error = KIND.judge(record, "all").error
    assert type(error) is SunoJobFailedError
    assert "no track could be recovered" in str(error)
    assert str(error).startswith("Recovery j ended as RECOVERY_FAILED (error code 500: ")
    assert KIND.read(record.to_dict(), "j") == record


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, {"code": 500, "msg": "Internal Error, Please try again later."}),
        (200, {"code": 500, "msg": "INTERNAL ERROR"}),
        (200, {"code": 429, "msg": "too many requests"}),
        (200, {"code": 401, "msg": "bad key"}),
        (500, b"<html>Internal Server Error"),
        (201, b"created"),
        (502, b""),
    ],
)
def test_another_error_is_a_failed_poll_and_no_end(status: int, body: Any) -> None:
    assert polled(status, body) is None


def test_an_end_without_tracks_is_a_failed_poll() -> None:
    record = polled(200, {"code": 200, "data": []})
    assert record is not None
    verdict = KIND.judge(record, "all")
    assert verdict.state is JobState.RUNNING
    assert str(verdict.error) == "The record says SUCCESS, but has no audio_url."


def test_an_end_without_a_link_is_a_failure_that_says_why() -> None:
    record = polled(200, {"code": 200, "data": [TRACKS[1], {"audio_url": ""}]})
    assert record is not None
    error = KIND.judge(record, "all").error
    assert type(error) is SunoJobFailedError
    assert "track b was not recovered: gone; track 1 was not recovered: no reason)." in str(error)
