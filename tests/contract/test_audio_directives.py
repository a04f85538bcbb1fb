"""The directives ``[audio:...]``: what the record shows, and what its addresses serve."""

from __future__ import annotations

import pytest

LIFETIME = 200
ADDRESSES = ("audioUrl", "sourceAudioUrl", "sourceStreamAudioUrl", "streamAudioUrl")


def _done(caller, prompt, age=LIFETIME):
    """Return a song's record at an age."""
    music_task_id = caller.submitted(prompt=f"Rain {prompt}")
    caller.simulator.clock.set(caller.simulator.state.music_tasks[music_task_id].created_at + age)
    return caller.told(music_task_id)


def _tracks(record):
    return record["response"]["sunoData"]


def _whole(track):
    return all(track[address] for address in ADDRESSES) and track["duration"] is not None


def test_a_success_without_the_address_of_its_file(caller):
    music_task_id = caller.submitted(prompt="Rain [audio:null]")
    for age, rendered in ((61, 1), (LIFETIME, 2)):
        caller.simulator.clock.set(caller.simulator.state.music_tasks[music_task_id].created_at + age)
        # The contract has it too.
        tracks = _tracks(caller.record(music_task_id))
        assert [track["audioUrl"] for track in tracks] == [None] * rendered + [""] * (2 - rendered)
    for track in tracks:
        assert caller.media(track["sourceAudioUrl"]).status_code == 200
        assert track["duration"] > 5


@pytest.mark.parametrize(
    ("how", "ending", "status"), [("forbidden", "/media/api/forbidden", 403), ("none", "/media/None.mp3", 404)]
)
def test_a_placeholder_serves_no_audio(caller, how, ending, status):
    record = _done(caller, f"[audio:{how}]")
    assert record["status"] == "SUCCESS"
    for track in _tracks(record):
        assert track["audioUrl"] == caller.simulator.url + ending
        assert caller.media(track["audioUrl"]).status_code == status
        assert (track["sourceAudioUrl"], track["sourceStreamAudioUrl"]) == (None, None)


def test_an_empty_address(caller):
    record = _done(caller, "[audio:empty]")
    assert record["status"] == "SUCCESS"
    assert [(track["audioUrl"], track["sourceAudioUrl"]) for track in _tracks(record)] == [("", None)] * 2


def test_a_success_without_any_address(caller):
    record = _done(caller, "[audio:nothing]")
    assert record["status"] == "SUCCESS"
    for track in _tracks(record):
        assert {track[name] for name in (*ADDRESSES, "duration")} == {None}


@pytest.mark.parametrize("how", ["empty", "nothing"])
def test_the_contract_allows_no_success_without_any_file(caller, how):
    music_task_id = caller.submitted(prompt=f"Rain [audio:{how}]")
    caller.simulator.clock.advance(LIFETIME)
    with pytest.raises(AssertionError, match="not valid under any of the given schemas"):
        caller.record(music_task_id)


@pytest.mark.parametrize(("number", "whole"), [(1, [False, True]), (2, [True, False])])
def test_one_broken_track_in_a_success(caller, number, whole):
    record = _done(caller, f"[audio:nothing:{number}]")
    assert record["status"] == "SUCCESS"
    assert [_whole(track) for track in _tracks(record)] == whole


@pytest.mark.parametrize("order", ["null:late", "forbidden:late", "nothing:2:late"])
def test_the_right_addresses_may_follow(caller, order):
    music_task_id = caller.submitted(prompt=f"Rain [audio:{order}]")
    task = caller.simulator.state.music_tasks[music_task_id]
    done = task.lifecycle.start_of("SUCCESS")
    shown = []
    for age in (done, done + 29.9, done + 30):
        caller.simulator.clock.set(task.created_at + age)
        record = caller.told(music_task_id)
        shown.append((record["status"], all(_whole(track) for track in _tracks(record))))
    assert shown == [("SUCCESS", False), ("SUCCESS", False), ("SUCCESS", True)]


@pytest.mark.parametrize(
    ("marker", "code"), [("GENERATE_AUDIO_FAILED:one-track", 501), ("531:one-track", 531), ("413:one-track", 413)]
)
def test_a_failure_beside_one_complete_track(caller, marker, code):
    before = caller.credits()
    music_task_id = caller.submitted(prompt=f"Rain [fail:{marker}]")
    caller.simulator.clock.advance(LIFETIME)
    record = caller.record(music_task_id)
    assert (record["status"], record["errorCode"]) == ("GENERATE_AUDIO_FAILED", code)
    assert record["errorMessage"]
    tracks = _tracks(record)
    assert [_whole(track) for track in tracks] == [True, False]
    assert caller.media(tracks[0]["audioUrl"]).status_code == 200
    assert caller.credits() == before


@pytest.mark.parametrize("status", ["GENERATE_AUDIO_FAILED", "CREATE_TASK_FAILED", "SENSITIVE_WORD_ERROR"])
def test_a_failure_with_its_message_in_the_response(caller, status):
    music_task_id = caller.submitted(prompt=f"Rain [fail:{status}:in-response]")
    caller.simulator.clock.advance(LIFETIME)
    record = caller.record(music_task_id)
    assert (record["status"], record["errorMessage"]) == (status, None)
    assert record["response"]["sunoData"] == []
    assert record["response"]["errorMessage"]


def test_defects_set_by_the_control_plane(caller):
    caller.control("POST", "settings", json={"audio": "null:2"})
    assert [track["audioUrl"] is None for track in _tracks(_done(caller, ""))] == [False, True]
    assert {track["audioUrl"] for track in _tracks(_done(caller, "[audio:empty]"))} == {""}
    caller.control("POST", "settings", json={"audio": None})
    assert all(_whole(track) for track in _tracks(_done(caller, "")))


@pytest.mark.parametrize(
    ("order", "whole"),
    [
        ({"prompt": "[audio:nothing]"}, [False, False]),
        ({"status": "GENERATE_AUDIO_FAILED", "prompt": "[fail:GENERATE_AUDIO_FAILED:one-track]"}, [True, False]),
        ({"status": "GENERATE_AUDIO_FAILED"}, [False, False]),
    ],
)
def test_defects_of_a_seeded_music_task(caller, order, whole):
    seeded = caller.control("POST", "tasks", json=order)
    assert seeded["status"] == order.get("status", "SUCCESS")
    assert [_whole(track) for track in _tracks(caller.told(seeded["music_task_id"]))] == whole
