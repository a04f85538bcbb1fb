"""WAV files of tracks: the record, the file, the callback, and that there is one per track."""

from __future__ import annotations

import io
import wave

import pytest

from airflow_provider_suno.simulator.jobs.melody import Melody, Note
from airflow_provider_suno.simulator.jobs.tone import tone
from airflow_provider_suno.simulator.kinds.wav.wav_file import wav_of

LIFETIME = 200
DAY = 24 * 3600


def _finished(caller, **fields):
    job_id = caller.converted("wav", **fields)
    caller.simulator.clock.advance(LIFETIME)
    return caller.conversion("wav", job_id)


def _samples(content):
    with wave.open(io.BytesIO(content)) as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 2, 48_000)
        return sound.readframes(sound.getnframes())


def test_the_record_from_beginning_to_end(caller):
    track = caller.finished_track(1)
    created = int(caller.simulator.clock.now()) * 1000
    job_id = caller.converted("wav", **track)
    running = caller.conversion("wav", job_id)
    assert running == {
        "taskId": job_id,
        "musicId": track["audioId"],
        "musicIndex": 1,
        "response": None,
        "callbackUrl": "https://receiver.invalid/suno",
        "completeTime": None,
        "successFlag": "PENDING",
        "createTime": created,
        "errorCode": None,
        "errorMessage": None,
    }
    caller.simulator.clock.advance(LIFETIME)
    done = caller.conversion("wav", job_id)
    assert done["successFlag"] == "SUCCESS"
    assert 10_000 <= done["completeTime"] - created <= 40_000
    changing = ("response", "completeTime", "successFlag")
    assert {name: done[name] for name in done if name not in changing} == {
        name: running[name] for name in running if name not in changing
    }
    assert caller.credits() == 499.85


def test_the_file_has_the_sound_of_the_track(caller):
    tracks = [caller.finished_track(), caller.finished_track()]
    samples_of_both = []
    for track in tracks:
        url = _finished(caller, **track)["response"]["audioWavUrl"]
        response = caller.media(url)
        assert response.headers["Content-Type"] == "audio/wav"
        samples = _samples(response.content)
        melody = caller.simulator.state.music_tasks[track["taskId"]].melody(track["audioId"])
        assert len(samples) == round(melody.duration * 48_000) * 2
        assert samples.startswith(tone(melody.notes[0].pitch)[:9000])
        samples_of_both.append(samples)
    assert samples_of_both[0] != samples_of_both[1]
    part = caller.media(url, Range="bytes=0-3")
    assert (part.status_code, part.content) == (206, b"RIFF")


@pytest.mark.parametrize("notes", [(), (Note(60, 1),), (Note(57, 400), Note(81, 5))])
def test_a_melody_of_any_length_is_a_file(notes):
    melody = Melody(notes)
    assert len(_samples(wav_of(melody))) == round(melody.duration * 48_000) * 2


def test_the_file_exists_from_the_end_on_and_for_14_days(caller):
    track = caller.finished_track()
    created = caller.simulator.clock.now()
    url = _finished(caller, **track)["response"]["audioWavUrl"]
    for age, status in ((1, 404), (LIFETIME, 200), (14 * DAY, 200), (14 * DAY + LIFETIME, 404)):
        caller.simulator.clock.set(created + age)
        assert caller.media(url).status_code == status


def test_a_second_request_for_a_track_is_refused_without_the_first_id(caller):
    track = caller.finished_track()
    job_id = caller.converted("wav", **track)
    for _ in range(2):  # while the first one runs, and after its end
        reply = caller.convert("wav", **track)
        assert (reply["code"], reply["data"]) == (409, None)
        assert job_id not in str(reply)
        caller.simulator.clock.advance(LIFETIME)
    assert caller.credits() == 499.85


def test_each_track_has_its_own_file(caller):
    song = caller.control("POST", "tasks", json={})
    for audio_id in song["audio_ids"]:
        assert _finished(caller, taskId=song["music_task_id"], audioId=audio_id)["musicId"] == audio_id


