"""Lyrics: the request, the record with its variants, and what it means."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_suno.api.endpoints.lyrics import KIND, GenerateLyricsRequest, Lyrics
from airflow_provider_suno.api.jobs import JobState, Verdict
from airflow_provider_suno.api.profiles import APIKLEY
from airflow_provider_suno.exceptions import SunoContentRejectedError, SunoJobFailedError, SunoValidationError

VARIANTS = [
    {"title": "Rain", "text": "[Verse]\nLa la", "status": "complete", "errorMessage": ""},
    {"title": "Snow", "text": "", "status": "failed", "errorMessage": "too short"},
]


def read(**fields: Any) -> Lyrics:
    record = KIND.read({"taskId": "j", **fields}, "j")
    assert isinstance(record, Lyrics)
    return record


def judged(**fields: Any) -> Verdict:
    return KIND.judge(read(**fields), "all")


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        (None, "prompt: required"),
        (" ", "prompt: must not be empty"),
        ("x " * 201, "prompt: 201 words; at most 200 characters, on some hosts 200 words"),
        (["a"], "not list; for several, map the task over them with expand(), or take one of them, such as {{ ti.xcom"),
    ],
)
def test_wrong_prompts(prompt: Any, said: str) -> None:
    with pytest.raises(SunoValidationError) as caught:
        GenerateLyricsRequest.build({"prompt": prompt})
    assert str(caught.value).startswith("generate_lyrics was not sent, nothing is charged:")
    assert said in str(caught.value)


def test_a_prompt_that_some_hosts_refuse_is_sent_with_a_warning() -> None:
    assert list(GenerateLyricsRequest.build({"prompt": "x" * 200}).warnings(APIKLEY)) == []
    (warning,) = GenerateLyricsRequest.build({"prompt": "x" * 201}).warnings(APIKLEY)
    assert warning == "prompt: 201 characters; some hosts take 200. Sent anyway."


@pytest.mark.parametrize(
    "fields",
    [
        {"response": {"taskId": "j", "data": VARIANTS}},
        {"response": {"lyricsData": VARIANTS}},
        {"lyricsData": VARIANTS},
        {"response": '{"data": [{"title": "Rain", "text": "[Verse]\\nLa la"}, {"title": "Snow"}]}'},
        {"lyrics": '[{"title": "Rain", "text": "[Verse]\\nLa la"}, {"title": "Snow", "error_message": "x"}, "odd"]'},
    ],
)
def test_the_variants_are_found_wherever_hosts_put_them(fields: dict[str, Any]) -> None:
    record = read(status="SUCCESS", **fields)
    assert record.result() == ["[Verse]\nLa la"]
    assert [each["title"] for each in record.pushed()] == ["Rain", "Snow"]
    assert record.result_summary() == " ['Rain']"
    assert KIND.read(record.to_dict(), "j") == record


def test_a_variant_that_failed_says_why_and_has_no_text() -> None:
    (_, failed) = read(status="SUCCESS", response={"data": VARIANTS}).pushed()
    assert failed == {"title": "Snow", "text": None, "status": "failed", "error_message": "too short"}


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({"status": "PENDING"}, JobState.RUNNING),
        ({}, JobState.RUNNING),
        ({"status": "SUCCESS", "response": {"data": VARIANTS}}, JobState.FINISHED),
        ({"status": "CALLBACK_EXCEPTION", "response": {"data": VARIANTS}}, JobState.FINISHED),
        ({"status": "CALLBACK_EXCEPTION"}, JobState.RUNNING),
        ({"status": "GENERATE_LYRICS_FAILED"}, JobState.FAILED),
        ({"status": "SENSITIVE_WORD_ERROR"}, JobState.FAILED),
        ({"status": "PENDING", "errorCode": 400}, JobState.FAILED),
    ],
)
def test_what_a_record_means(fields: dict[str, Any], state: JobState) -> None:
    assert judged(**fields).state is state


@pytest.mark.parametrize("data", [[], [{**VARIANTS[0], "text": " "}]])
def test_success_without_a_text_is_a_failed_poll(data: Any) -> None:
    verdict = judged(status="SUCCESS", response={"data": data})
    assert verdict.state is JobState.RUNNING
    assert str(verdict.error) == "The record says SUCCESS, but has no text."


def test_success_of_which_every_variant_failed_is_a_failure_that_says_why() -> None:
    failed = {"title": None, "text": None, "status": "FAILED"}
    verdict = judged(status="SUCCESS", response={"data": [VARIANTS[1], failed]})
    assert (verdict.state, verdict.record) == (JobState.FAILED, None)
    assert type(verdict.error) is SunoJobFailedError
    assert str(verdict.error).startswith(
        "Lyrics job j ended as SUCCESS (error code None: variant 1 has no text: too short; variant 2 has no text: "
        "FAILED). The service refunds"
    )


def test_a_variant_that_failed_beside_another_is_a_remark() -> None:
    assert judged(status="success", response={"data": VARIANTS}).remarks == ("variant 2 has no text: too short",)


@pytest.mark.parametrize(
    ("fields", "error", "said"),
    [
        (
            {"status": "SENSITIVE_WORD_ERROR", "errorMessage": "bad word"},
            SunoContentRejectedError,
            "Lyrics job j ended as SENSITIVE_WORD_ERROR (error code None: bad word). The service refused its text",
        ),
        (
            {"status": "CREATE_TASK_FAILED", "errorCode": "531"},
            SunoJobFailedError,
            "Lyrics job j ended as CREATE_TASK_FAILED (error code 531: the service gave no reason). The service",
        ),
    ],
)
def test_a_failure_says_why_and_what_to_do(fields: dict[str, Any], error: type, said: str) -> None:
    failure = judged(**fields).error
    assert type(failure) is error
    assert str(failure).startswith(said)
