"""The other calls that make music: additions to audio, replaced sections, mashups, sounds; and the newer fields."""

from __future__ import annotations

import pytest

from tests.support.contract import (
    MP3_FRAME,
    MP3_FRAME_SIZE,
    NEAREST_FRAME,
    OTHER_SUBMISSIONS,
    OWN_SETTINGS,
    mp3_seconds,
)

LIFETIME = 200
PRICES = {"add-instrumental": 12, "add-vocals": 12, "replace-section": 5, "mashup": 12, "sounds": 2.5}
CODENAMES = {"add-instrumental": "chirp-bluejay", "add-vocals": "chirp-bluejay"}
EACH_CALL = pytest.mark.parametrize("call", OTHER_SUBMISSIONS)


def _finished(caller, call, **fields):
    reply = caller.submit(call, **fields)
    assert reply["code"] == 200, reply
    caller.simulator.clock.advance(LIFETIME)
    return caller.record(reply["data"]["taskId"])


def _tracks(record):
    return record["response"]["sunoData"]


def _song(caller, seconds=60):
    """Return the fields that name a track of a finished song of this length."""
    music_task_id = caller.submitted(prompt=f"Rain [seconds:{seconds}]")
    caller.simulator.clock.advance(LIFETIME)
    return {"taskId": music_task_id, "audioId": _tracks(caller.record(music_task_id))[0]["id"]}


def _content(caller, audio_id):
    return caller.media(f"{caller.simulator.url}/media/{audio_id}.mp3").content


@EACH_CALL
def test_a_record_says_which_call_it_came_from_and_what_it_cost(caller, call):
    fields = _song(caller) if call == "replace-section" else {}
    before = caller.credits()
    record = _finished(caller, call, **fields)
    assert (record["status"], record["operationType"]) == ("SUCCESS", call.replace("-", "_"))
    assert record["type"] == _tracks(record)[0]["modelName"] == CODENAMES.get(call, "chirp-crow")
    assert record["parentMusicId"] == fields.get("audioId", "")
    assert len(_tracks(record)) == 2
    assert caller.credits() == before - PRICES[call]
    (entry,) = (entry for entry in caller.ledger()["charges"] if entry["job_id"] == record["taskId"])
    assert (entry["kind"], entry["job_kind"], entry["amount"]) == ("charge", "music", PRICES[call])


@EACH_CALL
def test_a_failure_is_refunded(caller, call):
    source = _song(caller) if call == "replace-section" else {}
    words, before = "tags" if call == "add-instrumental" else "prompt", caller.credits()
    record = _finished(caller, call, **source, **{words: "Rain [fail:413]"})
    assert (record["status"], record["errorCode"]) == ("GENERATE_AUDIO_FAILED", 413)
    assert caller.credits() == before
    assert caller.ledger()["charges"][-1]["amount"] == PRICES[call]


@pytest.mark.parametrize(
    ("call", "fields"),
    [
        ("add-instrumental", {"uploadUrl": "https://files.invalid/a.wav"}),
        ("add-vocals", {"uploadUrl": "http://127.0.0.1:1/a.wav"}),
        ("replace-section", {}),
        ("mashup", {"uploadUrlList": ["https://files.example/a.wav", "https://files.invalid/b.wav"]}),
        ("mashup", {"uploadUrlList": ["https://files.example/a.wav", "http://127.0.0.1:1/b.wav"]}),
    ],
)
def test_a_missing_source_is_accepted_and_fails_later(caller, call, fields):
    before = caller.credits()
    record = _finished(caller, call, **fields)
    assert (record["status"], record["errorCode"]) == ("CREATE_TASK_FAILED", 531)
    assert caller.credits() == before


def test_a_track_of_another_song_has_no_section_to_replace(caller):
    one, other = _song(caller), _song(caller)
    record = _finished(caller, "replace-section", taskId=one["taskId"], audioId=other["audioId"])
    assert record["status"] == "CREATE_TASK_FAILED"


@pytest.mark.parametrize("call", ["add-instrumental", "add-vocals"])
def test_an_addition_is_as_long_as_the_audio(caller, call):
    url = f"{caller.simulator.url}/media/{_song(caller, 23)['audioId']}.mp3"
    first, second = _tracks(_finished(caller, call, uploadUrl=url))
    assert first["duration"] == second["duration"] == 23
    assert mp3_seconds(_content(caller, first["id"])) == pytest.approx(23, abs=NEAREST_FRAME)
    assert first["prompt"] == ("La la" if call == "add-vocals" else "")
    assert (first["title"], first["tags"]) == ("Rain", "folk")


def test_only_the_section_of_a_track_is_new(caller):
    source = _song(caller, 40)
    track = _tracks(_finished(caller, "replace-section", **source, infillStartS=12, infillEndS=24))[0]
    assert track["duration"] == 40
    assert (track["tags"], track["prompt"]) == ("folk", "Rain\nLa la")
    old, new = _content(caller, source["audioId"]), _content(caller, track["id"])
    assert len(old) == len(new)
    start, end = (round(second / MP3_FRAME) * MP3_FRAME_SIZE for second in (12, 24))
    assert old[:start] == new[:start]
    assert old[start:end] != new[start:end]
    # The note that is cut in two begins anew: compare what follows it.
    assert old[end + 60 * MP3_FRAME_SIZE :] == new[end + 60 * MP3_FRAME_SIZE :]


