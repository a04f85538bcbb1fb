"""Audio files and pictures: valid, different for every track, and available only when they should be."""

from __future__ import annotations

import re
import shutil
import struct

import pytest
import requests

from airflow_provider_suno.simulator.jobs import make_notes
from airflow_provider_suno.simulator.jobs.melody import PITCHES, Melody, Note, melody_of
from airflow_provider_suno.simulator.jobs.mp3 import NOTES_FILE, mp3_of
from airflow_provider_suno.simulator.jobs.picture import jpeg_of
from tests.support.contract import MP3_FRAME, MP3_FRAME_SIZE, NEAREST_FRAME, mp3_seconds


def _finished(caller, **fields):
    music_task_id = caller.submitted(**fields)
    caller.simulator.clock.advance(200)
    return caller.record(music_task_id)["response"]["sunoData"]


def test_the_sound_is_as_long_as_the_record_says_and_each_differs(caller):
    first, second = _finished(caller)
    contents = []
    for track in (first, second):
        response = caller.media(track["audioUrl"])
        assert response.headers["Content-Type"] == "audio/mpeg"
        assert mp3_seconds(response.content) == pytest.approx(track["duration"], abs=NEAREST_FRAME)
        contents.append(response.content)
    assert contents[0] != contents[1]


def test_the_names_of_the_files(caller):
    for track in _finished(caller):
        made = re.fullmatch(r".*/media/(\d{13})-[0-9a-z]{11}\.mp3", track["audioUrl"])
        assert int(made[1]) == track["createTime"]
        assert re.fullmatch(r".*/media/[0-9a-f]{32}\.jpeg", track["imageUrl"])
        assert re.fullmatch(r".*/media/stream/[0-9a-f-]{36}", track["streamAudioUrl"])


def test_a_file_is_served_under_its_own_name_only(caller):
    for track in _finished(caller):
        for url in (track["audioUrl"], track["imageUrl"]):
            stem, _, extension = url.rpartition(".")
            other = {"mp3": "jpeg", "jpeg": "mp3"}[extension]
            assert [caller.media(f"{stem}.{each}").status_code for each in (extension, other)] == [200, 404]


def test_a_melody_has_several_notes():
    assert len({note.pitch for note in melody_of("a").notes}) > 3


def test_lengths_are_spread_over_six_to_twelve_seconds():
    durations = [melody_of(str(number)).duration for number in range(300)]
    assert 6 <= min(durations) < 6.5
    assert 11.5 < max(durations) <= 12
    heard = [mp3_seconds(mp3_of(melody_of(str(number)))) for number in range(10)]
    assert heard == pytest.approx(durations[:10], abs=NEAREST_FRAME)


def test_the_packaged_notes_can_be_joined_in_any_order():
    content = NOTES_FILE.read_bytes()
    frames = [content[at : at + MP3_FRAME_SIZE] for at in range(0, len(content), MP3_FRAME_SIZE)]
    assert mp3_seconds(content) == pytest.approx(len(frames) * MP3_FRAME)
    # MPEG-1 Layer III without a checksum, 32 kbit/s, 48 kHz, no padding, one channel: 96 bytes each.
    assert {frame[:4] for frame in frames} == {b"\xff\xfb\x14\xc4"}
    # The first nine bits after the header say how far back a frame's data begins.
    assert {int.from_bytes(frame[4:6], "big") >> 7 for frame in frames} == {0}
    assert len(set(frames)) > len(frames) // 2


@pytest.mark.skipif(shutil.which("lame") is None, reason="needs LAME")
def test_the_notes_can_be_made_again(tmp_path, monkeypatch):
    again = tmp_path / "notes.mp3"
    monkeypatch.setattr(make_notes, "NOTES_FILE", again)
    make_notes.main()
    assert mp3_seconds(again.read_bytes()) == mp3_seconds(NOTES_FILE.read_bytes())


@pytest.mark.parametrize("notes", [(), (Note(60, 1),), (Note(60, 1),) * 3, (Note(57, 400), Note(81, 5))])
def test_a_melody_of_any_length_is_a_file(notes):
    melody = Melody(notes)
    assert mp3_seconds(mp3_of(melody)) == pytest.approx(melody.duration, abs=MP3_FRAME)


def test_each_pitch_sounds_its_own():
    assert len({mp3_of(Melody((Note(pitch, 30),))) for pitch in PITCHES}) == len(PITCHES)