def test_a_failed_conversion_can_be_repeated(caller):
    track = caller.finished_track()
    caller.order_conversion(kind="wav", fail="GENERATE_WAV_FAILED")
    assert _finished(caller, **track)["successFlag"] == "GENERATE_WAV_FAILED"
    assert _finished(caller, **track)["successFlag"] == "SUCCESS"
    assert caller.credits() == 499.85


@pytest.mark.parametrize(
    ("age", "prompt", "number", "code"),
    [
        (30, "Rain", 0, 422),
        (61, "Rain", 0, 200),
        (61, "Rain", 1, 422),
        (LIFETIME, "[fail]", 0, 422),
        (LIFETIME, "[fail:531:one-track]", 0, 200),
        (LIFETIME, "[fail:531:one-track]", 1, 422),
        (LIFETIME, "[fail:CALLBACK_EXCEPTION]", 1, 200),
    ],
)
def test_a_track_needs_its_audio(caller, age, prompt, number, code):
    music_task_id = caller.submitted(prompt=prompt)
    caller.simulator.clock.advance(age)
    audio_id = caller.simulator.state.music_tasks[music_task_id].audio_ids[number]
    assert caller.convert("wav", taskId=music_task_id, audioId=audio_id)["code"] == code


def test_both_ids_are_checked_at_once(caller):
    track, other = caller.finished_track(), caller.finished_track()
    for wrong in ({"taskId": "0" * 32}, {"audioId": other["audioId"]}):
        reply = caller.convert("wav", **{**track, **wrong})
        assert (reply["code"], reply["msg"]) == (422, "Record does not exist")
    assert caller.ledger()["charges"] == []


@pytest.mark.parametrize(("order", "code"), [({}, 200), ({"fail": "GENERATE_WAV_FAILED", "code": 451}, 500)])
def test_the_callback(caller, receiver, order, code):
    caller.order_conversion(kind="wav", **order)
    job_id = caller.converted("wav", **caller.finished_track(), callBackUrl=receiver.url)
    receiver.wait_for_nothing_more(0)
    caller.simulator.clock.advance(LIFETIME)
    receiver.wait_for_nothing_more(1, "WavCallback")
    record = caller.conversion("wav", job_id)
    url = record["response"]["audioWavUrl"] if code == 200 else None
    assert receiver.got[0] == {
        "code": code,
        "msg": record["errorMessage"] or "success",
        "data": {"task_id": job_id, "audioWavUrl": url},
    }
    entry = caller.ledger()["callbacks"][0]
    assert (entry["job_kind"], entry["job_id"]) == ("wav", job_id)
    assert entry["stage"] == ("complete" if code == 200 else "error")
    caller.control("POST", "callbacks/send", json={"job_id": job_id, "stage": entry["stage"]})
    assert len(receiver.wait(2, schema="WavCallback")) == 2


@pytest.mark.parametrize("empty", [False, True])
def test_an_ordered_callback_exception_is_no_failure_if_the_file_is_there(caller, receiver, empty):
    caller.order_conversion(kind="wav", fail="CALLBACK_EXCEPTION", empty=empty)
    record = _finished(caller, **caller.finished_track(), callBackUrl=receiver.url)
    assert (record["successFlag"], record["errorCode"]) == ("CALLBACK_EXCEPTION", None)
    assert (record["response"]["audioWavUrl"] is None) is empty
    assert caller.credits() == (500.25 if empty else 499.85)
    receiver.wait_for_nothing_more(0)


@pytest.mark.parametrize("shown", [False, True])
def test_a_callback_that_cannot_be_delivered_shows_in_the_record_on_request(caller, shown):
    caller.control("POST", "settings", json={"callback_exception": shown})
    job_id = caller.converted("wav", **caller.finished_track())
    caller.simulator.clock.advance(LIFETIME)
    caller.ledger_callbacks(1)
    record = caller.conversion("wav", job_id)
    assert record["successFlag"] == ("CALLBACK_EXCEPTION" if shown else "SUCCESS")
    assert record["response"]["audioWavUrl"]


def test_a_success_without_an_address_can_be_ordered(caller):
    caller.order_conversion(kind="wav", empty=True)
    record = _finished(caller, **caller.finished_track())
    assert (record["successFlag"], record["response"]) == ("SUCCESS", {"audioWavUrl": None})
    assert caller.credits() == 499.85
