"""Sounds and pictures: real, their own for every track, and there only when they should be."""

from __future__ import annotations

import io
import struct
import wave
import zlib

import pytest
import requests

from airflow_provider_suno.simulator.audio import melody_of, wav_of
from airflow_provider_suno.simulator.picture import png_of


def _seconds(content):
    with wave.open(io.BytesIO(content)) as sound:
        frames = sound.readframes(sound.getnframes())
        assert len(frames) == sound.getnframes() * sound.getsampwidth() * sound.getnchannels()
        return sound.getnframes() / sound.getframerate()


def _finished(caller, **fields):
    music_task_id = caller.submitted(**fields)
    caller.simulator.clock.advance(200)
    return caller.record(music_task_id)["response"]["sunoData"]


def test_the_sound_is_as_long_as_the_record_says_and_each_differs(caller):
    first, second = _finished(caller)
    contents = []
    for track in (first, second):
        assert track["audioUrl"].endswith(".wav")
        response = caller.media(track["audioUrl"])
        assert response.headers["Content-Type"] == "audio/wav"
        assert _seconds(response.content) == track["duration"]
        contents.append(response.content)
    assert contents[0] != contents[1]


def test_a_sound_is_a_melody_and_not_silence():
    with wave.open(io.BytesIO(wav_of(melody_of("a")))) as sound:
        frames = memoryview(sound.readframes(sound.getnframes())).cast("h")
    assert max(frames) > 3000
    assert min(frames) < -3000
    assert len({note.pitch for note in melody_of("a").notes}) > 3


def test_lengths_are_spread_over_six_to_twelve_seconds():
    durations = [melody_of(str(number)).duration for number in range(300)]
    assert 6 <= min(durations) < 6.5
    assert 11.5 < max(durations) <= 12
    assert all(_seconds(wav_of(melody_of(str(number)))) == durations[number] for number in range(10))


def _pixels(png):
    """Take a PNG apart and return its size and what its pixels decompress to."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    chunks, at = {}, 8
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        content = png[at + 8 : at + 8 + length]
        assert struct.unpack(">I", png[at + 8 + length : at + 12 + length])[0] == zlib.crc32(kind + content)
        chunks[kind] = content
        at += 12 + length
    assert list(chunks) == [b"IHDR", b"PLTE", b"IDAT", b"IEND"]
    width, height = struct.unpack(">II", chunks[b"IHDR"][:8])
    return (width, height), zlib.decompress(chunks[b"IDAT"])


def test_the_picture_is_a_png_and_differs(caller):
    first, second = _finished(caller)
    pictures = [caller.media(track["imageUrl"]) for track in (first, second)]
    for picture in pictures:
        assert picture.headers["Content-Type"] == "image/png"
        (width, height), pixels = _pixels(picture.content)
        assert len(pixels) == height * (width + 1)
        assert len(set(pixels)) > 2
        assert len(picture.content) < 5000
    assert pictures[0].content != pictures[1].content
    assert png_of("a") == png_of("a")


def test_audio_is_there_only_when_its_track_is(caller):
    music_task_id = caller.submitted()
    urls = [
        f"{caller.simulator.url}/media/{audio_id}.wav"
        for audio_id in caller.simulator.world.music_tasks[music_task_id].audio_ids
    ]
    shown = []
    for age in (0, 30, 61, 131):
        caller.simulator.clock.set(caller.simulator.world.music_tasks[music_task_id].created_at + age)
        shown.append([caller.media(url).status_code for url in urls])
    assert shown == [[404, 404], [404, 404], [200, 404], [200, 200]]


def test_files_are_deleted_after_fourteen_days(caller):
    url = _finished(caller)[0]["audioUrl"]
    caller.simulator.clock.advance(14 * 24 * 3600 - 200)
    assert caller.media(url).status_code == 200
    caller.simulator.clock.advance(400)
    assert caller.media(url).status_code == 404


def test_a_stream_plays_early_but_ends_badly_until_the_file_exists(caller):
    music_task_id = caller.submitted()
    audio_id = caller.simulator.world.music_tasks[music_task_id].audio_ids[0]
    url = f"{caller.simulator.url}/media/stream/{audio_id}"
    assert caller.media(url).status_code == 404
    caller.simulator.clock.advance(30)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        caller.media(url)
    caller.simulator.clock.advance(100)
    assert _seconds(caller.media(url).content) > 5


def test_pictures_and_sounds_of_nobody(caller):
    for name in ("nothing.wav", "nothing.png", "stream/nothing"):
        assert caller.media(f"{caller.simulator.url}/media/{name}").status_code == 404


def test_media_want_no_key_and_notice_one(caller):
    url = _finished(caller)[0]["audioUrl"]
    assert caller.media(url).status_code == 200
    assert caller.media(url, Authorization="Bearer sim-key").status_code == 200
    assert [entry["had_key"] for entry in caller.ledger()["downloads"]] == [False, True]


def test_media_refuse_bare_libraries(caller):
    url = _finished(caller)[0]["audioUrl"]
    response = requests.get(url, timeout=5)
    assert (response.status_code, response.text) == (403, "error code: 1010")


@pytest.mark.parametrize(
    ("asked", "status", "start", "end"),
    [
        ("bytes=0-99", 206, 0, 100),
        ("bytes=100-", 206, 100, None),
        ("bytes=5-99999999", 206, 5, None),
        ("bytes=-100", 206, -100, None),
        ("bytes=-99999999", 206, 0, None),
        ("bytes=-", 200, 0, None),
        ("lines=1-2", 200, 0, None),
    ],
)
def test_ranges(caller, asked, status, start, end):
    url = _finished(caller)[0]["audioUrl"]
    whole = caller.media(url).content
    response = caller.media(url, Range=asked)
    assert response.status_code == status
    assert response.content == whole[start:end]
    if status == 206:
        first = start % len(whole)
        assert response.headers["Content-Range"] == f"bytes {first}-{(end or len(whole)) - 1}/{len(whole)}"


@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=-0"])
def test_a_range_beyond_the_end(caller, asked):
    url = _finished(caller)[0]["audioUrl"]
    response = caller.media(url, Range=asked)
    assert (response.status_code, response.content) == (416, b"")


@pytest.mark.parametrize("address", ["audioUrl", "streamAudioUrl", "imageUrl"])
def test_looking_without_taking(caller, address):
    url = _finished(caller)[0][address]
    whole = caller.media(url)
    head = caller.session.head(url, headers={"User-Agent": "tests/1"}, timeout=5)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("Content-Length", "Content-Type"):
        assert head.headers[name] == whole.headers[name]
    assert caller.session.head(f"{caller.simulator.url}/media/nothing.wav", timeout=5).status_code == 403


def test_a_media_host_that_asks_for_a_key(caller):
    url = _finished(caller)[0]["audioUrl"]
    caller.order("status", "/media/*", http_status=401, body="Unauthorized")
    assert caller.media(url).status_code == 401
    assert caller.media(url).status_code == 200
