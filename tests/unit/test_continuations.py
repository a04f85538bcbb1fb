"""The requests that go on from music that exists: extend, upload-cover, upload-extend."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_suno.api.callback_url import NO_CALLBACK_URL
from airflow_provider_suno.api.endpoints.music_requests import (
    ExtendMusicRequest,
    GenerateMusicRequest,
    MusicRequest,
    UploadAndCoverAudioRequest,
    UploadAndExtendAudioRequest,
)
from airflow_provider_suno.api.profiles import APIKLEY
from airflow_provider_suno.exceptions import SunoValidationError

URL = "https://files.example/song.mp3"
OWN = {"prompt": "la la", "style": "folk", "title": "Rain"}
EXTEND = {"model": "V5", "audio_id": "a1"}
COVER = {"model": "V5", "upload_url": URL, "prompt": "as a waltz"}
UPLOAD_EXTEND = {"model": "V5", "upload_url": URL, "continue_at": 30}


def test_an_extension_by_the_sources_own_settings() -> None:
    assert ExtendMusicRequest.build(EXTEND).body() == {
        "model": "V5",
        "audioId": "a1",
        "defaultParamFlag": False,
        "callBackUrl": NO_CALLBACK_URL,
    }


@pytest.mark.parametrize("field", ["prompt", "style", "title", "continue_at"])
def test_each_own_setting_of_an_extension_switches_to_own_settings(field: str) -> None:
    value: Any = 30 if field == "continue_at" else "x"
    with pytest.raises(SunoValidationError) as caught:
        ExtendMusicRequest.build({**EXTEND, field: value})
    for needed in {"prompt", "style", "title", "continue_at"} - {field}:
        assert f"{needed}: needed with default_param_flag=True (switched on by {field})" in str(caught.value)
    assert ExtendMusicRequest.build({**EXTEND, **OWN, "continue_at": 30}).body()["defaultParamFlag"] is True


def test_where_an_upload_goes_on_does_not_switch() -> None:
    body = UploadAndExtendAudioRequest.build(UPLOAD_EXTEND).body()
    assert (body["defaultParamFlag"], body["continueAt"], body["instrumental"]) == (False, 30.0, False)
    body = UploadAndExtendAudioRequest.build({**UPLOAD_EXTEND, **OWN}).body()
    assert body["defaultParamFlag"] is True


def test_a_cover_has_the_modes_of_generate() -> None:
    assert UploadAndCoverAudioRequest.build(COVER).body()["customMode"] is False
    body = UploadAndCoverAudioRequest.build({**COVER, **OWN, "persona_id": "p"}).body()
    assert (body["customMode"], body["uploadUrl"], body["personaId"]) == (True, URL, "p")


@pytest.mark.parametrize(
    ("request_type", "fields", "said"),
    [
        (ExtendMusicRequest, {"model": "V5"}, "audio_id: required"),
        (ExtendMusicRequest, {**EXTEND, "audio_id": ["a"]}, "audio_id: must be one string, not list; for several, map"),
        (ExtendMusicRequest, {**EXTEND, "continue_at": 0}, "continue_at: must be greater than 0"),
        (ExtendMusicRequest, {**EXTEND, "persona_id": "p"}, "persona_id: works only with default_param_flag=True"),
        (
            ExtendMusicRequest,
            {**EXTEND, **OWN, "default_param_flag": False},
            "style: works only with default_param_flag=True, which needs prompt, style, title, continue_at",
        ),
        (ExtendMusicRequest, {**EXTEND, "default_param_flag": True}, "prompt: needed with default_param_flag=True\n"),
        (ExtendMusicRequest, {**EXTEND, "upload_url": URL}, "upload_url: no such field"),
        (UploadAndCoverAudioRequest, {"model": "V5", "prompt": "x"}, "upload_url: required"),
        (UploadAndCoverAudioRequest, {**COVER, "upload_url": "song.mp3"}, "upload_url: must be an http or https URL"),
        (UploadAndCoverAudioRequest, {**COVER, "prompt": "x" * 501}, "prompt: 501 characters; model V5 takes at most"),
        (UploadAndExtendAudioRequest, {"model": "V5", "upload_url": URL}, "continue_at: required"),
        (
            UploadAndExtendAudioRequest,
            {**UPLOAD_EXTEND, "style": "folk", "title": "t"},
            "prompt: needed with default_param_flag=True (switched on by style, title)",
        ),
        (
            UploadAndExtendAudioRequest,
            {**UPLOAD_EXTEND, "default_param_flag": True, "instrumental": True},
            "style: needed with default_param_flag=True",
        ),
    ],
)
def test_what_is_refused(request_type: type[MusicRequest], fields: dict[str, Any], said: str) -> None:
    with pytest.raises(SunoValidationError) as caught:
        request_type.build(fields)
    assert said in f"{caught.value}\n"
    assert str(caught.value).startswith(f"{request_type.call} was not sent, nothing is charged:")


@pytest.mark.parametrize(
    ("fields", "missing"),
    [
        ({"prompt": "la la"}, "style, title"),
        ({"prompt": "la la", "default_param_flag": True, "instrumental": True}, "style, title"),
        ({"prompt": "la la", "style": "folk"}, "title"),
    ],
)
def test_an_upload_goes_on_by_a_prompt_alone_with_one_warning(fields: dict[str, Any], missing: str) -> None:
    request = UploadAndExtendAudioRequest.build({**UPLOAD_EXTEND, **fields})
    (warning,) = request.warnings(APIKLEY)
    assert warning.startswith(f"{missing}: not given, although the pages require it with default_param_flag=True.")
    body = request.body()
    assert (body["defaultParamFlag"], body["prompt"], "title" in body) == (True, "la la", False)
    assert list(UploadAndExtendAudioRequest.build({**UPLOAD_EXTEND, **OWN}).warnings(APIKLEY)) == []


def test_an_instrumental_continuation_needs_no_lyrics() -> None:
    fields = {**UPLOAD_EXTEND, "style": "folk", "title": "t", "instrumental": True}
    assert UploadAndExtendAudioRequest.build(fields).body()["instrumental"] is True


@pytest.mark.parametrize("model", ["V4", "V4_5", "V4_5PLUS", "V4_5ALL", "V5", "V5_5"])
def test_title_limits(model: str) -> None:
    longest = 80 if model in ("V4", "V4_5ALL") else 100
    for request_type, base in (
        (ExtendMusicRequest, {**EXTEND, "continue_at": 30}),
        (UploadAndCoverAudioRequest, COVER),
        (UploadAndExtendAudioRequest, UPLOAD_EXTEND),
    ):
        fields = {**base, **OWN, "model": model}
        assert request_type.build({**fields, "title": "x" * longest})
        with pytest.raises(SunoValidationError, match=f"title: {longest + 1} characters; model {model} takes at most"):
            request_type.build({**fields, "title": "x" * (longest + 1)})


def test_all_four_take_the_same_persona_and_weights() -> None:
    shared = {"persona_id", "persona_model", "negative_tags", "vocal_gender", "style_weight", "audio_weight"}
    requests = (GenerateMusicRequest, ExtendMusicRequest, UploadAndCoverAudioRequest, UploadAndExtendAudioRequest)
    assert all(shared <= set(request.field_names()) for request in requests)
