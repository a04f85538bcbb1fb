"""The requests for music beside songs from text: added parts, sections, mashups, sounds."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_suno.api.endpoints.added_parts import AddInstrumentalRequest, AddVocalsRequest
from airflow_provider_suno.api.endpoints.mashup import GenerateMashupRequest
from airflow_provider_suno.api.endpoints.music_requests import ExtendMusicRequest, GenerateMusicRequest
from airflow_provider_suno.api.endpoints.section import ReplaceSectionRequest
from airflow_provider_suno.api.endpoints.sounds import GenerateSoundsRequest
from airflow_provider_suno.api.profiles import APIKLEY, KIE, SUNOAPI, HostProfile
from airflow_provider_suno.api.request import SunoRequest
from airflow_provider_suno.exceptions import SunoValidationError

URL = "https://files.example/a.mp3"
LONG = "x" * 5001
INSTRUMENTAL = {"upload_url": URL, "title": "Rain", "negative_tags": "drums", "tags": "folk"}
VOCALS = {"upload_url": URL, "title": "Rain", "negative_tags": "drums", "prompt": "La la", "style": "folk"}
SECTION = {
    "source_music_task_id": "m",
    "audio_id": "a",
    "prompt": "La la",
    "tags": "folk",
    "title": "Rain",
    "infill_start_s": 10,
    "infill_end_s": 20,
    "full_lyrics": "La la",
}
OF_AUDIO = {**SECTION, "source_music_task_id": None, "audio_id": None, "upload_url": URL, "model": "V6"}
OTHER_URL = "https://files.example/b.mp3"
MASHUP = {"upload_url_list": [URL, OTHER_URL], "model": "V5", "prompt": "Rain"}
SOUNDS = {"prompt": "Rain on a tin roof", "model": "V5"}
MUSIC = {"model": "V6", "prompt": "Rain", "style": "folk", "title": "Rain"}


@pytest.mark.parametrize(
    ("model", "fields", "said"),
    [
        (AddInstrumentalRequest, {**INSTRUMENTAL, "tags": None}, "tags: required"),
        (AddInstrumentalRequest, {**INSTRUMENTAL, "negative_tags": " "}, "negative_tags: must not be empty"),
        (AddInstrumentalRequest, {**INSTRUMENTAL, "negative_tags": None}, "negative_tags: required"),
        (AddInstrumentalRequest, {**INSTRUMENTAL, "tags": LONG}, "tags: 5001 characters; at most 1000"),
        (AddInstrumentalRequest, {**INSTRUMENTAL, "title": LONG}, "title: 5001 characters; at most 100"),
        (AddInstrumentalRequest, {**INSTRUMENTAL, "upload_url": "a.mp3"}, "upload_url: must be an http or https URL"),
        (AddInstrumentalRequest, {**INSTRUMENTAL, "prompt": "x"}, "prompt: no such field"),
        (AddInstrumentalRequest, {**INSTRUMENTAL, "variety": 5}, "variety: must be less than or equal to 4"),
        (AddInstrumentalRequest, {**INSTRUMENTAL, "variety": True}, "variety: must be a number"),
        (AddVocalsRequest, {**VOCALS, "prompt": LONG}, "prompt: 5001 characters; at most 5000"),
        (AddVocalsRequest, {**VOCALS, "style": ""}, "style: must not be empty"),
        (AddVocalsRequest, {**VOCALS, "title": ["a", "b"]}, "title: must be one string, not list; for several, map"),
        (ReplaceSectionRequest, {**SECTION, "audio_id": None}, "audio_id: needed, unless upload_url is given"),
        (ReplaceSectionRequest, {**SECTION, "source_music_task_id": None}, "source_music_task_id: needed, unless"),
        (
            ReplaceSectionRequest,
            {**SECTION, "upload_url": URL, "model": "V5"},
            "source_music_task_id: names another song beside upload_url; leave one of the two out\n  audio_id: names",
        ),
        (ReplaceSectionRequest, {**OF_AUDIO, "model": None}, "model: needed with upload_url"),
        (ReplaceSectionRequest, {**SECTION, "infill_end_s": 10}, "infill_end_s: 10 is not after infill_start_s, 10"),
        (ReplaceSectionRequest, {**SECTION, "infill_start_s": 1.005}, "infill_start_s: takes at most two decimals"),
        (ReplaceSectionRequest, {**SECTION, "infill_start_s": -1}, "infill_start_s: must be greater than or"),
        (ReplaceSectionRequest, {**SECTION, "infill_end_s": "soon"}, "infill_end_s: must be a number"),
        (ReplaceSectionRequest, {**SECTION, "persona_model": "voice_persona"}, "persona_model: has no effect without"),
        (ReplaceSectionRequest, {**SECTION, "lyrics": LONG}, "lyrics: 5001 characters; at most 5000"),
        (
            GenerateMashupRequest,
            {**MASHUP, "upload_url_list": [URL]},
            "upload_url_list: 1 URLs; a mashup is made of",
        ),
        (
            GenerateMashupRequest,
            {**MASHUP, "upload_url_list": [URL] * 3},
            "upload_url_list: 3 URLs; a mashup is",
        ),
        (GenerateMashupRequest, {**MASHUP, "upload_url_list": [URL] * 2}, "upload_url_list: both URLs are the same; a"),
        (GenerateMashupRequest, {**MASHUP, "upload_url_list": f"['{URL}']"}, "a list of URLs, not its text (templates"),
        (GenerateMashupRequest, {**MASHUP, "upload_url_list": URL}, "upload_url_list: must be a list of URLs"),
        (GenerateMashupRequest, {**MASHUP, "upload_url_list": [URL, "x"]}, "upload_url_list: must be an http or https"),
        (GenerateMashupRequest, {**MASHUP, "prompt": None}, "prompt: needed in simple mode"),
        (GenerateSoundsRequest, {**SOUNDS, "prompt": "x" * 501}, "prompt: 501 characters; at most 500"),
        (GenerateSoundsRequest, {**SOUNDS, "prompt": " "}, "prompt: must not be empty"),
        (GenerateSoundsRequest, {**SOUNDS, "sound_tempo": 0}, "sound_tempo: must be greater than or equal to"),
        (
            GenerateSoundsRequest,
            {**SOUNDS, "sound_tempo": 301},
            "sound_tempo: must be less than or equal to 30",
        ),
        (GenerateSoundsRequest, {**SOUNDS, "sound_tempo": 90.5}, "sound_tempo: must be a whole number"),
        (GenerateSoundsRequest, {**SOUNDS, "sound_key": "Hm"}, "sound_key: must be Any, or one of C, C#, D, "),
        (GenerateMusicRequest, {**MUSIC, "duration": 9}, "duration: must be greater than or equal to 10"),
        (GenerateMusicRequest, {**MUSIC, "duration": 361}, "duration: must be less than or equal to 360"),
        (GenerateMusicRequest, {**MUSIC, "lyrics": LONG}, "lyrics: 5001 characters; at most 5000"),
        (GenerateMusicRequest, {**MUSIC, "image_urls": [URL] * 6}, "image_urls: 6 given; at most 5"),
        (
            GenerateMusicRequest,
            {**MUSIC, "image_urls": [URL] * 5, "audio_urls": [URL] * 6},
            "image_urls: at most 10 URLs together with audio_urls",
        ),
        (
            GenerateMusicRequest,
            {**MUSIC, "audio_urls": [URL] * 11},
            "audio_urls: at most 10 URLs together with the others",
        ),
        (
            GenerateMusicRequest,
            {"model": "V6", "custom_mode": True, "title": "Rain"},
            "style: V6 needs at least one of style, negative_tags, prompt and lyrics in custom mode with vocals",
        ),
    ],
)
def test_wrong_fields(model: type[SunoRequest], fields: dict[str, Any], said: str) -> None:
    with pytest.raises(SunoValidationError) as caught:
        model.build(fields)
    assert str(caught.value).startswith(f"{model.call} was not sent, nothing is charged:\n  ")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("model", "fields", "profile", "warnings"),
    [
        (AddInstrumentalRequest, INSTRUMENTAL, APIKLEY, []),
        (AddVocalsRequest, {**VOCALS, "model": "V4_5PLUS"}, APIKLEY, []),
        (
            AddVocalsRequest,
            {**VOCALS, "model": "V4_5"},
            KIE,
            ["model: the pages name later ones than V4_5 for this call; sent anyway."],
        ),
        (
            AddInstrumentalRequest,
            {**INSTRUMENTAL, "negative_tags": "x" * 201},
            KIE,
            ["negative_tags: 201 characters; some hosts take 200. Sent anyway."],
        ),
        (
            AddInstrumentalRequest,
            {**INSTRUMENTAL, "variety": 0, "model": "V5"},
            APIKLEY,
            [
                "variety: the pages of apikley do not name it; sent anyway.",
                "variety: the pages name it for the V6 models only; sent anyway.",
            ],
        ),
        (ReplaceSectionRequest, SECTION, APIKLEY, []),
        (
            ReplaceSectionRequest,
            {**SECTION, "full_lyrics": None, "infill_end_s": 12},
            SUNOAPI,
            [
                "infill_end_s: the section is 2 s long; every host takes 6 to 60 s, some take others. Sent anyway.",
                "full_lyrics: not given, although some hosts require it; sent anyway.",
            ],
        ),
        (ReplaceSectionRequest, OF_AUDIO, APIKLEY, [
            "upload_url: the pages of apikley do not name it; sent anyway.",
            "model 'V6' is not among those apikley lists (V4, V4_5, V4_5PLUS, V4_5ALL, V5); sent as it is.",
        ]),
        (ReplaceSectionRequest, OF_AUDIO, SUNOAPI, []),
        (GenerateMashupRequest, MASHUP, APIKLEY, []),
        (
            GenerateMashupRequest,
            {**MASHUP, "negative_tags": "drums", "style": "folk", "title": "Rain"},
            KIE,
            ["negative_tags: the pages of kie do not name it; sent anyway."],
        ),
        (
            GenerateMusicRequest,
            {**MUSIC, "image_urls": [URL]},
            KIE,
            ["image_urls: the pages of kie do not name it; sent anyway."],
        ),
        (GenerateSoundsRequest, SOUNDS, APIKLEY, []),
        (
            GenerateSoundsRequest,
            {"prompt": "Rain"},
            KIE,
            ["model: not given, although some hosts require it; sent anyway."],
        ),
        (
            GenerateSoundsRequest,
            {**SOUNDS, "model": "V4_5PLUS"},
            KIE,
            ["model: the pages name later ones than V4_5PLUS for this call; sent anyway."],
        ),
        (
            GenerateMusicRequest,
            {**MUSIC, "model": "V5", "duration": 60},
            KIE,
            ["duration: the pages name it for V5_5 and V6 in custom mode only; sent anyway."],
        ),
        (GenerateMusicRequest, {**MUSIC, "duration": 60, "lyrics": "La", "variety": 4}, SUNOAPI, []),
        (
            ExtendMusicRequest,
            {"model": "V5", "audio_id": "a", "prompt": "x", "style": "x", "title": "x", "continue_at": 1}
            | {"instrumental": True},
            KIE,
            ["prompt: some hosts refuse it with instrumental=True; sent anyway."],
        ),
    ],
)  # fmt: skip
def test_what_only_some_hosts_take_is_sent_with_a_warning(
    model: type[SunoRequest], fields: dict[str, Any], profile: HostProfile, warnings: list[str]
) -> None:
    assert list(model.build(fields, profile=profile).warnings(profile)) == warnings


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (GenerateSoundsRequest, {**SOUNDS, "sound_tempo": "", "sound_key": " ", "sound_loop": ""}),
        (AddVocalsRequest, {**VOCALS, "variety": " ", "style_weight": "", "vocal_gender": ""}),
        (GenerateMusicRequest, {**MUSIC, "duration": "", "lyrics": " ", "variety": ""}),
    ],
)
def test_blanks_count_as_not_given(model: type[SunoRequest], fields: dict[str, Any]) -> None:
    given = {name: value for name, value in fields.items() if str(value).strip()}
    assert model.build(fields) == model.build(given)


def test_a_section_must_lie_within_the_track() -> None:
    section = ReplaceSectionRequest.build(SECTION)
    section.check_source(None)
    section.check_source(20.0)
    with pytest.raises(SunoValidationError, match=r"infill_end_s: 20 is after the track's end, at 19.5 s"):
        section.check_source(19.5)
    assert [*section.source_warnings(None), *section.source_warnings(20.0)] == []
    [warning] = section.source_warnings(19.9)
    assert warning == (
        "infill_end_s: the section is 10 s long, more than half of the track (19.9 s), which some hosts refuse. Sent "
        "anyway."
    )


@pytest.mark.parametrize(
    ("known", "later"),
    [
        (SECTION, ["infill_start_s"]),
        (SECTION, ["infill_end_s", "audio_id", "prompt"]),
        ({**SECTION, "source_music_task_id": None, "audio_id": None}, ["upload_url", "model"]),
    ],
)
def test_a_section_of_which_some_fields_come_later_passes_when_the_dag_is_parsed(
    known: dict[str, Any], later: list[str]
) -> None:
    ReplaceSectionRequest.check_known({name: value for name, value in known.items() if name not in later}, later)


@pytest.mark.parametrize("later", [["prompt"], ["source_music_task_id", "audio_id"], ["audio_id", "style_weight"]])
@pytest.mark.parametrize("end", [10, 9])
def test_a_section_that_is_wrong_whatever_comes_later_is_refused_when_the_dag_is_parsed(
    end: int, later: list[str]
) -> None:
    known = {name: value for name, value in SECTION.items() if name not in later}
    with pytest.raises(SunoValidationError, match=f"infill_end_s: {end} is not after infill_start_s, 10"):
        ReplaceSectionRequest.check_known({**known, "infill_end_s": end}, later)
