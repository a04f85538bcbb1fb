"""Voices: a phrase to record, another phrase, the voice made of the recording, and songs that it sings."""

from __future__ import annotations

import pytest

LIFETIME = 200
SAMPLE = {"voiceUrl": "https://files.example/humming.wav", "vocalStartS": 0, "vocalEndS": 12.5}
RECORDING = {"verifyUrl": "https://files.example/phrase.wav"}
SONG = {"customMode": True, "style": "folk", "title": "Again", "instrumental": True}


@pytest.fixture
def caller(caller):
    caller.play("sunoapi")
    return caller


def _accepted(reply):
    assert reply["code"] == 200, reply
    return reply["data"]["taskId"]


def _phrase(caller, **fields):
    """Return the id of a phrase that is ready."""
    job_id = _accepted(caller.voice("validate", **SAMPLE, **fields))
    caller.simulator.clock.advance(LIFETIME)
    return job_id


def _voice(caller, phrase, **fields):
    """Return the record of a voice that has ended."""
    job_id = _accepted(caller.voice("generate", **{"taskId": phrase, **RECORDING, **fields}))
    caller.simulator.clock.advance(LIFETIME)
    return caller.job("voice/record-info", job_id)


def _read(caller, phrase):
    record = caller.job("voice/validate-info", phrase)
    return record["status"], record["validateInfo"]


def test_the_statuses_from_the_sample_to_the_voice(caller):
    phrase = _accepted(caller.voice("validate", **SAMPLE))
    created_at, shown = caller.simulator.clock.now(), []
    for age in (0, 2.9, 3, 9.9, 25):
        caller.simulator.clock.set(created_at + age)
        shown.append(_read(caller, phrase))
    assert shown[:4] == [("wait_processing", None)] * 2 + [("processing_validate", None)] * 2
    assert shown[4][0] == "wait_validating"
    assert shown[4][1]
    voice = _accepted(caller.voice("generate", taskId=phrase, **RECORDING, singerSkillLevel="beginner"))
    assert voice != phrase
    created_at, statuses = caller.simulator.clock.now(), []
    for age in (0, 3, 29.9, 90):
        caller.simulator.clock.set(created_at + age)
        record = caller.job("voice/record-info", voice)
        statuses.append((record["status"], bool(record["voiceId"])))
        assert _read(caller, phrase)[0] == ("success" if age == 90 else "wait_validating")
    assert statuses == [
        ("wait_processing", False),
        *[("processing_validate", False)] * 2,
        ("success", True),
    ]
    assert caller.ledger()["charges"] == []
    assert [job["kind"] for job in caller.ledger()["conversions"]] == ["voice_phrase", "voice"]


def test_another_phrase_under_the_same_id(caller, receiver):
    phrase = _phrase(caller, language="de")
    first = _read(caller, phrase)[1]
    assert _accepted(caller.voice("regenerate", taskId=phrase, calBackUrl=receiver.url)) == phrase
    assert _read(caller, phrase) == ("wait_processing", None)
    assert caller.voice("regenerate", taskId=phrase, calBackUrl="x")["code"] == 422
    assert caller.voice("generate", taskId=phrase, **RECORDING)["code"] == 422
    caller.simulator.clock.advance(LIFETIME)
    status, second = _read(caller, phrase)
    assert (status, second != first) == ("wait_validating", True)
    (body,) = receiver.wait(1, schema="VoicePhraseCallback")
    assert body["data"] == {
        "taskId": phrase,
        "validateInfo": second,
        "status": "wait_validating",
        "errorCode": 0,
        "errorMessage": "",
    }


def test_another_phrase_that_the_record_shows_late(caller):
    phrase = _phrase(caller)
    first = _read(caller, phrase)
    caller.order_conversion(kind="voice_phrase", late=8)
    assert _accepted(caller.voice("regenerate", taskId=phrase, calBackUrl="https://x.invalid/")) == phrase
    created_at, shown = caller.simulator.clock.now(), []
    for age in (0, 7.9, 8, 25):
        caller.simulator.clock.set(created_at + age)
        shown.append(_read(caller, phrase))
    assert shown[:3] == [first, first, ("processing_validate", None)]
    assert (shown[3][0], shown[3][1] != first[1]) == ("wait_validating", True)