def _segments(jpeg):
    """Take a JPEG apart and return its segments, by marker, and what is scanned."""
    assert jpeg.startswith(b"\xff\xd8")
    segments, at = {}, 2
    while 0xDA not in segments:
        mark, marker, length = struct.unpack(">BBH", jpeg[at : at + 4])
        assert mark == 0xFF
        segments.setdefault(marker, []).append(jpeg[at + 4 : at + 2 + length])
        at += 2 + length
    assert jpeg.endswith(b"\xff\xd9")
    scanned = jpeg[at:-2]
    assert b"\xff" not in scanned.replace(b"\xff\x00", b"")
    return segments, scanned.replace(b"\xff\x00", b"\xff")


def _codes(table):
    """Return the codes of a Huffman table, as texts of bits, with the value of each."""
    codes, code, values = {}, 0, iter(table[17:])
    for length, count in enumerate(table[1:17], 1):
        for _ in range(count):
            codes[f"{code:0{length}b}"] = next(values)
            code += 1
        code <<= 1
    return codes


def _colours(scanned, squares, codes):
    """Decode the scan of a picture whose squares have one colour each, and return them."""
    bits = "".join(f"{byte:08b}" for byte in scanned)
    at, colours, last = 0, [], [0, 0, 0]

    def symbol(table):
        nonlocal at
        for length in range(1, 17):
            if (found := table.get(bits[at : at + length])) is not None:
                at += length
                return found
        raise AssertionError(f"no code at bit {at}")

    for _ in range(squares):
        for channel in range(3):
            category = symbol(codes[0])
            read = bits[at : at + category]
            at += category
            last[channel] += 0 if not category else int(read, 2) - (0 if read[0] == "1" else 2**category - 1)
            assert symbol(codes[1]) == 0
        colours.append(tuple(last))
    assert len(bits) - at < 8
    return colours


def test_the_picture_is_a_jpeg_and_differs(caller):
    first, second = _finished(caller)
    pictures = [caller.media(track["imageUrl"]) for track in (first, second)]
    for picture in pictures:
        assert picture.headers["Content-Type"] == "image/jpeg"
        segments, scanned = _segments(picture.content)
        assert segments[0xE0][0].startswith(b"JFIF\0")
        precision, height, width, channels = struct.unpack(">BHHB", segments[0xC0][0][:6])
        assert (precision, height, width, channels) == (8, 192, 192, 3)
        colours = _colours(scanned, (192 // 8) ** 2, [_codes(table) for table in segments[0xC4]])
        # A ground and at most five discs.
        assert 2 < len(set(colours)) <= 6
        assert all(-128 <= value <= 127 for colour in colours for value in colour)
        assert len(picture.content) < 5000
    assert pictures[0].content != pictures[1].content
    assert jpeg_of("a") == jpeg_of("a")


def test_audio_is_available_only_when_its_track_is(caller):
    music_task_id = caller.submitted()
    urls = [
        f"{caller.simulator.url}/media/{name}"
        for task in [caller.simulator.state.music_tasks[music_task_id]]
        for name in map(task.audio_file, task.audio_ids)
    ]
    shown = []
    for age in (0, 30, 61, 131):
        caller.simulator.clock.set(caller.simulator.state.music_tasks[music_task_id].created_at + age)
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
    audio_id = caller.simulator.state.music_tasks[music_task_id].audio_ids[0]
    url = f"{caller.simulator.url}/media/stream/{audio_id}"
    assert caller.media(url).status_code == 404
    caller.simulator.clock.advance(30)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        caller.media(url)
    caller.simulator.clock.advance(100)
    assert mp3_seconds(caller.media(url).content) > 5


def test_unknown_pictures_and_audio_files(caller):
    for name in ("nothing.mp3", "nothing.jpeg", "nothing", "stream/nothing"):
        assert caller.media(f"{caller.simulator.url}/media/{name}").status_code == 404


def test_media_need_no_key_and_the_ledger_notes_one(caller):
    url = _finished(caller)[0]["audioUrl"]
    assert caller.media(url).status_code == 200
    assert caller.media(url, Authorization="Bearer sim-key").status_code == 200
    assert [entry["had_key"] for entry in caller.ledger()["downloads"]] == [False, True]


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
def test_head_requests(caller, address):
    url = _finished(caller)[0][address]
    whole = caller.media(url)
    head = caller.session.head(url, headers={"User-Agent": "tests/1"}, timeout=5)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("Content-Length", "Content-Type"):
        assert head.headers[name] == whole.headers[name]
    assert caller.session.head(f"{caller.simulator.url}/media/nothing.mp3", timeout=5).status_code == 404


def test_a_media_host_that_asks_for_a_key(caller):
    url = _finished(caller)[0]["audioUrl"]
    caller.order("status", "/media/*", http_status=401, body="Unauthorized")
    assert caller.media(url).status_code == 401
    assert caller.media(url).status_code == 200
