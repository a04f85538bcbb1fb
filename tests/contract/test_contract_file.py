"""The contract file is valid, and the check against it finds violations."""

from __future__ import annotations

import math
import re
from typing import Any

import jsonschema
import pytest
import requests

from airflow_provider_suno.simulator.jobs import models
from airflow_provider_suno.simulator.kinds.lyrics.rules import PROMPT_LIMIT
from airflow_provider_suno.simulator.kinds.music import model_limits
from airflow_provider_suno.simulator.kinds.video.rules import NAME_LIMIT
from airflow_provider_suno.simulator.kinds.voice.phrases import LANGUAGES
from airflow_provider_suno.simulator.kinds.voice.rules import SKILL_LEVELS
from airflow_provider_suno.simulator.state.credits import PRICES, price_of
from airflow_provider_suno.simulator.state.endpoints import JOB_SUBMISSIONS, UPLOADS, Endpoint
from airflow_provider_suno.simulator.state.host_profiles import PROFILES


def _references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [reference for value in node.values() for reference in _references(value)]
    if isinstance(node, list):
        return [reference for value in node for reference in _references(value)]
    return []


def _at(document: Any, reference: str) -> Any:
    for step in reference.removeprefix("#/").split("/"):
        document = document[step.replace("~1", "/")]
    return document


def test_every_reference_resolves(contract):
    references = _references(contract.document)
    assert references
    for reference in references:
        assert _at(contract.document, reference)


def test_every_component_is_used(contract):
    used = {reference.rpartition("/")[2] for reference in _references(contract.document)}
    kinds = ("schemas", "responses", "callbacks", "parameters")
    components = {name for kind in kinds for name in contract.document["components"][kind]}
    assert components == used


def test_every_schema_is_a_schema(contract):
    for schema in contract.document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_it_describes_the_calls_of_the_simulator(contract):
    assert set(contract.operations()) == {endpoint.value for endpoint in Endpoint}
    assert {path for _, path in contract.operations() if contract.uploads(path)} == {e.path for e in UPLOADS}


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_it_describes_each_reseller_as_the_simulator_does(contract, profile):
    sold = {
        (method, path)
        for method, path in contract.operations()
        if profile.name in contract.document["paths"][path][method.lower()].get("x-hosts", [profile.name])
    }
    assert sold == {e.value for e in Endpoint if profile.endpoint(e.method, profile.path(e)) is e}
    assert contract.schema("ModelName")["x-models-by-host"][profile.name] == list(profile.models)
    described = contract.document["x-host-profiles"][profile.name]
    for name, no in (("noCredits", profile.no_credits), ("tooFast", profile.too_fast)):
        assert described[name] == {"code": no.code, "httpStatus": no.http_status}
    assert described["tooLong"] == {"code": profile.too_long, "httpStatus": 200}
    assert described["uploads"].endswith(profile.upload_prefix)
    assert described["uploadedFile"]["folder"] == profile.upload_folder.partition("/")[0]
    assert described["uploadedFile"]["success"] is profile.upload_success
    assert described["stemsField"] == profile.stems_field
    again = profile.cover_art_exists
    assert described["coverArtExists"] == {"code": again.code, "httpStatus": again.http_status}
    lyrics = contract.schema("GenerateLyricsRequest")["properties"]["prompt"]
    assert lyrics["x-most-words-by-host"].get(profile.name) == profile.most_lyrics_words
    assert (profile.name in lyrics["x-max-length-by-host"]) is (profile.most_lyrics_words is None)
    kinds = contract.schema("SeparateVocalsRequest")["properties"]["type"]
    assert profile.separation_types == tuple(
        kind for kind in kinds["enum"] if profile.name in kinds["x-hosts-by-value"].get(kind, [profile.name])
    )
    duration = contract.schema("Duration")
    assert (profile.name in duration["x-custom-mode-only"]) is profile.duration_needs_custom
    assert described["boostedStyle"] == {"success": profile.style_success, "error": profile.style_error}
    window = contract.window(contract.schema("ReplaceSectionRequest"), profile.name)
    assert (window["shortest"], window["longest"]) == (profile.section[0], profile.section[1] or math.inf)
    assert profile.custom_needs == _wanted_in_custom_mode(contract, profile.name)
    for schema, endpoint in (
        ("GeneratePersonaRequest", Endpoint.GENERATE_PERSONA),
        ("GenerateRequest", Endpoint.GENERATE),
        ("ExtendRequest", Endpoint.EXTEND),
        ("UploadCoverRequest", Endpoint.UPLOAD_COVER),
        ("UploadExtendRequest", Endpoint.UPLOAD_EXTEND),
        ("AddInstrumentalRequest", Endpoint.ADD_INSTRUMENTAL),
        ("AddVocalsRequest", Endpoint.ADD_VOCALS),
        ("ReplaceSectionRequest", Endpoint.REPLACE_SECTION),
        ("MashupRequest", Endpoint.MASHUP),
        ("SoundsRequest", Endpoint.SOUNDS),
        ("ConvertToWavRequest", Endpoint.WAV),
        ("SeparateVocalsRequest", Endpoint.STEMS),
        ("GenerateMidiRequest", Endpoint.MIDI),
        ("GenerateLyricsRequest", Endpoint.LYRICS),
        ("CreateMusicVideoRequest", Endpoint.VIDEO),
        ("CreateCoverArtRequest", Endpoint.COVER_ART),
    ):
        ignored = {
            field
            for field, known in contract.schema(schema)["properties"].items()
            if profile.name
            not in {**known, **contract.schema(known.get("$ref", "/Id").rpartition("/")[2])}.get(
                "x-hosts", [profile.name]
            )
        }
        assert ignored == set(profile.ignored.get(endpoint, ()))


