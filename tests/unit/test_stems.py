"""Separations into stems: the request, and where the record has the stems."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_suno.api.endpoints.stems import KIND, SeparateVocalsRequest, StemSeparation
from airflow_provider_suno.api.jobs import JobState
from airflow_provider_suno.api.profiles import APIKLEY, KIE, HostProfile
from airflow_provider_suno.exceptions import SunoMediaUnavailableError, SunoValidationError

TRACK = {"music_task_id": "m", "audio_id": "a"}
URL = "https://x/{}.mp3".format
TWO_VOICES = {"vocals": "https://x/1.mp3", "vocals_1": "https://x/5.mp3"}
ORIGIN = [
    {"id": "s1", "stem_type_group_name": "Vocals", "audio_url": URL(1), "duration": 153.6},
    {"id": "s2", "stem_type_group_name": "Backing Vocals", "audio_url": URL(2), "duration": "90"},
    {"id": "s3", "stem_type_group_name": None, "audio_url": URL(3)},
    {"id": "s4", "stem_type_group_name": "Strings", "audio_url": "https://x/None.mp3"},
    "odd",
]


def read(**fields: Any) -> StemSeparation:
    record = KIND.read({"taskId": "j", "successFlag": "SUCCESS", **fields}, "j")
    assert isinstance(record, StemSeparation)
    assert KIND.read(record.to_dict(), "j") == record
    return record


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "music_task_id: needed, unless audio_url is given\n  audio_id: needed, unless audio_url is given"),
        ({"music_task_id": "m"}, "audio_id: needed, unless audio_url is given"),
        ({**TRACK, "audio_url": URL(1)}, "music_task_id: names another source beside audio_url; leave one of the two"),
        ({"audio_url": "a.mp3"}, "audio_url: must be an http or https URL"),
        ({**TRACK, "type": "all"}, "type: must be 'separate_vocal', 'split_stem' or 'split_stem_advanced'"),
        ({**TRACK, "audio_id": ["a"]}, "audio_id: must be one string, not list; for several, map the task"),
    ],
)
def test_wrong_fields(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(SunoValidationError) as caught:
        SeparateVocalsRequest.build(fields)
    assert str(caught.value).startswith("separate_vocals was not sent, nothing is charged:")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "profile", "warnings"),
    [
        (TRACK, APIKLEY, []),
        ({**TRACK, "type": "split_stem"}, APIKLEY, []),
        ({**TRACK, "type": "split_stem_advanced", "stem_name": "Bass"}, KIE, []),
        (
            {**TRACK, "type": "split_stem_advanced", "stem_name": "Bass"},
            APIKLEY,
            [
                "stem_name: the pages of apikley do not name it; sent anyway.",
                "type: the pages of apikley do not name split_stem_advanced; sent anyway.",
            ],
        ),
        (
            {**TRACK, "type": "split_stem_advanced"},
            KIE,
            ["stem_name: not given, although the pages require it with split_stem_advanced; sent anyway."],
        ),
        (
            {**TRACK, "stem_name": "Bass"},
            KIE,
            ["stem_name: the pages name it for split_stem_advanced only; sent anyway."],
        ),
    ],
)
def test_warnings(fields: dict[str, Any], profile: HostProfile, warnings: list[str]) -> None:
    assert list(SeparateVocalsRequest.build(fields).warnings(profile)) == warnings


@pytest.mark.parametrize(
    ("response", "stems"),
    [
        ({"vocalUrl": URL(1), "instrumentalUrl": URL(2)}, {"vocal": URL(1), "instrumental": URL(2)}),
        ({"vocal_url": URL(1), "backing_vocals_url": URL(2)}, {"vocal": URL(1), "backing_vocals": URL(2)}),
        ({"backingVocalsUrl": URL(1), "fxUrl": None, "bassUrl": ""}, {"backing_vocals": URL(1)}),
        ({"vocalUrl": "https://x/None.mp3"}, {}),
        ({"originUrl": URL(9), "audioUrl": URL(9), "callBackUrl": URL(9)}, {}),
        ({"imageUrl": URL(9), "streamAudioUrl": URL(9), "videoUrl": URL(9), "bassUrl": URL(1)}, {"bass": URL(1)}),
        ({"originData": ORIGIN}, {"vocals": URL(1), "backing_vocals": URL(2), "stem_2": URL(3)}),
        (
            {"originData": ORIGIN, "vocalUrl": URL(7)},
            {"vocal": URL(7), "backing_vocals": URL(2), "stem_2": URL(3)},
        ),
        ({"originData": [*ORIGIN[:1], {"stem_type_group_name": "Vocals", "audio_url": URL(5)}]}, TWO_VOICES),
        ({"origin_data": ORIGIN[:1]}, {"vocals": URL(1)}),
        ({"originData": json.dumps(ORIGIN[:1])}, {"vocals": URL(1)}),
        ({"stems": {"../Lead Vox": URL(1), "drums": None}}, {"lead_vox": URL(1)}),
        ({"stems": {"!": URL(1)}}, {"stem": URL(1)}),
        ({"stems": "none", "originData": ORIGIN[:1]}, {"vocals": URL(1)}),
        (None, {}),
    ],
)
def test_where_the_stems_are(response: Any, stems: dict[str, str]) -> None:
    for given in (response, json.dumps(response)):
        assert read(response=given).result() == stems
    assert read(**(response or {})).result() == stems
    files = read(response=response).files()
    assert {file.part: file.url for file in files} == stems
    assert {file.content for file in files} <= {"audio"}


def test_the_ids_that_midi_takes_are_kept() -> None:
    found = read(musicId="a", response={"originUrl": URL(9), "originData": ORIGIN, "vocalUrl": URL(1)})
    assert (found.audio_id, found.origin_url, found.request()) == ("a", URL(9), {"audio_id": "a"})
    assert found.origin_data[:2] == [
        {"audio_id": "s1", "name": "Vocals", "audio_url": URL(1), "duration": 153.6},
        {"audio_id": "s2", "name": "Backing Vocals", "audio_url": URL(2), "duration": 90.0},
    ]
    assert found.result_summary() == " vocal, backing_vocals, stem_2"


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({"successFlag": "PENDING"}, JobState.RUNNING),
        ({"response": {"originData": ORIGIN}}, JobState.FINISHED),
        ({"successFlag": "CALLBACK_EXCEPTION", "response": {"vocalUrl": URL(1)}}, JobState.FINISHED),
        ({"successFlag": "CALLBACK_EXCEPTION"}, JobState.RUNNING),
        ({"successFlag": "GENERATE_AUDIO_FAILED"}, JobState.FAILED),
        ({"successFlag": "CREATE_TASK_FAILED", "errorCode": 451}, JobState.FAILED),
    ],
)
def test_what_a_record_means(fields: dict[str, Any], state: JobState) -> None:
    assert KIND.judge(read(**fields), "all").state is state


def test_success_without_a_stem_is_a_failed_poll() -> None:
    assert str(KIND.judge(read(), "all").error) == "The record says SUCCESS, but has no URL of a stem."


def test_audio_that_could_not_be_fetched_is_named_as_the_reason() -> None:
    error = KIND.judge(read(successFlag="CREATE_TASK_FAILED", errorCode=451, errorMessage="gone"), "all").error
    assert type(error) is SunoMediaUnavailableError
    assert str(error) == (
        "Separation into stems j ended as CREATE_TASK_FAILED (error code 451: gone). The service could not fetch its "
        "source media: check that the URL is public."
    )
