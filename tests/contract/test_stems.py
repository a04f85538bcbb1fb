"""Separations into stems: the record, the files, the callback of each reseller, and that every one is charged."""

from __future__ import annotations

import pytest

from airflow_provider_suno.simulator.jobs.melody import Melody, Note
from airflow_provider_suno.simulator.kinds.stems.job import SEPARATION_TYPES
from airflow_provider_suno.simulator.kinds.wav.wav_file import wav_of
from tests.support.contract import frames_of, is_heard

LIFETIME = 200


def _finished(caller, **fields):
    job_id = caller.converted("vocal-removal", **fields)
    caller.simulator.clock.advance(LIFETIME)
    return caller.conversion("vocal-removal", job_id)


def _made(record):
    return {field for field, value in record["response"].items() if field.endswith("Url") and value}


def test_vocals_and_instrumental(caller):
    track = caller.finished_track()
    job_id = caller.converted("vocal-removal", **track)
    running = caller.conversion("vocal-removal", job_id)
    assert (running["successFlag"], running["response"], running["completeTime"]) == ("PENDING", None, None)
    caller.simulator.clock.advance(LIFETIME)
    record = caller.conversion("vocal-removal", job_id)
    assert (record["successFlag"], record["musicId"], record["musicIndex"]) == ("SUCCESS", track["audioId"], 0)
    assert 60_000 <= record["completeTime"] - record["createTime"] <= 106_000
    assert _made(record) == {"vocalUrl", "instrumentalUrl"}
    stems = {stem["stem_type_group_name"]: stem for stem in record["response"]["originData"]}
    assert list(stems) == ["Vocals", "Instrumental"]
    assert stems["Vocals"]["audio_url"] == record["response"]["vocalUrl"]
    song = caller.record(track["taskId"])["response"]["sunoData"][0]
    assert {stem["duration"] for stem in stems.values()} == {song["duration"]}
    for stem in stems.values():
        assert caller.media(stem["audio_url"]).headers["Content-Type"] == "audio/mpeg"


def test_single_instruments_cost_more(caller):
    record = _finished(caller, **caller.finished_track(), type="split_stem")
    assert len(_made(record)) == len(record["response"]["originData"]) == 12
    assert {"vocalUrl", "drumsUrl", "backingVocalsUrl"} <= _made(record)
    assert caller.credits() == 450.25
    assert set(SEPARATION_TYPES) == set(caller.contract.schema("SeparateVocalsRequest")["properties"]["type"]["enum"])


@pytest.mark.parametrize("kind", SEPARATION_TYPES)
def test_the_stems_sum_up_to_the_song(caller, kind):
    caller.play("kie")
    track = caller.finished_track()
    song = caller.record(track["taskId"])["response"]["sunoData"][0]
    record = _finished(caller, **track, type=kind, stemName="Bass")
    stems = [frames_of(caller.media(stem["audio_url"]).content) for stem in record["response"]["originData"]]
    assert len(set(map(tuple, stems))) == len(stems)
    for of_song, *of_stems in zip(frames_of(caller.media(song["audioUrl"]).content), *stems, strict=True):
        # Each frame of the song is that of one stem, and the others are silent then: decoding them adds zeros.
        assert [frame for frame in of_stems if is_heard(frame)] == [of_song]
        assert all(frame[:4] == of_song[:4] for frame in of_stems)
    assert all(any(map(is_heard, stem)) for stem in stems)


def test_one_instrument_and_the_rest(caller):
    caller.play("sunoapi")
    record = _finished(caller, **caller.finished_track(), type="split_stem_advanced", stemName="Bass")
    assert [stem["stem_type_group_name"] for stem in record["response"]["originData"]] == ["Bass", "Other"]
    assert record["response"]["bassUrl"] == record["response"]["originData"][0]["audio_url"]
    assert _made(record) == {"bassUrl"}
    assert caller.credits() == 480.25
    record = _finished(caller, **caller.finished_track(), type="split_stem_advanced", stemName="Pan/flute?")
    assert _made(record) == set()
    for stem in record["response"]["originData"]:
        assert caller.media(stem["audio_url"]).status_code == 200
    assert caller.convert("vocal-removal", **caller.finished_track(), type="split_stem_advanced")["code"] == 422


def test_apikley_knows_neither_single_instruments_nor_addresses(caller):
    track = caller.finished_track()
    assert caller.convert("vocal-removal", **track, type="split_stem_advanced", stemName="Bass")["code"] == 422
    assert caller.convert("vocal-removal", audioUrl="https://files.example/a.wav")["msg"] == "taskId cannot be empty"
    assert caller.convert("vocal-removal", **track, audioUrl=5, stemName=5)["code"] == 200


def test_stems_of_audio_at_an_address(caller):
    caller.play("kie")
    file = caller.uploaded("humming.wav", wav_of(Melody((Note(60, 700),))))
    for url, seconds in ((file["downloadUrl"], 7), ("https://files.example/a.wav", None)):
        record = _finished(caller, audioUrl=url)
        assert (record["successFlag"], record["musicId"], record["musicIndex"]) == ("SUCCESS", None, None)
        durations = {stem["duration"] for stem in record["response"]["originData"]}
        assert len(durations) == 1
        assert seconds in (None, *durations)
    balance = caller.credits()
    for gone in ("https://files.invalid/a.wav", f"{caller.simulator.url}/files/nothing.wav", "http://127.0.0.1:9/a"):
        record = _finished(caller, audioUrl=gone)
        assert (record["successFlag"], "audioUrl" in record["errorMessage"]) == ("CREATE_TASK_FAILED", True)
    assert caller.credits() == balance
    both = caller.convert("vocal-removal", **caller.finished_track(), audioUrl=file["downloadUrl"])
    assert (both["code"], both["msg"]) == (422, "Give taskId and audioId, or audioUrl, not both")


def test_every_separation_is_charged_and_has_its_own_stems(caller):
    track = caller.finished_track()
    records = [_finished(caller, **track) for _ in range(3)]
    assert caller.credits() == 470.25
    assert len({stem["id"] for record in records for stem in record["response"]["originData"]}) == 6


@pytest.mark.parametrize(
    ("profile", "field"),
    [("apikley", "vocal_separation_info"), ("kie", "vocal_separation_info"), ("sunoapi", "vocal_removal_info")],
)
def test_the_callback_of_each_reseller(caller, receiver, profile, field):
    caller.play(profile)
    record = _finished(caller, **caller.finished_track(), callBackUrl=receiver.url)
    receiver.wait(1, schema="StemsCallback")
    caller.order_conversion(kind="stems", fail="GENERATE_AUDIO_FAILED")
    failed = _finished(caller, **caller.finished_track(), callBackUrl=receiver.url)
    done, error = receiver.wait(2, schema="StemsCallback")
    assert (done["code"], done["data"]["task_id"]) == (200, record["taskId"])
    assert done["data"][field]["vocal_url"] == record["response"]["vocalUrl"]
    assert done["data"][field]["backing_vocals_url"] is None
    assert (error["code"], error["data"]) == (500, {"task_id": failed["taskId"], field: None})


def test_a_success_without_stems_can_be_ordered(caller):
    caller.order_conversion(kind="stems", empty=True)
    record = _finished(caller, **caller.finished_track())
    assert (record["successFlag"], record["response"]["originData"], _made(record)) == ("SUCCESS", [], set())