def _wanted_in_custom_mode(contract: Any, host: str) -> tuple[str, ...]:
    rules = contract.schema("GenerateRequest")["x-conditional-rules"]
    (wanted,) = (r["required-any"] for r in rules if r["when"] == {"customMode": True} and host in r["hosts"])
    return tuple(wanted)


def test_its_limits_are_those_of_the_simulator(contract):
    prompt, style, title = (contract.schema(name) for name in ("Prompt", "Style", "Title"))
    offered = contract.schema("ModelName")["enum"]
    assert tuple(offered) == models.OFFERED
    assert prompt["x-max-length-by-model"] == {model: model_limits.prompt_limit(model) for model in offered}
    assert style["x-max-length-by-model"] == {model: model_limits.style_limit(model) for model in offered}
    simple = dict.fromkeys(offered, prompt["x-max-length-simple-mode"]) | prompt["x-max-length-simple-mode-by-model"]
    assert simple == {model: model_limits.simple_prompt_limit(model) for model in offered}
    duration = contract.schema("Duration")
    assert duration["x-models"] == [model for model in offered if model_limits.takes_duration(model)]
    voice = contract.schema("PersonaModel")["x-models-by-value"]["voice_persona"]
    assert voice == [model for model in offered if model_limits.takes_voice(model)]
    assert contract.schema("Lyrics")["maxLength"] == model_limits.LYRICS_LIMIT
    for name, takes in (
        ("AddInstrumentalRequest", model_limits.adds_to_audio),
        ("AddVocalsRequest", model_limits.adds_to_audio),
        ("SoundsRequest", model_limits.makes_sounds),
    ):
        assert contract.schema(name)["properties"]["model"]["enum"] == list(filter(takes, offered))
    assert title["x-max-length-by-model"] == {model: model_limits.title_limit(model) for model in offered}
    assert contract.schema("NegativeTags")["maxLength"] == model_limits.NEGATIVE_TAGS_LIMIT
    lyrics = contract.schema("GenerateLyricsRequest")["properties"]["prompt"]
    assert set(lyrics["x-max-length-by-host"].values()) == {PROMPT_LIMIT}
    video = contract.schema("CreateMusicVideoRequest")["properties"]
    assert video["author"]["maxLength"] == video["domainName"]["maxLength"] == NAME_LIMIT
    assert contract.schema("ValidateVoiceRequest")["properties"]["language"]["enum"] == list(LANGUAGES)
    skills = contract.schema("GenerateVoiceRequest")["properties"]["singerSkillLevel"]
    assert skills["enum"] == list(SKILL_LEVELS)