def test_a_section_of_audio_at_an_address(caller):
    caller.play("sunoapi")
    fields = {"uploadUrl": "https://files.example/a.wav", "model": "V6", "infillStartS": 90, "infillEndS": 120}
    names = {name: value for name, value in OTHER_SUBMISSIONS["replace-section"].items() if name[-2:] != "Id"}
    reply = caller.call("POST", "/api/v1/generate/replace-section", json={**names, **fields}).json()
    caller.simulator.clock.advance(LIFETIME)
    record = caller.record(reply["data"]["taskId"])
    assert (record["status"], record["type"]) == ("SUCCESS", "chirp-six")
    assert _tracks(record)[0]["duration"] >= 120


def test_a_mashup_is_as_long_as_the_longer_of_its_sources(caller):
    urls = [f"{caller.simulator.url}/media/{_song(caller, seconds)['audioId']}.mp3" for seconds in (14, 31)]
    assert _tracks(_finished(caller, "mashup", uploadUrlList=urls))[0]["duration"] == 31


def test_a_sound_is_made_sooner_and_has_lyrics_only_if_asked(caller):
    plain, sung = (caller.submit("sounds", grabLyrics=grab)["data"]["taskId"] for grab in (False, True))
    caller.simulator.clock.advance(31)
    assert caller.record(plain)["status"] == "SUCCESS"
    assert [bool(_tracks(caller.record(job_id))[0]["prompt"]) for job_id in (plain, sung)] == [False, True]


@pytest.mark.parametrize("host", ["kie", "sunoapi"])
def test_a_song_lasts_as_long_as_asked(caller, host):
    caller.play(host)
    own = {"customMode": True, "style": "folk", "title": "Rain", "model": "V6", "duration": 75}
    music_task_id = caller.submitted(**own)
    caller.simulator.clock.advance(LIFETIME)
    assert {track["duration"] for track in _tracks(caller.record(music_task_id))} == {75}
    mashup = _finished(caller, "mashup", model="V5_5", duration=12)
    assert _tracks(mashup)[0]["duration"] == 12


def test_lyrics_go_before_the_prompt_and_an_instrumental_extension_has_none(caller):
    caller.play("kie")
    sung = _finished(caller, "mashup", prompt="La", lyrics="Lo", model="V6")
    assert _tracks(sung)[0]["prompt"] == "Lo"
    own = {name: value for name, value in OWN_SETTINGS.items() if name != "prompt"}
    audio_id = _song(caller)["audioId"]
    for fields in ({"defaultParamFlag": True, **own}, {"defaultParamFlag": False}):
        reply = caller.submit("extend", audioId=audio_id, instrumental=True, **fields)
        caller.simulator.clock.advance(LIFETIME)
        assert _tracks(caller.record(reply["data"]["taskId"]))[0]["prompt"] == ""


@pytest.mark.parametrize(
    ("call", "kinds"),
    [
        ("add-vocals", ["text", "first", "complete"]),
        ("mashup", ["text", "first", "complete"]),
        ("sounds", ["text", "first", "complete"]),
        ("replace-section", ["complete"]),
    ],
)
def test_callbacks(caller, receiver, call, kinds):
    source = _song(caller) if call == "replace-section" else {}
    job_id = caller.submit(call, **source, callBackUrl=receiver.url)["data"]["taskId"]
    caller.simulator.clock.advance(LIFETIME)
    receiver.wait_for_nothing_more(len(kinds))
    assert receiver.kinds() == kinds
    assert {body["data"]["task_id"] for body in receiver.got} == {job_id}


@pytest.mark.parametrize("call", ["replace-section", "sounds"])
def test_the_callback_of_a_failure(caller, receiver, call):
    caller.submit(call, prompt="Rain [fail:500]", callBackUrl=receiver.url)
    caller.simulator.clock.advance(LIFETIME)
    body = receiver.wait(1 if call == "replace-section" else 2)[-1]
    assert (body["code"], body["data"]["callbackType"]) == (500, "error")
    assert body["data"].get("error") == (body["msg"] if call == "replace-section" else None)


@pytest.mark.parametrize("call", ["replace-section", "sounds"])
@pytest.mark.parametrize("url", [{}, {"callBackUrl": ""}, {"callBackUrl": " "}])
def test_without_an_address_there_is_no_callback(caller, call, url):
    source = _song(caller) if call == "replace-section" else {}
    record = _finished(caller, call, **source, **url)
    assert record["status"] == "SUCCESS"
    assert caller.simulator.state.callback_queue.find(record["taskId"], "complete") is None


@EACH_CALL
def test_a_lost_reply_was_charged_all_the_same(caller, call):
    before = caller.credits()
    caller.order("drop_after", path=f"*/{call}")
    with pytest.raises(OSError, match="Connection aborted"):
        caller.submit(call)
    assert caller.credits() == before - PRICES[call]
    (entry,) = (entry for entry in caller.ledger()["requests"] if entry["fault"] == "drop_after")
    assert (entry["accepted"], entry["job_id"] in caller.simulator.state.music_tasks) == (True, True)
