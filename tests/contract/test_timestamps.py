"""When each word of a track is sung: paid, and answered at once."""

from __future__ import annotations

import re

import pytest

from airflow_provider_suno.simulator.jobs.melody import melody_of
from airflow_provider_suno.simulator.kinds.timestamps.aligned_words import timestamped_lyrics, words_of

PATH = "/api/v1/generate/get-timestamped-lyrics"
LYRICS = "[Verse]\nRain on a tin roof\nAll night long\n\n[Chorus]\n[Softly] Let it rain\n"
SUNG = {"customMode": True, "instrumental": False, "prompt": LYRICS, "style": "folk", "title": "Rain"}


def _finished(caller, **fields):
    music_task_id = caller.submitted(**fields)
    caller.simulator.clock.advance(200)
    return caller.record(music_task_id)["response"]["sunoData"][1], music_task_id


def _ask(caller, **fields):
    return caller.call("POST", PATH, json=fields).json()


def _plain(text):
    """Return the sung words of lyrics."""
    return re.sub(r"\[[^\]]*\]", " ", text).split()


@pytest.mark.parametrize("fields", [SUNG, {"instrumental": False, "prompt": "Rain, all night"}])
def test_the_words_are_those_of_the_track_in_order_and_within_it(caller, fields):
    track, music_task_id = _finished(caller, **fields)
    before = caller.credits()
    data = _ask(caller, taskId=music_task_id, audioId=track["id"])["data"]
    words = data["alignedWords"]
    assert _plain(" ".join(word["word"] for word in words)) == _plain(track["prompt"])
    assert "".join(" ".join(word["word"] for word in words).split()) == "".join(track["prompt"].split())
    times = [time for word in words for time in (word["startS"], word["endS"])]
    assert times == sorted(times)
    assert 0 <= times[0] < times[-1] <= track["duration"]
    assert len(data["waveformData"]) == pytest.approx(track["duration"] * 10, abs=1)
    assert caller.credits() == before - 0.5


def test_an_instrumental_has_no_words(caller):
    track, music_task_id = _finished(caller)
    data = _ask(caller, taskId=music_task_id, audioId=track["id"])["data"]
    assert data == {"alignedWords": [], "waveformData": [], "hootCer": None, "isStreamed": False}


def test_every_call_is_charged_and_none_is_a_job(caller):
    track, music_task_id = _finished(caller, **SUNG)
    before, answers = caller.credits(), [_ask(caller, taskId=music_task_id, audioId=track["id"]) for _ in range(2)]
    assert answers[0] == answers[1]
    assert caller.credits() == before - 1
    ledger = caller.ledger()
    assert [(c["job_kind"], c["job_id"], c["amount"]) for c in ledger["charges"][1:]] == [
        ("timestamps", music_task_id, 0.5)
    ] * 2
    assert [entry["job_id"] for entry in ledger["requests"] if entry["path"] == PATH] == [music_task_id] * 2
    assert (ledger["songs"][0]["charges"], ledger["conversions"]) == (1, [])


def test_no_words_before_the_audio(caller):
    music_task_id = caller.submitted(**SUNG)
    caller.simulator.clock.advance(30)
    audio_id = caller.simulator.state.music_tasks[music_task_id].audio_ids[0]
    assert _ask(caller, taskId=music_task_id, audioId=audio_id)["code"] == 422
    assert [charge["job_kind"] for charge in caller.ledger()["charges"]] == ["music"]


def test_words_keep_their_line_breaks_and_marks():
    assert words_of(LYRICS) == [
        *("[Verse]\nRain", "on", "a", "tin", "roof\n", "All", "night", "long\n"),
        *("[Chorus]\n[Softly]\nLet", "it", "rain\n"),
    ]
    assert words_of("[Instrumental]\n") == []


def test_very_long_lyrics_fit_into_a_short_track():
    melody = melody_of("a")
    words = timestamped_lyrics("la " * 2500, melody, "a")["alignedWords"]
    assert len(words) == 2500
    assert words[-1]["endS"] <= melody.duration
    assert all(word["startS"] < word["endS"] for word in words)