@pytest.mark.parametrize("endpoint", sorted({*JOB_SUBMISSIONS, *PRICES}, key=str))
def test_its_prices_are_those_of_the_simulator(contract, endpoint):
    price = contract.document["paths"][endpoint.path]["post"]["x-credits"]
    requests_and_prices = [({"type": kind}, one) for kind, one in price.items()] if isinstance(price, dict) else []
    for request, one in requests_and_prices or [({}, price)]:
        assert float(price_of(endpoint, request)) == one


def test_max_length_is_the_largest_of_all_models(contract):
    for name in ("Prompt", "Style", "Title"):
        schema = contract.schema(name)
        assert schema["maxLength"] == max(schema["x-max-length-by-model"].values())


def test_it_names_no_machine(contract):
    assert not re.search(r"/(?:work|tmp|home|usr)/", str(contract.document))


def _reply(status: int, body: str, content_type: str = "application/json") -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response.headers["Content-Type"] = content_type
    response._content = body.encode()
    return response


@pytest.mark.parametrize(
    ("response", "complaint"),
    [
        (_reply(418, "{}"), "HTTP status 418 is not in the contract"),
        (_reply(200, "<html>", "text/html"), "content type 'text/html' is not in the contract"),
        (_reply(200, '{"code": 200'), "the body is not JSON"),
        (_reply(200, '{"code": 200, "msg": "success", "data": {}}'), "not valid"),
        (_reply(200, '{"code": 422, "msg": "no", "data": {"taskId": "x"}}'), "not valid"),
        (_reply(200, '{"code": 299, "msg": "no", "data": null}'), "not valid"),
        (_reply(429, '{"code": 200, "msg": "success", "data": null}'), "not one of"),
        (_reply(403, "Forbidden", "text/plain"), "was expected"),
    ],
)
def test_the_check_finds_a_violation(contract, response, complaint):
    problems = contract.reply_problems("POST", "/api/v1/generate", response)
    assert problems
    assert complaint in problems[0]


def _record(status: str, tracks: list[dict[str, Any]] | None, **changes: Any) -> dict[str, Any]:
    return {
        "taskId": "t",
        "param": "{}",
        "response": None if tracks is None else {"taskId": "t", "sunoData": tracks},
        "status": status,
        "type": None,
        "errorCode": None,
        "errorMessage": None,
        **changes,
    }


_TRACK = dict.fromkeys(("streamAudioUrl", "imageUrl", "prompt", "modelName", "title", "tags", "createTime")) | {
    "id": "a",
    "audioUrl": "",
    "duration": None,
}
_DONE = _TRACK | {"audioUrl": "http://x/a.mp3", "duration": 6.5}
_ONLY_SOURCE = _DONE | {"audioUrl": None, "sourceAudioUrl": "http://x/b.mp3"}
_SHOWN_WHILE_PENDING = {"taskId": "t", "param": "{}", "status": "PENDING", "type": "chirp-crow"}
_FAILED = {"status": "SENSITIVE_WORD_ERROR", "errorCode": 400, "errorMessage": None}


@pytest.mark.parametrize(
    "record",
    [
        _record("PENDING", []),
        _record("TEXT_SUCCESS", None),
        _record("FIRST_SUCCESS", [_TRACK, _TRACK]),
        _record("SUCCESS", [_DONE, _TRACK]),
        _record("SUCCESS", []),
        _record("SUCCESS", [_DONE | {"audioUrl": None}]),
        _record("SUCCESS", [_ONLY_SOURCE | {"audioUrl": ""}]),
        _record("SUCCESS", [_ONLY_SOURCE | {"sourceAudioUrl": None}]),
        _record("SUCCESS", [_DONE], createTime=1_790_000_000_500),
        _SHOWN_WHILE_PENDING | {"status": "SUCCESS"},
        {name: value for name, value in _SHOWN_WHILE_PENDING.items() if name != "type"},
        _SHOWN_WHILE_PENDING | _FAILED | {"response": {"sunoData": []}},
        _record("SUCCESS", [_DONE], errorCode=500),
        _record("SENSITIVE_WORD_ERROR", None),
        _record("DREAMING", None),
    ],
)
def test_the_check_refuses_an_impossible_record(contract, record):
    assert contract.problems("/components/schemas/MusicTask", record)


