"""Request models: every limit is held before anything is sent, and the message names field, problem and limit."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_suno.api.callback_url import NO_CALLBACK_URL
from airflow_provider_suno.api.endpoints.lyrics import GenerateLyricsRequest
from airflow_provider_suno.api.endpoints.music_requests import GenerateMusicRequest
from airflow_provider_suno.api.endpoints.persona import GeneratePersonaRequest
from airflow_provider_suno.api.endpoints.sounds import GenerateSoundsRequest
from airflow_provider_suno.api.endpoints.style import BoostStyleRequest
from airflow_provider_suno.api.endpoints.voice import GenerateVoiceRequest
from airflow_provider_suno.api.profiles import APIKLEY, KIE, SUNOAPI
from airflow_provider_suno.api.request import SunoRequest
from airflow_provider_suno.exceptions import SunoValidationError

SIMPLE = {"model": "V5", "prompt": "rain on a tin roof"}
CUSTOM = {"model": "V5", "prompt": "la la", "style": "folk", "title": "Rain"}
PERSONA = {"music_task_id": "m", "audio_id": "a", "name": "n", "description": "d"}


def test_simple_mode_sends_both_flags_and_a_callback_url() -> None:
    assert GenerateMusicRequest.build(SIMPLE).body() == {
        "model": "V5",
        "prompt": "rain on a tin roof",
        "customMode": False,
        "instrumental": False,
        "callBackUrl": NO_CALLBACK_URL,
    }


@pytest.mark.parametrize("field", ["style", "title", "persona_id"])
def test_custom_mode_is_inferred(field: str) -> None:
    fields = {**CUSTOM, "persona_id": None, field: "x"}
    assert GenerateMusicRequest.build(fields).body()["customMode"] is True


def test_values_may_be_text_as_templates_render_them() -> None:
    body = GenerateMusicRequest.build({**CUSTOM, "instrumental": "True", "style_weight": "0.65"}).body()
    assert body["instrumental"] is True
    assert body["styleWeight"] == 0.65


def test_extra_fields_are_sent_as_they_are() -> None:
    assert GenerateMusicRequest.build({**SIMPLE, "extra_fields": {"variety": 2}}).body()["variety"] == 2


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"prompt": "x"}, "model: required"),
        ({"model": "V5"}, "prompt: needed in simple mode"),
        ({"model": "V5", "prompt": " "}, "prompt: needed in simple mode"),
        ({**SIMPLE, "prompt": "x" * 501}, "prompt: 501 characters; model V5 takes at most 500 in simple mode"),
        ({**CUSTOM, "prompt": "x" * 5001}, "prompt: 5001 characters; model V5 takes at most 5000 in custom mode"),
        ({**CUSTOM, "model": "V4", "prompt": "x" * 3001}, "model V4 takes at most 3000"),
        ({**CUSTOM, "style": "x" * 1001}, "style: 1001 characters; model V5 takes at most 1000"),
        ({**CUSTOM, "model": "V4", "style": "x" * 201}, "style: 201 characters; model V4 takes at most 200"),
        ({**CUSTOM, "title": "x" * 81}, "title: 81 characters; model V5 takes at most 80"),
        ({**CUSTOM, "negative_tags": "x" * 1001}, "negative_tags: 1001 characters; at most 1000"),
        ({**CUSTOM, "prompt": None}, "prompt: needed in custom mode with vocals"),
        ({**SIMPLE, "custom_mode": True}, "style: needed in custom mode with vocals\n  title: needed in custom mode"),
        ({**SIMPLE, "persona_id": "p"}, "style: needed in custom mode with vocals (switched on by persona_id)"),
        ({**SIMPLE, "custom_mode": True, "instrumental": True}, "title: needed in custom mode"),
        ({**CUSTOM, "custom_mode": False}, "style: works only in custom mode, but custom_mode is False"),
        ({**SIMPLE, "custom_mode": False, "persona_id": "p"}, "persona_id: works only in custom mode"),
        ({**CUSTOM, "persona_id": ["a", "b"]}, "persona_id: must be one string, not list; for several, map the task"),
        ({**CUSTOM, "persona_id": "a\nb"}, "persona_id: has a character that an id cannot have"),
        ({**CUSTOM, "persona_id": "x" * 256}, "persona_id: 256 characters; an id has at most 255"),
        ({**CUSTOM, "vocal_gender": "x"}, "vocal_gender: must be 'm' or 'f'"),
        ({**CUSTOM, "style_weight": 1.01}, "style_weight: must be less than or equal to 1"),
        ({**CUSTOM, "audio_weight": -0.1}, "audio_weight: must be greater than or equal to 0"),
        ({**CUSTOM, "weirdness_constraint": 0.655}, "weirdness_constraint: takes at most two decimals, such as 0.66"),
        ({**CUSTOM, "style_weight": float("nan")}, "style_weight:"),
        ({**CUSTOM, "persona_model": "voice_persona"}, "persona_model: has no effect without persona_id"),
        (
            {**CUSTOM, "model": "V4", "persona_id": "p", "persona_model": "voice_persona"},
            "persona_model: voice_persona needs model V5 or later, not V4",
        ),
        ({**SIMPLE, "callback_url": "ftp://x"}, "callback_url: must be an http or https URL"),
        ({**SIMPLE, "title": ["a", "b"]}, "title: must be one string, not list; for several, map the task"),
        ({**SIMPLE, "title": b"x"}, "title: must be one string, not bytes, got"),
        ({**SIMPLE, "prompt": "\ud800"}, "prompt: has an invalid character at 0"),
        ({**SIMPLE, "callback_url": "https://x y"}, "callback_url: must be an http or https URL"),
        ({**CUSTOM, "style_weight": True}, "style_weight: must be a number"),
        ({**SIMPLE, "zzz": 1}, "zzz: no such field. (Put fields that only the API knows into extra_fields.)"),
        ({**SIMPLE, "customMode": True}, "customMode: no such field; did you mean custom_mode"),
        ({**SIMPLE, "negativ_tags": "x"}, "did you mean negative_tags"),
        ({**SIMPLE, "extra_fields": {"style": "x"}}, "extra_fields: 'style' is a parameter"),
        ({**SIMPLE, "extra_fields": {"x": object()}}, "extra_fields: cannot be sent as JSON"),
    ],
)
def test_wrong_music_fields(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(SunoValidationError) as caught:
        GenerateMusicRequest.build(fields)
    assert said in str(caught.value)
    assert str(caught.value).startswith("generate_music was not sent, nothing is charged:")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"audio_id": ["a", "b"]}, "audio_id: must be one string, not list; for several, map the task over them"),
        ({"music_task_id": None}, "music_task_id: required"),
        ({"name": ""}, "name: must not be empty"),
        ({"description": " "}, "description: must not be empty"),
        ({"vocal_start": 5, "vocal_end": 14}, "the window from vocal_start to vocal_end is 9 s long"),
        ({"vocal_start": 0, "vocal_end": 31}, "it must be 10 to 30 s"),
        ({"vocal_start": -1}, "vocal_start: must be greater than or equal to 0"),
        ({"vocal_start": True}, "vocal_start: must be a number"),
        ({"extra_fields": {"taskId": "x"}}, "extra_fields: 'taskId' is a parameter"),
    ],
)
def test_wrong_persona_fields(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(SunoValidationError) as caught:
        GeneratePersonaRequest.build({**PERSONA, **fields})
    assert said in str(caught.value)


def test_every_window_of_its_longest_or_shortest_length_passes() -> None:
    for tenth in range(600):
        for length in (10, 30):
            window = {"vocal_start": tenth / 10, "vocal_end": tenth / 10 + length}
            assert GeneratePersonaRequest.build({**PERSONA, **window})


def test_blanks_count_as_not_given() -> None:
    blank = {"style_weight": "", "instrumental": " ", "negative_tags": "", "custom_mode": ""}
    assert GenerateMusicRequest.build({**SIMPLE, **blank}).body() == GenerateMusicRequest.build(SIMPLE).body()
    assert GeneratePersonaRequest.build({**PERSONA, "music_task_id": " m\n"}).body()["taskId"] == "m"


def test_a_persona_id_is_stripped_as_the_other_ids_are() -> None:
    assert GenerateMusicRequest.build({**CUSTOM, "persona_id": " p\n "}).body()["personaId"] == "p"
    with pytest.raises(SunoValidationError, match="persona_id: must not be empty"):
        GenerateMusicRequest.build({**CUSTOM, "persona_id": " \n"})


TEXTS: list[tuple[type[SunoRequest], dict[str, Any], str]] = [
    (GenerateMusicRequest, {**CUSTOM, "model": "V6"}, "lyrics"),
    (GenerateLyricsRequest, {}, "prompt"),
    (GenerateSoundsRequest, {}, "prompt"),
    (BoostStyleRequest, {}, "content"),
    (GeneratePersonaRequest, PERSONA, "description"),
    (GenerateVoiceRequest, {"phrase_job_id": "p", "verify_url": "https://a/b"}, "description"),
]


@pytest.mark.parametrize("prompt", ["LYRICS.TXT", " lyrics.txt ", "songs/one.md", "a.lrc\n", "my lyrics.txt"])
def test_the_name_of_a_file_is_not_sung(prompt: str) -> None:
    with pytest.raises(SunoValidationError, match=r"prompt: .* looks like the name of a file"):
        GenerateMusicRequest.build({**CUSTOM, "prompt": prompt})
    for model, fields, name in TEXTS:
        with pytest.raises(SunoValidationError, match=rf"{name}: .* looks like the name of a file"):
            model.build({**fields, name: prompt})
    sung = "sing of what stands in lyrics.txt"
    assert GenerateMusicRequest.build({**CUSTOM, "prompt": sung}).prompt == sung


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({**CUSTOM, "title": None}, "title: not given, although the pages require it in custom mode with vocals."),
        ({**CUSTOM, "style": None}, "style: not given"),
        ({**CUSTOM, "style": None, "prompt": None, "instrumental": True}, "style: not given"),
        ({"model": "V5", "style": "folk"}, "title, prompt: not given"),
        ({**SIMPLE, "negative_tags": "drums"}, "negative_tags: the pages name it for custom mode only."),
        ({**SIMPLE, "vocal_gender": "m", "custom_mode": False}, "vocal_gender: the pages name it"),
        ({**SIMPLE, "vocal_gender": "m", "negative_tags": "drums"}, "negative_tags, vocal_gender: the pages name it"),
    ],
)
def test_what_some_hosts_take_is_sent_with_one_warning(fields: dict[str, Any], said: str) -> None:
    request = GenerateMusicRequest.build(fields)
    (warning,) = request.warnings(APIKLEY)
    assert warning.startswith(said)
    assert "Sent anyway" in warning
    names = {"style": "style", "title": "title", "negative_tags": "negativeTags", "vocal_gender": "vocalGender"}
    sent = {camel: fields[name] for name, camel in names.items() if fields.get(name)}
    assert sent.items() <= request.body().items()


@pytest.mark.parametrize("fields", [SIMPLE, CUSTOM, {**CUSTOM, "prompt": None, "instrumental": True}])
def test_what_the_pages_ask_for_is_sent_without_a_warning(fields: dict[str, Any]) -> None:
    assert list(GenerateMusicRequest.build(fields).warnings(APIKLEY)) == []


def test_a_persona_request_sends_the_optional_fields_only_when_given() -> None:
    plain = {"taskId": "m", "audioId": "a", "name": "n", "description": "d"}
    assert GeneratePersonaRequest.build(PERSONA).body() == plain
    window = {"vocal_start": 2, "vocal_end": 20, "style": "soul"}
    sent = {**plain, "vocalStart": 2.0, "vocalEnd": 20.0, "style": "soul"}
    assert GeneratePersonaRequest.build({**PERSONA, **window}).body() == sent


def test_an_unlisted_model_passes_with_a_warning_by_profile() -> None:
    request = GenerateMusicRequest.build({**SIMPLE, "model": "V5_5"})
    assert "model 'V5_5' is not among those apikley lists" in next(iter(request.warnings(APIKLEY)))
    assert list(request.warnings(KIE)) == []


def test_fields_that_a_host_does_not_name_pass_with_a_warning() -> None:
    voice = GenerateMusicRequest.build({**CUSTOM, "persona_id": "p", "persona_model": "style_persona"})
    persona = GeneratePersonaRequest.build({**PERSONA, "vocal_end": 20, "style": "soul"})
    assert list(voice.warnings(APIKLEY)) == ["persona_model: the pages of apikley do not name it; sent anyway."]
    assert [warning.split(":")[0] for warning in persona.warnings(APIKLEY)] == ["vocal_end", "style"]
    for profile in (KIE, SUNOAPI):
        assert [*voice.warnings(profile), *persona.warnings(profile)] == []


def test_limits_that_differ_by_host_and_model() -> None:
    long_title = {**CUSTOM, "title": "x" * 100}
    assert GenerateMusicRequest.build(long_title, profile=SUNOAPI)
    with pytest.raises(SunoValidationError, match="title: 100 characters; model V5 takes at most 80"):
        GenerateMusicRequest.build(long_title, profile=KIE)
    assert GenerateMusicRequest.build({"model": "V6", "prompt": "x" * 3000}, profile=SUNOAPI)


@pytest.mark.parametrize("given", [{"style": "folk"}, {"negative_tags": "drums"}, {"extra_fields": {"lyrics": "la"}}])
def test_v6_needs_one_of_several_in_custom_mode(given: dict[str, Any]) -> None:
    fields = {"model": "V6", "custom_mode": True}
    assert GenerateMusicRequest.build({**fields, **given}, profile=SUNOAPI)
    with pytest.raises(SunoValidationError, match="V6 needs at least one of style, negative_tags, prompt and lyrics"):
        GenerateMusicRequest.build(fields, profile=SUNOAPI)


@pytest.mark.parametrize(
    "url", ["http://[", "https://x:port/", "https://[::1]:99999/", "https://a\x00b/", "https:///x", "https://x/\u202e"]
)
def test_an_address_that_cannot_be_called_is_refused_before_it_is_signed(url: str) -> None:
    with pytest.raises(SunoValidationError, match="callback_url: must be an http or https URL"):
        GenerateMusicRequest.build({**SIMPLE, "callback_url": url})


def test_a_wrong_field_that_cannot_be_shown_is_still_named() -> None:
    nested: Any = "x"
    for _ in range(5000):
        nested = [nested]
    for value, said in ((10**5000, "<int that cannot be shown>"), (nested, r"\[{79}…")):
        with pytest.raises(SunoValidationError, match=f"prompt: must be one string, .*got {said}"):
            GenerateMusicRequest.build({**SIMPLE, "prompt": value})


def test_the_name_of_a_model_floods_no_message() -> None:
    flood = {**CUSTOM, "model": "two\nlines" * 9000}
    (warning,) = GenerateMusicRequest.build(flood).warnings(APIKLEY)
    assert len(warning) < 300
    with pytest.raises(SunoValidationError, match="title: 5000 characters") as caught:
        GenerateMusicRequest.build({**flood, "title": "x" * 5000})
    assert len(str(caught.value)) < 300


def test_a_wrong_field_is_refused_before_the_others_are_known() -> None:
    with pytest.raises(SunoValidationError, match="model: must be one string, not list"):
        GenerateMusicRequest.check_known({"model": ["V5"]}, ["prompt"])
