"""Extensions and covers, and what happens when the source is missing."""

from __future__ import annotations

import re

import pytest

from tests.support.contract import MP3_FRAME, MP3_FRAME_SIZE, NEAREST_FRAME, OWN_SETTINGS, SUBMISSIONS, mp3_seconds

LIFETIME = 200
CALLS = list(SUBMISSIONS)


def _finished(caller, reply):
    assert reply["code"] == 200, reply
    caller.simulator.clock.advance(LIFETIME)
    return caller.record(reply["data"]["taskId"])


def _song(caller, **fields):
    return _finished(caller, {"code": 200, "data": {"taskId": caller.submitted(**fields)}})


def _tracks(record):
    return record["response"]["sunoData"]


def _heard(caller, track):
    """Return how long a track's file lasts; its last frame may end somewhat before or after the track does."""
    return pytest.approx(mp3_seconds(caller.media(track["audioUrl"]).content), abs=NEAREST_FRAME)


@pytest.mark.parametrize("call", CALLS)
def test_a_record_says_which_call_it_came_from(caller, call):
    source = _tracks(_song(caller))[0]
    fields = {"audioId": source["id"]} if call == "extend" else {"uploadUrl": source["audioUrl"]}
    before = caller.credits()
    record = _finished(caller, caller.submit(call, **fields))
    assert record["status"] == "SUCCESS"
    assert record["operationType"] == call.replace("-", "_")
    assert record["parentMusicId"] == (source["id"] if call == "extend" else "")
    assert record["type"] == "chirp-crow"
    assert next(iter(fields.values())) in record["param"]
    assert caller.credits() == before - 12


@pytest.mark.parametrize("call", ["extend", "upload-extend"])
@pytest.mark.parametrize("at", [2, 5.25])
def test_an_extension_begins_as_its_source_and_is_longer(caller, call, at):
    source = _tracks(_song(caller))[0]
    fields = {"audioId": source["id"]} if call == "extend" else {"uploadUrl": source["audioUrl"]}
    track, other = _tracks(_finished(caller, caller.submit(call, **fields, continueAt=at)))
    assert track["duration"] > source["duration"] + 5
    assert track["duration"] == _heard(caller, track)
    assert track["duration"] != other["duration"]
    old, new = (caller.media(one["audioUrl"]).content for one in (source, track))
    same = round(at / MP3_FRAME) * MP3_FRAME_SIZE
    assert old[:same] == new[:same]
    assert old != new[: len(old)]


def test_an_extension_can_be_extended(caller):
    source = _tracks(_song(caller))[0]
    lengths = [source["duration"]]
    for _ in range(3):
        source = _tracks(_finished(caller, caller.submit("extend", audioId=source["id"], continueAt=lengths[-1] - 1)))[
            0
        ]
        lengths.append(source["duration"])
    assert lengths == sorted(lengths)
    assert lengths[-1] > 24
    assert lengths[-1] == _heard(caller, source)


def test_a_cover_keeps_the_length_of_what_it_covers(caller):
    source = _tracks(_song(caller))[0]
    track = _tracks(_finished(caller, caller.submit("upload-cover", uploadUrl=source["audioUrl"])))[0]
    assert track["duration"] == source["duration"] == _heard(caller, track)


def test_audio_on_another_machine_is_assumed_to_exist(caller):
    assert _finished(caller, caller.submit("upload-cover"))["status"] == "SUCCESS"
    track = _tracks(_finished(caller, caller.submit("upload-extend", continueAt=60)))[0]
    assert 66 <= track["duration"] <= 72
    assert track["duration"] == _heard(caller, track)