@pytest.mark.parametrize(
    "record",
    [
        _record("PENDING", None),
        _record("PENDING", None, response={}),
        _SHOWN_WHILE_PENDING,
        _record("SUCCESS", [_ONLY_SOURCE, _DONE], createTime=1_790_000_000_000),
        _record("GENERATE_AUDIO_FAILED", [_DONE, _TRACK], errorMessage="no"),
        _SHOWN_WHILE_PENDING | _FAILED | {"response": {"sunoData": [], "errorMessage": "no"}},
        _record("FIRST_SUCCESS", [_TRACK, _DONE]),
        _record("SUCCESS", [_DONE]),
        _record("SENSITIVE_WORD_ERROR", None, errorMessage="no"),
    ],
)
def test_the_check_accepts_a_possible_record(contract, record):
    assert contract.problems("/components/schemas/MusicTask", record) == []


_WAV = {"taskId": "t", "errorCode": None, "errorMessage": None, "completeTime": 1_790_000_000_000}
_FILE = {"audioWavUrl": "http://x/a.wav"}
_MIDI_NOTE = {"pitch": 60, "start": 0, "end": "0.5", "velocity": 1}
_LYRICS = {"taskId": "t", "param": "{}", "type": None}
_TEXT = {"text": "La", "title": "La", "status": "complete", "errorMessage": ""}
_MIDI = {"taskId": "t", "errorMessage": None, "successFlag": 1}


def _midi_data(*notes: dict[str, Any]) -> dict[str, Any]:
    return {"midiData": {"state": "complete", "instruments": [{"name": "Vocals", "notes": list(notes)}]}}