def test_each_language_has_its_phrases(caller):
    languages = caller.contract.schema("ValidateVoiceRequest")["properties"]["language"]["enum"]
    phrases = {_read(caller, _phrase(caller, language=language))[1] for language in languages}
    assert len(phrases) == len(languages) == 10


def test_a_voice_sings_once_it_is_ready(caller):
    voice_id = _voice(caller, _phrase(caller))["voiceId"]
    sung = {**SONG, "personaId": voice_id, "personaModel": "voice_persona"}
    assert caller.generate(**sung)["code"] == 200
    assert caller.generate(**sung | {"personaModel": "style_persona"})["code"] == 422
    assert caller.generate(**sung | {"personaId": "f" * 32})["code"] == 422
    job_id = _accepted(caller.voice("generate", taskId=_phrase(caller), **RECORDING))
    unready = caller.simulator.state.jobs[job_id].result()
    assert caller.generate(**sung | {"personaId": unready})["code"] == 422


def test_whether_a_voice_can_be_used(caller):
    def usable(job_id):
        reply = caller.voice("check-voice", task_id=job_id)
        return reply["data"]["isAvailable"] if reply["code"] == 200 else reply["msg"]

    phrase = _phrase(caller)
    assert usable(phrase) is False
    voice = _accepted(caller.voice("generate", taskId=phrase, **RECORDING))
    assert usable(voice) is False
    caller.simulator.clock.advance(LIFETIME)
    assert usable(voice) is True
    assert usable(phrase) is True
    caller.order_conversion(kind="voice", fail="fail")
    assert usable(_voice(caller, _phrase(caller))["taskId"]) is False
    assert usable("0" * 32) == "Record does not exist"


@pytest.mark.parametrize(
    ("kind", "status", "field", "schema"),
    [
        ("voice_phrase", "processing_validate_fail", "validateInfo", "VoicePhraseCallback"),
        ("voice", "fail", "voiceId", "VoiceCallback"),
    ],
)
def test_failures_and_successes_in_record_and_callback(caller, receiver, kind, status, field, schema):
    def end(**fields):
        if kind == "voice":
            return _voice(caller, _phrase(caller), **fields)
        return caller.job("voice/validate-info", _phrase(caller, **fields))

    done = end(callBackUrl=receiver.url)
    receiver.wait(1, schema=schema)
    caller.order_conversion(kind=kind, fail=status, code=500, message="Too much noise.")
    failed = end(callBackUrl=receiver.url)
    assert {name: failed[name] for name in failed if name != "taskId"} == {
        field: None,
        "status": status,
        "errorCode": 500,
        "errorMessage": "Too much noise.",
    }
    first, second = receiver.wait(2, schema=schema)
    assert (first["code"], first["data"][field], first["data"]["errorCode"]) == (200, done[field], 0)
    assert (second["code"], second["msg"]) == (400, "Too much noise.")
    assert second["data"] == failed | {field: ""}


def test_audio_that_is_not_there(caller):
    job_id = _accepted(caller.voice("validate", **SAMPLE | {"voiceUrl": "https://files.invalid/a.wav"}))
    caller.simulator.clock.advance(LIFETIME)
    record = caller.job("voice/validate-info", job_id)
    assert (record["status"], "voiceUrl" in record["errorMessage"]) == ("processing_validate_fail", True)
    assert caller.voice("generate", taskId=job_id, **RECORDING)["code"] == 422
    phrase = _phrase(caller)
    gone = f"{caller.simulator.url}/files/nothing.wav"
    record = _voice(caller, phrase, verifyUrl=gone)
    assert (record["status"], "verifyUrl" in record["errorMessage"]) == ("fail", True)
    assert _voice(caller, phrase)["status"] == "success"


def test_an_uploaded_sample_will_do(caller):
    file = caller.uploaded("humming.wav", b"RIFF")
    job_id = _accepted(caller.voice("validate", **SAMPLE | {"voiceUrl": file["downloadUrl"]}))
    caller.simulator.clock.advance(LIFETIME)
    assert _read(caller, job_id)[0] == "wait_validating"
