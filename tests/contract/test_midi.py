"""MIDI from stems: the record with its numeric flags, the notes, the callback, and the source stems."""

from __future__ import annotations

import pytest

from tests.support.contract import MP3_FRAME, frames_of, is_heard

LIFETIME = 200


def _separation(caller, **fields):
    """Return a track, and the record of its finished separation."""
    track = caller.finished_track()
    job_id = caller.converted("vocal-removal", **track, **fields)
    caller.simulator.clock.advance(LIFETIME)
    return track, caller.conversion("vocal-removal", job_id)


def _finished(caller, **fields):
    job_id = caller.converted("midi", **fields)
    caller.simulator.clock.advance(LIFETIME)
    return caller.conversion("midi", job_id)


def test_the_record_from_beginning_to_end(caller):
    _, stems = _separation(caller)
    before, created = caller.credits(), int(caller.simulator.clock.now()) * 1000
    job_id = caller.converted("midi", taskId=stems["taskId"])
    assert caller.conversion("midi", job_id) == {
        "taskId": job_id,
        "recordTaskId": None,
        "audioId": None,
        "midiData": None,
        "callbackUrl": "https://receiver.invalid/suno",
        "completeTime": None,
        "successFlag": 0,
        "createTime": created,
        "errorCode": None,
        "errorMessage": None,
    }
    caller.simulator.clock.advance(LIFETIME)
    record = caller.conversion("midi", job_id)
    assert (record["successFlag"], record["midiData"]["state"]) == (1, "complete")
    assert 3000 <= record["completeTime"] - created <= 6000
    assert caller.credits() == before - 0.4


def test_the_notes_are_those_of_the_melody(caller):
    track, stems = _separation(caller)
    instruments = _finished(caller, taskId=stems["taskId"])["midiData"]["instruments"]
    assert [instrument["name"] for instrument in instruments] == ["Vocals", "Instrumental"]
    melody = caller.simulator.state.music_tasks[track["taskId"]].melody(track["audioId"])
    for number, instrument in enumerate(instruments):
        assert [note["pitch"] for note in instrument["notes"]] == [note.pitch for note in melody.notes[number::2]]
    notes = sorted((note for instrument in instruments for note in instrument["notes"]), key=lambda note: note["start"])
    assert [note["pitch"] for note in notes] == [note.pitch for note in melody.notes]
    assert [round(note["end"] - note["start"], 2) for note in notes] == [note.hundredths / 100 for note in melody.notes]
    assert [note["start"] for note in notes] == [0, *(note["end"] for note in notes[:-1])]
    assert notes[-1]["end"] == melody.duration


def test_the_notes_of_a_stem_are_those_that_it_sounds(caller):
    _, stems = _separation(caller, type="split_stem")
    instruments = _finished(caller, taskId=stems["taskId"])["midiData"]["instruments"]
    for stem, instrument in zip(stems["response"]["originData"], instruments, strict=True):
        frames = frames_of(caller.media(stem["audio_url"]).content)
        begun = [n for n in range(len(frames)) if is_heard(frames[n]) and (n == 0 or not is_heard(frames[n - 1]))]
        notes = [round(note["start"] / MP3_FRAME) for note in instrument["notes"]]
        assert begun == pytest.approx(notes, abs=1)


def test_one_stem_can_be_asked_for(caller):
    _, stems = _separation(caller)
    for stem in stems["response"]["originData"]:
        record = _finished(caller, taskId=stems["taskId"], audioId=stem["id"])
        assert record["audioId"] == stem["id"]
        assert [each["name"] for each in record["midiData"]["instruments"]] == [stem["stem_type_group_name"]]


def test_only_finished_separations_and_their_stems_are_known(caller):
    track, stems = _separation(caller)
    _, other = _separation(caller)
    strange = (
        {"taskId": track["taskId"]},
        {"taskId": "0" * 32},
        {"taskId": stems["taskId"], "audioId": track["audioId"]},
        {"taskId": stems["taskId"], "audioId": other["response"]["originData"][0]["id"]},
    )
    for fields in strange:
        reply = caller.convert("midi", **fields)
        assert (reply["code"], reply["msg"]) == (422, "Record does not exist")
    unfinished = caller.converted("vocal-removal", **track)
    assert caller.convert("midi", taskId=unfinished)["code"] == 422
    caller.order_conversion(kind="stems", fail="GENERATE_AUDIO_FAILED")
    failed = caller.converted("vocal-removal", **track)
    caller.simulator.clock.advance(LIFETIME)
    assert caller.convert("midi", taskId=failed)["code"] == 422
    assert _finished(caller, taskId=unfinished)["successFlag"] == 1


def test_an_empty_result_can_be_ordered_and_is_charged(caller, receiver):
    _, stems = _separation(caller, type="split_stem")
    before = caller.credits()
    caller.order_conversion(kind="midi", empty=True)
    record = _finished(caller, taskId=stems["taskId"], callBackUrl=receiver.url)
    assert (record["successFlag"], record["midiData"]["instruments"]) == (1, [])
    assert receiver.wait(1, schema="MidiCallback")[0]["data"]["instruments"] == []
    assert caller.credits() == before - 0.4


def test_the_callback_mixes_numbers_and_texts(caller, receiver):
    _, stems = _separation(caller)
    record = _finished(caller, taskId=stems["taskId"], callBackUrl=receiver.url)
    (body,) = receiver.wait(1, schema="MidiCallback")
    assert (body["code"], set(body["data"])) == (200, {"taskId", "state", "instruments"})
    assert body["data"]["taskId"] == record["taskId"]
    sent = [note for instrument in body["data"]["instruments"] for note in instrument["notes"]]
    true = [note for instrument in record["midiData"]["instruments"] for note in instrument["notes"]]
    for edge in ("start", "end"):
        assert {type(note[edge]) for note in sent} == {float, str}
        assert [float(note[edge]) for note in sent] == [note[edge] for note in true]


@pytest.mark.parametrize("flag", [2, 3])
def test_the_callback_of_a_failure(caller, receiver, flag):
    _, stems = _separation(caller)
    caller.order_conversion(kind="midi", fail=flag)
    record = _finished(caller, taskId=stems["taskId"], callBackUrl=receiver.url)
    assert (record["successFlag"], record["errorCode"], record["midiData"]) == (flag, "500", None)
    (body,) = receiver.wait(1, schema="MidiCallback")
    assert (body["code"], body["data"]) == (500, {"taskId": record["taskId"]})


def test_it_has_no_flag_for_a_callback_that_cannot_be_delivered(caller):
    caller.control("POST", "settings", json={"callback_exception": True})
    _, stems = _separation(caller)
    job_id = _finished(caller, taskId=stems["taskId"])["taskId"]
    caller.ledger_callbacks(2)
    assert caller.conversion("midi", job_id)["successFlag"] == 1
