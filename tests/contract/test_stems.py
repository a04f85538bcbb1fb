"""Separations into stems: the record, the files, the callback of each reseller, and that every one is charged."""

from __future__ import annotations

import pytest

from airflow_provider_suno.simulator.kinds.stems.job import SEPARATION_TYPES

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
        response = caller.media(stem["audio_url"])
        assert response.headers["Content-Type"] == "audio/mpeg"
        assert response.content == caller.media(song["audioUrl"]).content


def test_single_instruments_cost_more(caller):
    record = _finished(caller, **caller.finished_track(), type="split_stem")
    assert len(_made(record)) == len(record["response"]["originData"]) == 12
    assert {"vocalUrl", "drumsUrl", "backingVocalsUrl"} <= _made(record)
    assert caller.credits() == 450.25
    assert set(SEPARATION_TYPES) == set(caller.contract.schema("SeparateVocalsRequest")["properties"]["type"]["enum"])


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
