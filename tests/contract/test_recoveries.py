"""Recoveries: new files for the tracks of a song, and a record whose envelope tells the progress."""

from __future__ import annotations

import pytest

from tests.support.contract import media_of

LIFETIME = 200
DAY = 24 * 3600


@pytest.fixture
def caller(caller):
    caller.play("kie")
    return caller


def _submitted(caller, music_task_id, **fields):
    reply = caller.recovery(sunoTaskId=music_task_id, **fields)
    assert reply["code"] == 200, reply
    assert list(reply["data"]) == ["task_id"]
    return reply["data"]["task_id"]


def _read(caller, job_id):
    return caller.call("GET", "/api/v1/suno/recovery/record-info", params={"task_id": job_id}).json()


def _finished(caller, music_task_id, **fields):
    job_id = _submitted(caller, music_task_id, **fields)
    caller.simulator.clock.advance(LIFETIME)
    return _read(caller, job_id)


def test_new_files_for_tracks_whose_own_are_gone(caller):
    music_task_id = caller.finished_track()["taskId"]
    tracks = caller.record(music_task_id)["response"]["sunoData"]
    sounds = [caller.media(track["audioUrl"]).content for track in tracks]
    caller.simulator.clock.advance(15 * DAY)
    assert {caller.media(track["audioUrl"]).status_code for track in tracks} == {404}
    job_id = _submitted(caller, music_task_id)
    running = _read(caller, job_id)
    assert (running["code"], running["data"]) == (201, None)
    caller.simulator.clock.advance(20)
    done = _read(caller, job_id)
    assert (done["code"], [track["id"] for track in done["data"]]) == (200, [track["id"] for track in tracks])
    for track, sound, old in zip(done["data"], sounds, tracks, strict=True):
        assert (track["status"], track["error"], track["title"]) == ("success", "", old["title"])
        response = caller.media(track["audio_url"])
        assert (track["audio_url"][-4:], response.headers["Content-Type"]) == (".m4a", "audio/mp4")
        assert response.content[4:12] == b"ftypM4A "
        (audio,) = media_of(response.content)
        assert (audio["handler"], b"".join(audio["samples"])) == (b"soun", sound)
    caller.simulator.clock.advance(14 * DAY)
    assert caller.media(done["data"][0]["audio_url"]).status_code == 404


def test_one_track_is_enough_and_none_is_a_failure(caller):
    whole, half = caller.submitted(), caller.submitted(prompt="Rain [fail:531:one-track]")
    caller.simulator.clock.advance(LIFETIME)
    none = caller.submitted(prompt="Rain [fail:501]")
    shown = [_finished(caller, music_task_id) for music_task_id in (whole, half, none)]
    assert [reply["code"] for reply in shown] == [200, 200, 500]
    assert [[track["status"] for track in reply["data"]] for reply in shown] == [
        ["success", "success"],
        ["success", "failed"],
        ["failed", "failed"],
    ]
    missing = shown[1]["data"][1]
    assert (missing["audio_url"], missing["error"]) == ("", "clip_not_complete")
    assert [job["status"] for job in caller.ledger()["conversions"]] == [200, 200, 500]


def test_the_callbacks_have_the_id_at_the_top(caller, receiver):
    music_task_id = caller.finished_track()["taskId"]
    job_id = _submitted(caller, music_task_id, callBackUrl=receiver.url)
    caller.simulator.clock.advance(LIFETIME)
    (body,) = receiver.wait(1, schema="RecoveryCallback")
    assert body == {"code": 200, "msg": "success", "task_id": job_id, "data": _read(caller, job_id)["data"]}
    caller.order_conversion(kind="recovery", fail=500, message="The account is gone.")
    failed = _finished(caller, music_task_id, callBackUrl=receiver.url)
    assert (failed["code"], failed["msg"]) == (500, "The account is gone.")
    assert {track["status"] for track in failed["data"]} == {"failed"}
    body = receiver.wait(2, schema="RecoveryCallback")[1]
    assert (body["code"], body["msg"], body["data"]) == (500, "The account is gone.", failed["data"])


def test_it_is_free_and_can_be_repeated(caller):
    music_task_id = caller.finished_track()["taskId"]
    first, second = (_finished(caller, music_task_id)["data"] for _ in range(2))
    assert first[0]["audio_url"] != second[0]["audio_url"]
    assert caller.ledger()["charges"] == []


def test_orders_and_unknown_ids(caller):
    music_task_id = caller.finished_track()["taskId"]
    caller.order_conversion(kind="recovery", stuck=True)
    assert _finished(caller, music_task_id)["code"] == 201
    caller.order_conversion(kind="recovery", empty=True)
    assert _finished(caller, music_task_id)["data"] == []
    reply = caller.recovery(sunoTaskId="0" * 32)
    assert (reply["code"], reply["msg"]) == (422, "Record does not exist")
    assert _read(caller, music_task_id)["code"] == 422


def test_polls_of_a_recovery_are_limited_too(caller):
    job_id = _submitted(caller, caller.finished_track()["taskId"])
    caller.control("POST", "settings", json={"read_limit": 2})
    path, params = "/api/v1/suno/recovery/record-info", {"task_id": job_id}
    statuses = [caller.call("GET", path, params=params).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert [entry["job_id"] for entry in caller.ledger()["requests"]] == [job_id] * 4
