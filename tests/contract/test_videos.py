"""Videos of tracks: the record, the file, the callback, and that there is one per track."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from airflow_provider_suno.simulator.jobs import make_stills
from airflow_provider_suno.simulator.jobs.melody import Melody, Note
from airflow_provider_suno.simulator.jobs.mp3 import mp3_of
from airflow_provider_suno.simulator.jobs.mp4 import m4a_of, mp4_of
from airflow_provider_suno.simulator.jobs.stills import STILLS_FILE, type_of, units_of
from tests.support.contract import NEAREST_FRAME, boxes_of, media_of

LIFETIME = 200


def _finished(caller, **fields):
    job_id = caller.converted("mp4", **fields)
    caller.simulator.clock.advance(LIFETIME)
    return caller.conversion("mp4", job_id)


def test_the_record_and_the_file(caller):
    track = caller.finished_track(1)
    job_id = caller.converted("mp4", **track, author="The Ferrymen", domainName="ferry.example")
    assert caller.conversion("mp4", job_id)["response"] is None
    caller.simulator.clock.advance(LIFETIME)
    record = caller.conversion("mp4", job_id)
    assert (record["successFlag"], record["musicId"], record["musicIndex"]) == ("SUCCESS", track["audioId"], 1)
    assert caller.credits() == 498.25
    response = caller.media(record["response"]["videoUrl"])
    assert response.headers["Content-Type"] == "video/mp4"
    song = caller.record(track["taskId"])["response"]["sunoData"][1]
    picture, sound = media_of(response.content)
    assert (picture["handler"], picture["width"], picture["height"]) == (b"vide", 192, 192)
    assert sound["handler"] == b"soun"
    assert b"".join(sound["samples"]) == caller.media(song["audioUrl"]).content
    assert sound["seconds"] == pytest.approx(song["duration"], abs=NEAREST_FRAME)
    assert picture["seconds"] == pytest.approx(sound["seconds"], abs=0.001)
    assert caller.media(record["response"]["videoUrl"], Range="bytes=4-7").content == b"ftyp"


def test_a_video_shows_one_picture_that_players_can_start_at_any_second(caller):
    url = _finished(caller, **caller.finished_track())["response"]["videoUrl"]
    picture, _ = media_of(caller.media(url).content)
    assert len(picture["samples"]) == -(-picture["seconds"] // 1)
    for sample in picture["samples"]:
        (size,) = struct.unpack(">I", sample[:4])
        assert (size, type_of(sample[4:])) == (len(sample) - 4, 5)
    # Two frames that follow each other must not have the same number.
    assert all(one != other for one, other in zip(picture["samples"], picture["samples"][1:], strict=False))
    assert len(set(picture["samples"])) == 2
    assert b"stss" not in {name for name, _ in boxes_of(caller.media(url).content)}


@pytest.mark.parametrize("notes", [(), (Note(60, 1),), (Note(57, 100),), (Note(57, 400), Note(81, 5))])
def test_a_melody_of_any_length_is_a_file(notes):
    melody = Melody(notes)
    for content in (mp4_of(melody, "a"), m4a_of(melody)):
        sound = media_of(content)[-1]
        assert b"".join(sound["samples"]) == mp3_of(melody)


def test_the_packaged_pictures():
    units = units_of(STILLS_FILE.read_bytes())
    assert [type_of(unit) for unit in units] == [7, 8] + [5] * 2 * make_stills.STILLS
    assert len(set(units)) == len(units)
    # The constrained baseline profile, which every player knows.
    assert (units[0][1], units[0][2] & 0xC0) == (66, 0xC0)
    assert STILLS_FILE.stat().st_size < 20_000


def test_a_track_has_one_video_unless_it_failed(caller):
    track = caller.finished_track()
    caller.order_conversion(kind="video", fail="GENERATE_MP4_FAILED")
    assert _finished(caller, **track)["successFlag"] == "GENERATE_MP4_FAILED"
    assert _finished(caller, **track)["successFlag"] == "SUCCESS"
    reply = caller.convert("mp4", **track)
    assert (reply["code"], reply["data"]) == (409, None)
    assert [job["charges"] - job["refunds"] for job in caller.ledger()["conversions"]] == [0, 1]


def test_the_callbacks(caller, receiver):
    record = _finished(caller, **caller.finished_track(), callBackUrl=receiver.url)
    receiver.wait(1, schema="VideoCallback")
    caller.order_conversion(kind="video", fail="GENERATE_MP4_FAILED")
    failed = _finished(caller, **caller.finished_track(), callBackUrl=receiver.url)
    done, error = receiver.wait(2, schema="VideoCallback")
    video: dict[str, Any] = {"task_id": record["taskId"], "video_url": record["response"]["videoUrl"]}
    assert (done["code"], done["data"]) == (200, video)
    assert (error["code"], error["data"]) == (500, {"task_id": failed["taskId"], "video_url": None})


def test_a_success_without_a_file_can_be_ordered(caller):
    caller.order_conversion(kind="video", empty=True)
    assert _finished(caller, **caller.finished_track())["response"] == {"videoUrl": None}