@pytest.mark.parametrize(
    ("schema", "record", "can_be"),
    [
        ("WavTask", {"taskId": "t", "successFlag": "PENDING"}, True),
        ("WavTask", _WAV | {"successFlag": "SUCCESS", "response": _FILE}, True),
        ("WavTask", _WAV | {"successFlag": "CALLBACK_EXCEPTION", "response": _FILE}, True),
        ("WavTask", _WAV | {"successFlag": "GENERATE_WAV_FAILED", "errorMessage": "no"}, True),
        ("WavTask", _WAV | {"successFlag": "PENDING", "completeTime": None, "response": _FILE}, False),
        ("WavTask", _WAV | {"successFlag": "PENDING"}, False),
        ("WavTask", _WAV | {"successFlag": "SUCCESS", "response": None}, False),
        ("WavTask", _WAV | {"successFlag": "SUCCESS", "response": {}}, False),
        ("WavTask", _WAV | {"successFlag": "SUCCESS"}, False),
        ("WavTask", _WAV | {"successFlag": "GENERATE_WAV_FAILED"}, False),
        ("WavTask", _WAV | {"successFlag": "GENERATE_AUDIO_FAILED", "errorMessage": "no"}, False),
        ("WavTask", _WAV | {"successFlag": 1, "response": _FILE}, False),
        ("StemsTask", _WAV | {"successFlag": "SUCCESS", "response": {"originData": [{"id": "s"}]}}, True),
        ("StemsTask", _WAV | {"successFlag": "SUCCESS", "response": {"originData": [{"duration": 5}]}}, False),
        ("StemsTask", _WAV | {"successFlag": "SUCCESS", "response": {"vocalUrl": "http://x"}}, False),
        ("StemsTask", _WAV | {"successFlag": "GENERATE_WAV_FAILED", "errorMessage": "no"}, False),
        ("MidiTask", {"taskId": "t", "successFlag": 0}, True),
        ("MidiTask", _MIDI | _midi_data(_MIDI_NOTE), True),
        ("MidiTask", _MIDI | {"midiData": {"instruments": []}}, True),
        ("MidiTask", _MIDI | {"successFlag": 3, "errorMessage": "no", "errorCode": "500"}, True),
        ("MidiTask", _MIDI | _midi_data(_MIDI_NOTE | {"start": "soon"}), False),
        ("MidiTask", _MIDI | _midi_data(_MIDI_NOTE | {"pitch": 128}), False),
        ("MidiTask", _MIDI | {"midiData": None}, False),
        ("MidiTask", _MIDI, False),
        ("MidiTask", _MIDI | {"successFlag": 0, **_midi_data(_MIDI_NOTE)}, False),
        ("MidiTask", _MIDI | {"successFlag": 2}, False),
        ("MidiTask", _MIDI | {"successFlag": "SUCCESS", **_midi_data(_MIDI_NOTE)}, False),
        ("VideoTask", _WAV | {"successFlag": "SUCCESS", "response": {"videoUrl": "http://x/a.mp4"}}, True),
        ("VideoTask", _WAV | {"successFlag": "CALLBACK_EXCEPTION", "response": {"videoUrl": "http://x"}}, False),
        ("VideoTask", _WAV | {"successFlag": "SUCCESS", "response": _FILE}, False),
        ("VideoTask", _WAV | {"successFlag": "GENERATE_MP4_FAILED"}, False),
        ("CoverArtTask", {"taskId": "t", "successFlag": 2}, True),
        ("CoverArtTask", _WAV | {"successFlag": 1, "response": {"images": ["http://x/a.png"]}}, True),
        ("CoverArtTask", _WAV | {"successFlag": 2, "response": {"images": ["http://x/a.png"]}}, False),
        ("CoverArtTask", _WAV | {"successFlag": 1, "response": {"images": None}}, False),
        ("CoverArtTask", _WAV | {"successFlag": 3}, False),
        ("LyricsTask", _LYRICS | {"status": "PENDING"}, True),
        ("LyricsTask", _LYRICS | {"status": "SUCCESS", "response": {"data": [_TEXT]}}, True),
        ("LyricsTask", _LYRICS | {"status": "SENSITIVE_WORD_ERROR", "errorMessage": "no"}, True),
        ("LyricsTask", _LYRICS | {"status": "PENDING", "response": {"data": [_TEXT]}}, False),
        ("LyricsTask", _LYRICS | {"status": "SUCCESS", "response": {"data": None}}, False),
        ("LyricsTask", _LYRICS | {"status": "SUCCESS"}, False),
        ("LyricsTask", _LYRICS | {"status": "GENERATE_LYRICS_FAILED"}, False),
        ("LyricsTask", _LYRICS | {"status": "SUCCESS", "response": {"data": [{"text": "La"}]}}, False),
        ("VoicePhraseTask", {"taskId": "t", "status": "wait_validating", "validateInfo": "La"}, True),
        ("VoicePhraseTask", {"taskId": "t", "status": "processing_validate", "validateInfo": "La"}, False),
        ("VoicePhraseTask", {"taskId": "t", "status": "wait_validating"}, False),
        ("VoicePhraseTask", {"taskId": "t", "status": "processing_validate_fail"}, False),
        ("VoiceTask", {"taskId": "t", "status": "success", "voiceId": "v"}, True),
        ("VoiceTask", {"taskId": "t", "status": "wait_processing", "voiceId": "v"}, False),
        ("VoiceTask", {"taskId": "t", "status": "done", "voiceId": "v"}, False),
        ("RecoveredTrack", {"id": "a", "audio_url": "http://x/a.m4a", "status": "success"}, True),
        ("RecoveredTrack", {"id": "a", "audio_url": "", "status": "failed"}, True),
        ("RecoveredTrack", {"id": "a", "audio_url": "", "status": "success"}, False),
    ],
)
def test_the_check_of_a_conversion_s_record(contract, schema, record, can_be):
    assert (contract.problems(f"/components/schemas/{schema}", record) == []) is can_be
