"""The body of every request, under the API's own names and as the contract has it."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_suno.api.callback_url import NO_CALLBACK_URL
from airflow_provider_suno.api.profiles import PROFILES
from airflow_provider_suno.api.request import JobRequest, SunoRequest
from tests.support.contract import Contract, load_contract
from tests.support.endpoints import REQUESTS

BY_CALL = {model.call: model for model in REQUESTS}
URL, URL_2 = "https://files.example/a.mp3", "https://files.example/b.mp3"
SECTIONS_MODEL = ("replace_section", "model")
SONG = {"model": "V5", "negative_tags": "drums", "vocal_gender": "f", "style_weight": "0.65", "audio_weight": 0.5}
SONG_SENT = {"model": "V5", "negativeTags": "drums", "vocalGender": "f", "styleWeight": 0.65, "audioWeight": 0.5}
OWN = {"prompt": "La la", "style": "folk", "title": "Rain"}
TRACK, TRACK_SENT = {"music_task_id": "m", "audio_id": "a"}, {"taskId": "m", "audioId": "a"}

BODIES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("generate_music", {**SONG, **OWN}, {**SONG_SENT, **OWN, "customMode": True, "instrumental": False}),
    (
        "generate_music",
        {"model": "V6", "prompt": "Rain", "image_urls": [URL], "audio_urls": (URL,), "duration": "", "variety": "2"},
        {"model": "V6", "prompt": "Rain", "imageUrls": [URL], "audioUrls": [URL], "variety": 2, "customMode": False}
        | {"instrumental": False},
    ),
    (
        "extend_music",
        {"model": "V5", "audio_id": "a", **OWN, "continue_at": "9.5", "instrumental": "false"},
        {"model": "V5", "audioId": "a", **OWN, "continueAt": 9.5, "instrumental": False, "defaultParamFlag": True},
    ),
    (
        "upload_and_cover_audio",
        {"model": "V5", "upload_url": URL, **OWN},
        {"model": "V5", "uploadUrl": URL, **OWN, "customMode": True, "instrumental": False},
    ),
    (
        "upload_and_extend_audio",
        {"model": "V5", "upload_url": URL, "continue_at": 9},
        {"model": "V5", "uploadUrl": URL, "continueAt": 9.0, "instrumental": False, "defaultParamFlag": False},
    ),
    (
        "add_instrumental",
        {**SONG, "upload_url": URL, "title": "Rain", "tags": "folk"},
        {**SONG_SENT, "uploadUrl": URL, "title": "Rain", "tags": "folk"},
    ),
    ("add_vocals", {**SONG, "upload_url": URL, **OWN}, {**SONG_SENT, "uploadUrl": URL, **OWN}),
    (
        "replace_section",
        {"source_music_task_id": "m", "audio_id": "a", "prompt": "La la", "tags": "folk", "title": "Rain"}
        | {"infill_start_s": "6.25", "infill_end_s": 16.5, "full_lyrics": "Rain\nLa la"},
        {**TRACK_SENT, "prompt": "La la", "tags": "folk", "title": "Rain", "infillStartS": 6.25, "infillEndS": 16.5}
        | {"fullLyrics": "Rain\nLa la"},
    ),
    (
        "generate_mashup",
        {"upload_url_list": (URL, URL_2), "model": "V5", "prompt": "Rain"},
        {"uploadUrlList": [URL, URL_2], "model": "V5", "prompt": "Rain", "customMode": False, "instrumental": False},
    ),
    (
        "generate_sounds",
        {"prompt": "Rain", "model": "V5", "sound_loop": "true", "sound_tempo": "90", "sound_key": "C#m"},
        {"prompt": "Rain", "model": "V5", "soundLoop": True, "soundTempo": 90, "soundKey": "C#m", "grabLyrics": False},
    ),
    ("generate_sounds", {"prompt": "Rain", "sound_tempo": " "}, {"prompt": "Rain", "soundLoop": False}
     | {"grabLyrics": False}),
    (
        "generate_persona",
        {**TRACK, "name": "n", "description": "d", "vocal_start": 5, "vocal_end": "25"},
        {**TRACK_SENT, "name": "n", "description": "d", "vocalStart": 5.0, "vocalEnd": 25.0},
    ),
    ("generate_lyrics", {"prompt": "Rain"}, {"prompt": "Rain"}),
    ("get_timestamped_lyrics", TRACK, TRACK_SENT),
    ("boost_style", {"content": "Pop"}, {"content": "Pop"}),
    ("convert_to_wav", TRACK, TRACK_SENT),
    ("separate_vocals", {**TRACK, "type": "split_stem"}, {**TRACK_SENT, "type": "split_stem"}),
    (
        "separate_vocals",
        {"audio_url": URL, "type": "split_stem_advanced", "stem_name": "Bass", "music_task_id": None},
        {"audioUrl": URL, "type": "split_stem_advanced", "stemName": "Bass"},
    ),
    ("generate_midi", {"stems_job_id": "s", "audio_id": "a"}, {"taskId": "s", "audioId": "a"}),
    (
        "create_music_video",
        {**TRACK, "author": "A band", "domain_name": "band.example"},
        {**TRACK_SENT, "author": "A band", "domainName": "band.example"},
    ),
    ("generate_cover_art", {"music_task_id": " m\n"}, {"taskId": "m"}),
    (
        "validate_voice",
        {"voice_url": URL, "vocal_start_s": 0, "vocal_end_s": "9.25", "language": "ru"},
        {"voiceUrl": URL, "vocalStartS": 0.0, "vocalEndS": 9.25, "language": "ru"},
    ),
    ("regenerate_voice_phrase", {"phrase_job_id": "j"}, {"taskId": "j", "calBackUrl": NO_CALLBACK_URL}),
    (
        "generate_voice",
        {"phrase_job_id": "j", "verify_url": URL, "voice_name": "Ann", "singer_skill_level": "advanced", "style": ""},
        {"taskId": "j", "verifyUrl": URL, "voiceName": "Ann", "singerSkillLevel": "advanced"},
    ),
    ("check_voice", {"voice_job_id": "j"}, {"task_id": "j"}),
    ("recover_music", {"music_task_id": "m"}, {"sunoTaskId": "m"}),
    ("get_download_url", {"url": URL}, {"url": URL}),
]  # fmt: skip


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load_contract()


@pytest.mark.parametrize(("call", "fields", "sent"), BODIES, ids=lambda part: part if isinstance(part, str) else "")
def test_each_field_is_sent_under_the_apis_name(
    call: str, fields: dict[str, Any], sent: dict[str, Any], contract: Contract
) -> None:
    model = BY_CALL[call]
    body = model.build(fields).body()
    callback = {"callBackUrl": NO_CALLBACK_URL} if issubclass(model, JobRequest) and "calBackUrl" not in sent else {}
    assert body == {**sent, **callback}
    schema = contract.document["paths"][model.path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    name = schema["$ref"].rpartition("/")[2]
    assert any(contract.request_problems(name, body, host) == [] for host in PROFILES), "no host takes it"
    assert set(body) <= set(contract.schema(name)["properties"])


@pytest.mark.parametrize(("call", "fields", "sent"), BODIES, ids=lambda part: part if isinstance(part, str) else "")
def test_a_field_that_comes_later_is_not_missed_when_the_dag_is_parsed(
    call: str, fields: dict[str, Any], sent: dict[str, Any]
) -> None:
    for later in fields:
        known = {name: value for name, value in fields.items() if name != later}
        BY_CALL[call].check_known(known, [later])
    BY_CALL[call].check_known({}, BY_CALL[call].field_names())


def test_no_request_is_left_out() -> None:
    assert {call for call, _, _ in BODIES} == set(BY_CALL)


@pytest.mark.parametrize("model", REQUESTS, ids=lambda model: model.call)
def test_the_host_is_not_asked_for_what_its_pages_do_not_have_without_a_word(
    model: type[SunoRequest], contract: Contract
) -> None:
    """The profiles of the package and the contract agree about which host has which call and which field."""
    operation = contract.document["paths"][model.path]["post"]
    schema = contract.schema(
        operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    )
    for name, profile in PROFILES.items():
        assert profile.lacks(model.path) == (name not in operation.get("x-hosts", [name]))
        if profile.lacks(model.path):
            continue
        for field in model.field_names()[:-1]:
            found = schema["properties"].get(model._name_in_body(field), {"x-hosts": []})
            shared = contract.schema(found["$ref"].rpartition("/")[2]) if "$ref" in found else {}
            hosts = {**shared, **found}.get("x-hosts", [name])
            unnamed = field in model.newer_fields and field not in profile.newer_fields
            # A section's model is for upload_url, which has a warning; default_args may give it to all operators.
            assert unnamed == (name not in hosts) or (model.call, field) == SECTIONS_MODEL


def test_the_advanced_separation_is_known_where_the_contract_has_it(contract: Contract) -> None:
    [hosts] = contract.schema("SeparateVocalsRequest")["properties"]["type"]["x-hosts-by-value"].values()
    assert {name for name, profile in PROFILES.items() if "split_stem_advanced" in profile.newer_fields} == set(hosts)
