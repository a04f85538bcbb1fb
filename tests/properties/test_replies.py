"""Any reply gives a valid result or a ``SunoError``, in a short time."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_suno.api.endpoints.credits import read_credits
from airflow_provider_suno.api.endpoints.download_url import DownloadUrlRequest
from airflow_provider_suno.api.endpoints.music import MusicTask, read_music_task
from airflow_provider_suno.api.endpoints.persona import Persona, read_persona
from airflow_provider_suno.api.endpoints.style import BoostStyleRequest, StyleBoost
from airflow_provider_suno.api.endpoints.timestamps import GetTimestampedLyricsRequest, TimestampedLyrics
from airflow_provider_suno.api.endpoints.uploads import UploadedFile, read_uploaded_file
from airflow_provider_suno.api.endpoints.voice import CheckVoiceRequest
from airflow_provider_suno.api.envelope import decipher
from airflow_provider_suno.api.jobs import JobKind, JobState
from airflow_provider_suno.api.profiles import APIKLEY, KIE, SUNOAPI, HostProfile
from airflow_provider_suno.api.record import JobRecord, OtherJobRecord, read_job_id
from airflow_provider_suno.exceptions import SunoError
from tests.support.endpoints import KINDS
from tests.support.figures import figures
from tests.support.properties.chaos import Chaos, chaos, texts, values
from tests.support.properties.checks import check_error, check_id, check_plain, check_storable
from tests.support.properties.effort import BATCH, hostile_replies
from tests.support.properties.true_replies import finished_jobs, true_envelopes, true_records

PROFILES = st.sampled_from([APIKLEY, KIE, SUNOAPI])
ASKED = true_records()[0]["taskId"]
AUDIO = "track-asked-for"
URL = "https://x/a.mp3"
NESTED = [opening * depth for opening in (b"[", b'{"a":') for depth in (500, 990, 100_000)]
ENVELOPED = [b'{"code": 200, "data": %s%s}' % (b"[" * depth, b"]" * depth) for depth in (400, 900, 940, 960, 980, 990)]


def check_reply(status: int, headers: dict[str, str], body: bytes, profile: HostProfile = APIKLEY) -> None:
    """Check the result or error of a reply with each reader."""
    figures["replies tried"] += 1
    try:
        data = decipher(status, headers, body, profile=profile)
    except SunoError as error:
        check_error(error)
        for kind in KINDS:
            _check_job_record(kind, kind.record_in(error, ASKED))
        return
    assert json.loads(body)["code"] == 200
    check_data(data)


def check_data(data: Any) -> None:
    """Check the result or error of the data of an accepted reply with each reader."""
    for read, check in READERS.items():
        try:
            value = read(data)
        except SunoError as error:
            check_error(error)
        else:
            check(data, value)


def _check_job_id(data: Any, job_id: Any) -> None:
    check_id(job_id)
    assert job_id == str(data.get("taskId") or data.get("task_id")).strip()


def _check_record(data: Any, record: MusicTask | None) -> None:
    assert (record is None) == (data is None)
    if record is None:
        return
    assert record.music_task_id == ASKED
    for name in ("taskId", "task_id", "music_task_id") if isinstance(data, dict) else ():
        found = data.get(name)
        assert (found.strip() if isinstance(found, str) else found) in (None, "", ASKED), "another's record"
    for audio_id in record.audio_ids:
        check_id(audio_id)
    check_plain(record.status)
    check_storable(record.to_dict())
    failure = record.failure()
    if failure is not None:
        check_error(failure)
    if record.finished() or record.finished("first"):
        for track in record.with_complete_tracks().tracks:
            assert str(track.audio_url).lower().startswith(("http://", "https://")), "not the address of an audio file"
        assert record.with_complete_tracks().tracks
    for audio_id in (*record.audio_ids, "x", None):
        try:
            assert record.choose_track(audio_id).audio_id in record.audio_ids
        except SunoError as error:
            check_error(error)
        record.made_by_refused_model(str(audio_id))


def _check_persona(data: Any, persona: Persona) -> None:
    check_id(persona.persona_id)
    given_id = data.get("personaId")
    assert persona.persona_id == str(data.get("persona_id") if given_id is None else given_id).strip()
    assert (persona.music_task_id, persona.audio_id) == (ASKED, AUDIO)
    check_storable(persona.to_dict())


def _check_uploaded_file(data: Any, file: UploadedFile) -> None:
    assert file.url.lower().startswith(("http://", "https://"))
    check_plain(file.url)
    check_storable(file.to_dict())


def _check_credits(data: Any, balance: Decimal) -> None:
    assert balance.is_finite()
    assert type(data) in (int, float)
    assert len(str(balance)) < 400


def _check_job_record(kind: JobKind, record: JobRecord | None) -> None:
    """Check what holds of the record of any kind, and each verdict on it."""
    if record is None:
        return
    assert record.id == ASKED
    for text in (record.status, record.result_summary().replace("\n  ", " ")):
        check_plain(text)
    check_storable(record.to_dict())
    check_storable(record.pushed())
    if isinstance(record, OtherJobRecord):
        assert kind.read(record.to_dict(), ASKED) == record, "it changes on its way through an event"
    for file in record.files():
        assert file.url.lower().startswith(("http://", "https://"))
        assert kind.makes_files
    for until in ("all", "first"):
        verdict = kind.judge(record, until)
        for error in filter(None, (verdict.error, verdict.error_if_it_stays)):
            check_error(error)
        for remark in verdict.remarks:
            check_plain(remark)
        assert (verdict.error is not None) or verdict.state is not JobState.FAILED


def _check_lyrics(data: Any, lyrics: TimestampedLyrics) -> None:
    check_storable(lyrics.to_dict())
    assert TimestampedLyrics.model_validate(json.loads(json.dumps(lyrics.to_dict()))) == lyrics
    check_storable([lyrics.lrc(), lyrics.srt()])
    assert lyrics.lrc().count("\n") == len(lyrics.lines) == lyrics.srt().count(" --> ")


def _check_style(data: Any, boost: StyleBoost) -> None:
    assert boost.style.strip()
    check_storable(boost.to_dict())


def _check_link(data: Any, link: str) -> None:
    assert link.lower().startswith(("http://", "https://"))
    check_plain(link)


def _check_usable(data: Any, usable: bool) -> None:
    assert usable is data["isAvailable"]


IDS = {"music_task_id": "m", "audio_id": "a"}
READERS: dict[Callable[[Any], Any], Callable[[Any, Any], None]] = {
    GetTimestampedLyricsRequest.build(IDS).read: _check_lyrics,
    BoostStyleRequest.build({"content": "folk"}).read: _check_style,
    DownloadUrlRequest.build({"url": "https://x/a.mp3"}).read: _check_link,
    CheckVoiceRequest.build({"voice_job_id": "j"}).read: _check_usable,
    **{
        lambda data, kind=kind: kind.read(data, ASKED): lambda _, record, kind=kind: _check_job_record(kind, record)
        for kind in KINDS
    },
    read_job_id: _check_job_id,
    lambda data: read_music_task(data, ASKED): _check_record,
    lambda data: read_persona(data, ASKED, AUDIO): _check_persona,
    read_uploaded_file: _check_uploaded_file,
    read_credits: _check_credits,
}


@hostile_replies(0.5)
@given(chaos())
def test_true_replies_that_were_damaged(made: Chaos) -> None:
    for _ in range(BATCH):
        envelope = made.mutated(made.random.choice(true_envelopes()))
        check_reply(made.status(), made.headers(), made.written(envelope), made.random.choice([APIKLEY, KIE, SUNOAPI]))


@hostile_replies(0.1)
@given(chaos())
def test_envelopes_that_hold_anything(made: Chaos) -> None:
    for _ in range(BATCH):
        check_reply(
            made.status(), made.headers(), made.written(made.envelope()), made.random.choice([APIKLEY, SUNOAPI])
        )


@hostile_replies(0.01, batch=1)
@given(st.integers(100, 999), st.dictionaries(texts(), texts(), max_size=3), st.binary(max_size=200), PROFILES)
def test_any_bytes(status: int, headers: dict[str, str], body: bytes, profile: HostProfile) -> None:
    check_reply(status, headers, body, profile)


@hostile_replies(0.01, batch=1)
@given(st.integers(100, 999), values(), values(), values(), PROFILES)
def test_any_json(status: int, code: Any, msg: Any, data: Any, profile: HostProfile) -> None:
    check_reply(status, {}, json.dumps({"code": code, "msg": msg, "data": data}).encode(), profile)
    check_reply(status, {}, json.dumps(data).encode(), profile)


@hostile_replies(0.01, batch=1)
@given(st.sampled_from([429, 503]), texts() | st.floats().map(str), texts())
@example(429, "1e308", "").via("a delay that is a number, but no time")
def test_any_delay(status: int, after: str, date: str) -> None:
    check_reply(status, {"Retry-After": after, "Date": date}, b'{"code": 429}')


@hostile_replies(0.15)
@given(chaos())
def test_true_records_that_were_damaged(made: Chaos) -> None:
    for _ in range(BATCH):
        figures["replies tried"] += 1
        check_data(made.mutated(made.random.choice([*true_records()[-3:], *finished_jobs()])))


@hostile_replies(0.01, batch=1)
@given(values())
@example({"taskId": []}).via("an empty value is no missing one")
@example({"task_id": "another"}).via("the other spelling of another's id")
def test_any_data(data: Any) -> None:
    figures["replies tried"] += 1
    check_data(data)
    check_data(
        {"taskId": ASKED, "response": data, "param": data, "status": data, "createTime": data, "errorCode": data}
    )
    check_data({"taskId": data, "personaId": data, "downloadUrl": data, "response": [{"id": data, "audioUrl": data}]})


@pytest.mark.parametrize("body", [*NESTED, *ENVELOPED], ids=lambda body: f"{body[:30]!r} {len(body)}")
def test_nesting_as_deep_as_the_stack(body: bytes) -> None:
    figures["replies tried"] += 1
    for depth in range(0, 60, 7):
        _at_depth(depth, partial(check_reply, 200, {}, body))


@pytest.mark.parametrize("depth", [500, 900, 940, 960, 980, 990, 5000])
def test_data_nested_as_deep_as_the_stack(depth: int) -> None:
    figures["replies tried"] += 1
    nested = Chaos(0).nested(depth)
    for name in ("task_id", "taskId", "param", "response", "status", "personaId", "downloadUrl"):
        _at_depth(depth % 7, partial(check_data, {"taskId": ASKED, name: nested}))
    for name in ("successFlag", "stems", "originData", "lyrics", "images", "midiData", "tracks", "voiceId"):
        _at_depth(depth % 7, partial(check_data, {"taskId": ASKED, name: nested}))
    check_data({"alignedWords": nested, "result": nested, "isAvailable": nested})
    check_data({"alignedWords": [{"word": nested, "startS": nested}], "successFlag": nested})
    check_data(nested)


def _at_depth(depth: int, action: Callable[[], None]) -> None:
    action() if depth == 0 else _at_depth(depth - 1, action)


@pytest.mark.parametrize(
    "letter", ["x", "\x1b", "\\", "🎵", "9", "[", "\n", "%", " ", "A"], ids=lambda letter: f"{letter!r}"
)
def test_very_long_values_are_read_in_time_and_shortened(letter: str) -> None:
    # What takes time in proportion to the square would take minutes; other work of the machine does not count.
    long = letter * (256 * 1024 // len(letter.encode()))
    began = time.process_time()
    for code in (200, 401, 799):
        check_reply(200, {"Retry-After": long[:60_000]}, json.dumps({"code": code, "msg": long, "data": long}).encode())
    check_reply(500, {"Location": long[:60_000]}, long.encode())
    check_reply(302, {"Location": long[:60_000]}, long.encode())
    fields = ("status", "errorMessage", "createTime", "errorCode", "type", "param", "response")
    record = {"taskId": ASKED, **dict.fromkeys(fields, long)}
    check_data(record)
    check_data({**record, "response": {"sunoData": [{"id": long, "audioUrl": "https://x/a.mp3", "modelName": long}]}})
    check_data({"taskId": long, "personaId": long, "downloadUrl": f"https://x/{long}"})
    names = ("successFlag", "voiceId", "validateInfo", "lyrics", "midiData", "stems", "originData", "images", "result")
    check_data({"taskId": ASKED, **dict.fromkeys(names, long)})
    check_data({"taskId": ASKED, "stems": {long: URL}, f"{long}Url": URL, "lyrics": [{"text": long, "title": long}]})
    check_data({"alignedWords": [{"word": long, "startS": long}], "status": "SUCCESS", "errorMsg": long})
    assert time.process_time() - began < 20
