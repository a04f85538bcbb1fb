"""Any fields make a request that the contract allows, or an error that says what is wrong with them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic.alias_generators import to_camel

from airflow_provider_suno.api.endpoints.music import MusicTask
from airflow_provider_suno.api.endpoints.music_requests import ExtendMusicRequest, GenerateMusicRequest
from airflow_provider_suno.api.endpoints.section import ReplaceSectionRequest
from airflow_provider_suno.api.endpoints.stems import SeparateVocalsRequest
from airflow_provider_suno.api.fields import checked_id
from airflow_provider_suno.api.profiles import APIKLEY, KIE, SUNOAPI, HostProfile
from airflow_provider_suno.api.request import JobRequest, SunoRequest
from airflow_provider_suno.api.song_fields import V6_FAMILY
from airflow_provider_suno.exceptions import SunoError, SunoValidationError
from airflow_provider_suno.polling.finished import choose_track, track_number
from tests.support.contract import Contract, load_contract
from tests.support.endpoints import REQUESTS
from tests.support.figures import figures
from tests.support.properties.chaos import Chaos, chaos, texts, values
from tests.support.properties.checks import check_error, check_plain
from tests.support.properties.effort import BATCH, HOSTILE
from tests.support.properties.true_replies import true_records

CONTRACT: Contract = load_contract()
SCHEMAS: dict[type[SunoRequest], str] = {
    kind: schema["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    for kind in REQUESTS
    for schema in [CONTRACT.document["paths"][kind.path]["post"]["requestBody"]]
}
RECORD = MusicTask.model_validate(true_records()[-1])
URL = "https://files.example/a.mp3"
SOUND: dict[str, Any] = {
    "model": "V5",
    "prompt": "rain",
    "style": "folk",
    "title": "Rain",
    "continue_at": 5,
    "upload_url": URL,
    "audio_id": "a",
    "music_task_id": "m",
    "name": "n",
    "description": "d",
    "callback_url": "https://receiver.example/suno?a=b",
    "persona_id": "p",
    "negative_tags": "loud",
    "vocal_gender": "f",
    "style_weight": 0.65,
    "audio_weight": "0.5",
    "instrumental": "true",
    "custom_mode": True,
    "default_param_flag": "1",
    "vocal_start": 0,
    "vocal_end": 20.5,
    "extra_fields": {"seed": 7},
    "content": "folk",
    "url": URL,
    "upload_url_list": [URL, f"{URL}?2"],
    "tags": "folk",
    "source_music_task_id": "m",
    "infill_start_s": 6.25,
    "infill_end_s": "20.5",
    "full_lyrics": "Rain",
    "type": "split_stem",
    "stems_job_id": "s",
    "phrase_job_id": "j",
    "voice_job_id": "j",
    "voice_url": URL,
    "verify_url": URL,
    "vocal_start_s": 0,
    "vocal_end_s": "9.5",
    "language": "ru",
    "singer_skill_level": "advanced",
    "author": "A band",
    "domain_name": "band.example",
    "sound_tempo": "90",
    "sound_key": "C#m",
    "sound_loop": "true",
}
BESIDE_ANOTHER = {ReplaceSectionRequest: {"upload_url"}, SeparateVocalsRequest: {"audio_url"}}
"""Fields that name the source in another way than those of ``SOUND``."""

MODELS = ["V4", "V4_5", "V4_5PLUS", "V4_5ALL", "V5", "V5_5", "V6", "V6_MINI", "unheard of", " V5 "]
ODD: list[Any] = [
    10**5000, -(10**5000), b"bytes", object(), {1, 2}, (1, "x"), Decimal("NaN"), Decimal("0.5"), timedelta.max, 1j,
    print, float("nan"), float("inf"), 1e-320, 0.125, 0.29, 1.0000000000000002, "0.10", "1e-2", "٠", "yes", [[[]]],
    {"a": 1}, "http://[", "https://[::1]:99999/", "https://x:port/", "http://\u2100.example/", "https://a\x00b/",
    "https://x/\u202e", "https:// /",
]  # fmt: skip


def sound(kind: type[SunoRequest]) -> dict[str, Any]:
    """Return fields that make a request."""
    return {name: SOUND[name] for name in {*kind.field_names()} & {*SOUND} - BESIDE_ANOTHER.get(kind, set())}


def check_request(kind: type[SunoRequest], fields: dict[str, Any], profile: HostProfile) -> SunoRequest | None:
    """Check what becomes of the fields of a request."""
    figures["requests tried"] += 1
    try:
        request = kind.build(fields, profile=profile)
    except SunoValidationError as error:
        check_error(error, lines=True)
        return None
    warnings = list(request.warnings(profile))
    for warning in warnings:
        assert 0 < len(warning) < 1000
        check_plain(warning)
    if isinstance(request, JobRequest):
        signed = request.with_callback_token("t0ken")
        assert signed.callback_url.startswith("http")
        assert "suno_submission=t0ken" in signed.callback_url
    body = json.loads(json.dumps(request.body(), allow_nan=False).encode())
    known = {name: value for name, value in body.items() if name not in request.extra_fields}
    problems = CONTRACT.request_problems(SCHEMAS[kind], known, profile.name)
    # V6 needs less than the others, and models that are not known yet may be another's.
    lenient = ["does not sell this model", *(["is missing"] if body.get("model") in V6_FAMILY else [])]
    warned = _warned_of(warnings)
    said = ("is missing", "is forbidden", "is too long for", "is longer than", "has too many words")
    lenient += [f"{field} {what}" for field in warned for what in said]
    lenient += [f"does not take this {field}" for field in warned]
    lenient += [start for field in warned for start in (f"one of {field}, ", f"$.{field}: ")]
    lenient += ["the window is off"] if "infillEndS" in warned else []
    told = [problem for problem in problems if not any(words in problem for words in lenient)]
    assert not told or _is_beyond_us(body, request), (told, str(known)[:500])
    return request


def _warned_of(warnings: list[str]) -> set[str]:
    """Return the fields that are sent, or left out, against the pages, since hosts are seen to take that."""
    told = [warning.partition(":")[0] for warning in warnings if "sent anyway" in warning.lower()]
    return {to_camel(field) for fields in told for field in fields.split(", ")}


def _is_beyond_us(body: dict[str, Any], request: SunoRequest) -> bool:
    """Return whether the contract cannot judge the body: the user has set fields by hand, or its model is new."""
    return bool(request.extra_fields) or body.get("model") not in CONTRACT.schema("ModelName")["enum"]


@pytest.mark.parametrize("kind", SCHEMAS, ids=lambda kind: kind.call)
def test_sound_fields_make_a_request(kind: type[SunoRequest]) -> None:
    request = check_request(kind, sound(kind), SUNOAPI)
    assert request is not None
    assert request.body()["seed"] == 7


@HOSTILE
@given(chaos(), st.sampled_from(list(SCHEMAS)), st.sampled_from([APIKLEY, SUNOAPI, KIE]))
def test_sound_fields_with_a_few_odd_ones(made: Chaos, kind: type[SunoRequest], profile: HostProfile) -> None:
    names = kind.field_names()
    for _ in range(BATCH):
        fields = {name: value for name, value in sorted(sound(kind).items()) if made.likely(0.8)}
        if "model" in fields:
            fields["model"] = made.random.choice(MODELS)
        for _ in range(made.random.choice([0, 1, 1, 2])):
            name = made.random.choice([*names, "promt", "\ud800"])
            fields[name] = made.random.choice([made.value, made.text, made.number, lambda: made.random.choice(ODD)])()
        if made.likely(0.3):
            field, letter = (
                made.random.choice(["prompt", "style", "title", "negative_tags"]),
                made.random.choice("x é🎵"),
            )
            fields[field] = letter * made.random.choice(
                [79, 80, 81, 100, 101, 200, 201, 500, 501, 1000, 1001, 3000, 3001, 5000, 5001]
            )
        check_request(kind, fields, profile)


@HOSTILE
@given(st.sampled_from(list(SCHEMAS)), st.dictionaries(st.sampled_from(sorted(SOUND)), values() | st.sampled_from(ODD)))
@example(GenerateMusicRequest, {"model": "V5", "prompt": 10**5000}).via("a number that cannot be written")
@example(GenerateMusicRequest, {"model": "V5", "prompt": "x", "callback_url": "http://["}).via("half an address")
def test_any_fields(kind: type[SunoRequest], fields: dict[str, Any]) -> None:
    check_request(kind, fields, APIKLEY)


@pytest.mark.parametrize("depth", [400, 900, 990, 5000])
@pytest.mark.parametrize("kind", SCHEMAS, ids=lambda kind: kind.call)
def test_fields_nested_as_deep_as_the_stack(kind: type[SunoRequest], depth: int) -> None:
    for name in kind.field_names():
        nested = {"a": Chaos(0).nested(depth)}
        check_request(kind, {**sound(kind), name: nested}, APIKLEY)
        check_request(kind, {**sound(kind), name: [nested]}, APIKLEY)
    assert figures["requests tried"]


@pytest.mark.parametrize("name", ["prompt", "model", "callback_url", "audio_id", "title", "promt" * 9])
def test_fields_of_megabytes_are_judged_in_time(name: str) -> None:
    # What takes time in proportion to the square would take minutes; other work of the machine does not count.
    began = time.process_time()
    for letter in ("x", "\n", "\ud800", "V5", "https://x/"):
        fields = {"model": "V5", "prompt": "x", "audio_id": "a", name: letter * 1_000_000}
        check_request(ExtendMusicRequest, fields, APIKLEY)
    assert time.process_time() - began < 20


READS: list[Callable[[Any], Any]] = [
    lambda value: checked_id("music_task_id", value),
    track_number,
    lambda value: choose_track(RECORD, value, 0),
    lambda value: choose_track(RECORD, None, value),
    lambda value: choose_track(RECORD, value, value),
]


@HOSTILE
@given(values() | texts() | st.sampled_from([*ODD, *RECORD.audio_ids, 1, 2, "0", " 1 ", "01"]))
@example("9" * 5000).via("a number of more digits than Python reads")
@example(10**5000)
def test_anything_as_an_id_or_a_number_of_a_track(value: Any) -> None:
    for read in READS:
        try:
            found = read(value)
        except SunoError as error:
            check_error(error)
        else:
            meant = value.strip() if isinstance(value, str) else value
            assert found in RECORD.tracks or found == (meant if isinstance(found, str) else int(meant))
