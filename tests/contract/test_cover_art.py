"""Cover art: the record with its numeric flags, the pictures, the callback, and that a song has it once."""

from __future__ import annotations

import struct
import zlib

import pytest

LIFETIME = 200


def _finished(caller, **fields):
    job_id = caller.converted("suno/cover", **fields)
    caller.simulator.clock.advance(LIFETIME)
    return caller.conversion("suno/cover", job_id)


def _song(caller):
    return {"taskId": caller.finished_track()["taskId"]}


def test_the_flags_from_beginning_to_end(caller):
    song = _song(caller)
    job_id = caller.converted("suno/cover", **song)
    created_at = caller.simulator.clock.now()
    shown = []
    for age in (0, 4.9, 5, 119.9, 170):
        caller.simulator.clock.set(created_at + age)
        record = caller.conversion("suno/cover", job_id)
        assert record["parentTaskId"] == song["taskId"]
        shown.append((record["successFlag"], record["response"] is not None, record["completeTime"] is not None))
    assert shown == [*[(0, False, False)] * 2, *[(2, False, False)] * 2, (1, True, True)]
    assert caller.credits() == 500.25
    assert caller.ledger()["charges"] == []


def test_the_pictures_are_real_and_differ(caller):
    pictures = [
        caller.media(url) for song in (1, 2) for url in _finished(caller, **_song(caller))["response"]["images"]
    ]
    kinds = [picture.headers["Content-Type"] for picture in pictures]
    assert kinds == ["image/png", "image/jpeg"] * 2
    assert len({picture.content for picture in pictures}) == 4
    png, jpeg = pictures[0].content, pictures[1].content
    assert (jpeg[:3], jpeg[-2:]) == (b"\xff\xd8\xff", b"\xff\xd9")
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    chunks, at = {}, 8
    while at < len(png):
        size, kind = struct.unpack(">I4s", png[at : at + 8])
        content = png[at + 8 : at + 8 + size]
        assert struct.unpack(">I", png[at + 8 + size : at + 12 + size])[0] == zlib.crc32(kind + content)
        chunks[kind] = content
        at += size + 12
    assert list(chunks) == [b"IHDR", b"IDAT", b"IEND"]
    width, height, depth, colours = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    assert (width, height, depth, colours) == (192, 192, 8, 2)
    rows = zlib.decompress(chunks[b"IDAT"])
    assert len(rows) == height * (1 + 3 * width)
    pixels = {rows[y + 1 + 3 * x : y + 4 + 3 * x] for y in range(0, len(rows), 1 + 3 * width) for x in range(width)}
    assert 2 < len(pixels) <= 6


@pytest.mark.parametrize("host", ["apikley", "kie", "sunoapi"])
@pytest.mark.parametrize("age", [0, LIFETIME])
def test_a_second_request_is_answered_as_the_reseller_does(caller, host, age):
    caller.play(host)
    song = _song(caller)
    job_id = caller.converted("suno/cover", **song)
    caller.simulator.clock.advance(age)
    reply = caller.convert("suno/cover", **song)
    if host == "sunoapi":
        assert (reply["code"], reply["data"]) == (409, None)
    else:
        assert (reply["code"], reply["data"]) == (400, {"taskId": job_id})
    assert [entry["rule"] for entry in caller.ledger()["requests"]] == [None, "cover_art_exists"]


def test_a_failed_one_may_be_repeated(caller):
    song = _song(caller)
    caller.order_conversion(kind="cover_art", fail=3, code=501)
    failed = _finished(caller, **song)
    assert (failed["successFlag"], failed["errorCode"], failed["response"]) == (3, 501, None)
    assert _finished(caller, **song)["successFlag"] == 1


def test_the_callbacks(caller, receiver):
    record = _finished(caller, **_song(caller), callBackUrl=receiver.url)
    receiver.wait(1, schema="CoverArtCallback")
    for code, sent in ((531, 531), (455, 500)):
        caller.order_conversion(kind="cover_art", fail=3, code=code)
        _finished(caller, **_song(caller), callBackUrl=receiver.url)
        failed = receiver.wait(2 if code == 531 else 3, schema="CoverArtCallback")[-1]
        assert (failed["code"], failed["data"]["images"]) == (sent, None)
    done = receiver.got[0]
    assert done["data"] == {"taskId": record["taskId"], "images": record["response"]["images"]}


def test_only_finished_songs_have_cover_art(caller):
    running = caller.submitted()
    reply = caller.convert("suno/cover", taskId=running)
    assert (reply["code"], reply["data"]) == (422, None)
    reply = caller.convert("suno/cover", taskId="0" * 32)
    assert (reply["code"], reply["msg"]) == (422, "Record does not exist")