@pytest.mark.parametrize(
    ("call", "fields"),
    [
        ("extend", {"audioId": "unheard-of"}),
        ("upload-cover", {"uploadUrl": "https://files.invalid/a.wav"}),
        ("upload-cover", {"uploadUrl": "ftp://files.example/a.wav"}),
        ("upload-extend", {"uploadUrl": "nowhere"}),
        ("upload-extend", {"uploadUrl": "http://["}),
        ("upload-extend", {"continueAt": 480}),
    ],
)
def test_a_missing_source_is_accepted_and_fails_later(caller, call, fields):
    before = caller.credits()
    reply = caller.submit(call, **fields)
    assert reply["code"] == 200
    assert caller.credits() == before - 12
    assert caller.record(reply["data"]["taskId"])["status"] == "PENDING"
    record = _finished(caller, reply)
    assert (record["status"], record["errorCode"]) == ("CREATE_TASK_FAILED", 531)
    assert record["errorMessage"]
    assert caller.credits() == before


def test_a_track_without_audio_is_no_source_yet(caller):
    music_task_id = caller.submitted()
    caller.simulator.clock.advance(30)
    audio_id = _tracks(caller.record(music_task_id))[0]["id"]
    assert _finished(caller, caller.submit("extend", audioId=audio_id))["status"] == "CREATE_TASK_FAILED"
    failed = caller.submitted(prompt="Rain [fail]")
    audio_id = caller.simulator.state.music_tasks[failed].audio_ids[0]
    url = f"{caller.simulator.url}/media/{audio_id}.mp3"
    assert _finished(caller, caller.submit("upload-cover", uploadUrl=url))["status"] == "CREATE_TASK_FAILED"


@pytest.mark.parametrize("call", CALLS)
def test_directives_work_in_every_call(caller, call):
    record = _finished(caller, caller.submit(call, prompt="La [fail:413]"))
    assert record["errorCode"] == 413


def test_the_settings_of_an_extension_are_the_source_s_or_its_own(caller):
    song = {"customMode": True, "instrumental": False, "prompt": "Mi", "style": "jazz", "title": "Tin Roof"}
    source = _tracks(_song(caller, **song))[0]

    def shown(**fields):
        track = _tracks(_finished(caller, caller.submit("extend", audioId=source["id"], **fields)))[0]
        return track["title"], track["tags"], track["prompt"]

    assert shown() == ("Tin Roof", "jazz", "Mi")
    assert shown(defaultParamFlag=True, **OWN_SETTINGS) == ("Rain", "folk", "La la")


def test_an_extension_of_an_extension_keeps_the_first_settings(caller):
    song = {"customMode": True, "instrumental": False, "prompt": "Mi", "style": "jazz", "title": "Tin Roof"}
    once = _tracks(_finished(caller, caller.submit("extend", audioId=_tracks(_song(caller, **song))[0]["id"])))[0]
    twice = _tracks(_finished(caller, caller.submit("extend", audioId=once["id"])))[0]
    assert (twice["title"], twice["tags"], twice["prompt"]) == ("Tin Roof", "jazz", "Mi")


@pytest.mark.parametrize(
    ("call", "title"), [("upload-cover", "Rain on a Tin Roof"), ("upload-extend", r"[A-Z][a-z]+ [A-Z][a-z]+")]
)
def test_a_song_without_a_title_gets_a_readable_one(caller, call, title):
    for track in _tracks(_finished(caller, caller.submit(call))):
        assert re.fullmatch(title, track["title"])


def test_a_title_that_the_mode_does_not_use_is_not_shown(caller):
    track = _tracks(_finished(caller, caller.submit("upload-extend", title="Unused", style="unused")))[0]
    assert track["title"] != "Unused"
    assert track["tags"] != "unused"


def test_a_persona_comes_from_a_track_of_any_call(caller):
    source = _tracks(_song(caller))[0]
    for call in CALLS:
        reply = caller.submit(call, **({"audioId": source["id"]} if call == "extend" else {}))
        track = _tracks(_finished(caller, reply))[0]
        persona = caller.persona(taskId=reply["data"]["taskId"], audioId=track["id"], name="N", description="D")
        assert persona["code"] == 200
        flag = "customMode" if call == "upload-cover" else "defaultParamFlag"
        sung = {"personaId": persona["data"]["personaId"], **OWN_SETTINGS}
        sung |= {"audioId": source["id"]} if call == "extend" else {}
        assert caller.submit(call, **sung, **{flag: True})["code"] == 200
        assert caller.submit(call, personaId=sung["personaId"])["code"] == 422
