"""Cover art: its numbers for a status, its pictures, and the id of the job that made it before."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_suno.api.endpoints.cover_art import KIND, CoverArt, GenerateCoverArtRequest
from airflow_provider_suno.api.jobs import JobState, Verdict
from airflow_provider_suno.exceptions import SunoConflictError, SunoJobFailedError, SunoValidationError

PICTURES = ["https://x/1.png", "https://x/2.png"]
REQUEST = GenerateCoverArtRequest.build({"music_task_id": "m"})


def read(**fields: Any) -> CoverArt:
    record = KIND.read({"taskId": "j", **fields}, "j")
    assert isinstance(record, CoverArt)
    assert KIND.read(record.to_dict(), "j") == record
    return record


def judged(**fields: Any) -> Verdict:
    return KIND.judge(read(**fields), "all")


@pytest.mark.parametrize("spelt", [int, str])
@pytest.mark.parametrize(
    ("number", "status", "state"),
    [
        (0, "PENDING", JobState.RUNNING),
        (1, "SUCCESS", JobState.FINISHED),
        (2, "GENERATING", JobState.RUNNING),
        (3, "GENERATE_COVER_FAILED", JobState.FAILED),
        (7, "UNKNOWN (7)", JobState.RUNNING),
    ],
)
def test_two_is_still_running_and_three_has_failed(number: int, status: str, state: JobState, spelt: type) -> None:
    fields = {"successFlag": spelt(number), "response": {"images": PICTURES}}
    assert read(**fields).status == status
    assert judged(**fields).state is state


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({"successFlag": "SUCCESS", "response": {"images": PICTURES}}, JobState.FINISHED),
        ({"status": "success", "images": PICTURES}, JobState.FINISHED),
        ({"status": "CALLBACK_EXCEPTION", "images": PICTURES}, JobState.FINISHED),
        ({"status": "CALLBACK_EXCEPTION"}, JobState.RUNNING),
        ({"status": "CREATE_TASK_FAILED"}, JobState.FAILED),
        ({"successFlag": 0, "errorCode": 500}, JobState.FAILED),
        ({"successFlag": None}, JobState.RUNNING),
        ({}, JobState.RUNNING),
    ],
)
def test_a_host_may_say_it_in_words(fields: dict[str, Any], state: JobState) -> None:
    assert judged(**fields).state is state


@pytest.mark.parametrize(
    "fields",
    [
        {"parentTaskId": "m", "response": {"images": [*PICTURES, "", None, "https://x/None.png"]}},
        {"parent_task_id": "m", "response": json.dumps({"images": PICTURES})},
        {"parentTaskId": "m", "images": json.dumps(PICTURES)},
    ],
)
def test_the_pictures_are_found_in_each_spelling(fields: dict[str, Any]) -> None:
    record = read(successFlag=1, **fields)
    assert record.result() == PICTURES
    assert record.request() == {"music_task_id": "m"}
    assert [(file.part, file.url, file.content) for file in record.files()] == [
        ("cover_0", PICTURES[0], "picture"),
        ("cover_1", PICTURES[1], "picture"),
    ]
    assert record.result_summary() == " 2 pictures"


def test_a_record_that_names_no_music_task_shows_nothing_of_the_request() -> None:
    assert read(successFlag=0).request() == {}


def test_success_without_a_picture_is_a_failed_poll() -> None:
    verdict = judged(successFlag=1, response={"images": "none"})
    assert (verdict.state, str(verdict.error)) == (JobState.RUNNING, "The record says SUCCESS, but has no images.")


def test_a_failure_says_that_nothing_is_charged() -> None:
    error = judged(successFlag=3, errorMessage="no luck").error
    assert type(error) is SunoJobFailedError
    assert str(error) == (
        "Cover art job j ended as GENERATE_COVER_FAILED (error code None: no luck). The service refunds the credits of "
        "a failed job; a new submission may succeed."
    )


@pytest.mark.parametrize(
    ("error_class", "code", "data", "job_id"),
    [
        (SunoValidationError, 400, {"taskId": "first"}, "first"),
        (SunoConflictError, 409, {"task_id": " first "}, "first"),
        (SunoValidationError, 400, '{"taskId": "first"}', "first"),
        (SunoValidationError, 400, None, None),
        (SunoValidationError, 400, "no such task", None),
        (SunoValidationError, 400, {"taskId": ""}, None),
        (SunoValidationError, 422, {"taskId": "first"}, None),
    ],
)
def test_the_job_that_made_it_before_is_read_from_the_refusal(
    error_class: type, code: int, data: Any, job_id: str | None
) -> None:
    refusal = error_class("no", code=code)
    refusal.data = data
    assert REQUEST.existing(refusal) == job_id
