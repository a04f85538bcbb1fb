"""Every field of the calls of lyrics, voices, recoveries and newer stems with invalid values, at each reseller."""

from __future__ import annotations

from typing import Any

import pytest

LIFETIME = 200
ABSENT = object()
ODD_VALUES = [ABSENT, None, "", "  ", 0, -1, 0.5, True, [], {}, "x", "x" * 201, "http://files.example/a.wav"]
OWN_VALUES = {
    "type": ["split_stem", "Split_stem", "split_stem_advanced"],
    "language": ["ru", "RU"],
    "singerSkillLevel": ["professional", "star"],
    "vocalEndS": [5, 5.01],
    "prompt": ["x " * 200, "x " * 201],
}
HOSTS = {
    "GenerateLyricsRequest": ("apikley", "kie", "sunoapi"),
    "SeparateVocalsRequest": ("apikley", "kie", "sunoapi"),
    "audioUrl": ("kie",),
    "CreateCoverArtRequest": ("sunoapi",),
    "ValidateVoiceRequest": ("kie",),
    "RegenerateVoicePhraseRequest": ("sunoapi",),
    "GenerateVoiceRequest": ("sunoapi",),
    "CheckVoiceRequest": ("kie",),
    "RecoverAudioRequest": ("sunoapi",),
}
PATHS = {
    "GenerateLyricsRequest": "lyrics",
    "SeparateVocalsRequest": "vocal-removal/generate",
    "CreateCoverArtRequest": "suno/cover/generate",
    "ValidateVoiceRequest": "voice/validate",
    "RegenerateVoicePhraseRequest": "voice/regenerate",
    "GenerateVoiceRequest": "voice/generate",
    "CheckVoiceRequest": "voice/check-voice",
    "RecoverAudioRequest": "suno/recovery",
}


def _phrase(caller: Any) -> str:
    fields = {"voiceUrl": "http://files.example/a.wav", "vocalStartS": 0, "vocalEndS": 9}
    job_id: str = caller.voice("validate", **fields)["data"]["taskId"]
    caller.simulator.clock.advance(LIFETIME)
    return job_id


def _accepted(caller: Any, name: str) -> dict[str, Any]:
    """Return the fields of a request that is accepted."""
    callback = {"callBackUrl": "x"}
    if name == "GenerateLyricsRequest":
        return {"prompt": "Rain", **callback}
    if name == "SeparateVocalsRequest":
        return {**caller.finished_track(), "stemName": "Bass", **callback}
    if name == "audioUrl":
        return {"audioUrl": "http://files.example/a.wav", "stemName": "Bass", **callback}
    if name == "CreateCoverArtRequest":
        return {"taskId": caller.finished_track()["taskId"], **callback}
    if name == "ValidateVoiceRequest":
        return {"voiceUrl": "http://files.example/a.wav", "vocalStartS": 5, "vocalEndS": 9}
    if name == "RecoverAudioRequest":
        return {"sunoTaskId": caller.finished_track()["taskId"], **callback}
    phrase = _phrase(caller)
    if name == "RegenerateVoicePhraseRequest":
        return {"taskId": phrase, "calBackUrl": "x"}
    if name == "CheckVoiceRequest":
        return {"task_id": phrase}
    return {"taskId": phrase, "verifyUrl": "http://files.example/a.wav"}


@pytest.mark.parametrize(("name", "host"), [(name, host) for name, hosts in HOSTS.items() for host in hosts])
def test_what_the_contract_allows_is_accepted_and_nothing_else(caller, name, host):
    caller.play(host)
    caller.simulator.state.credits = 10**6
    schema = "SeparateVocalsRequest" if name == "audioUrl" else name
    verdicts = []
    for field in caller.contract.schema(schema)["properties"] | {"somethingElse": {}}:
        for value in [*ODD_VALUES, *OWN_VALUES.get(field, [])]:
            fields = {**_accepted(caller, name), field: value}
            fields = {known: each for known, each in fields.items() if each is not ABSENT}
            problems = caller.contract.request_problems(schema, fields, host)
            if not problems and field.lower() in ("taskid", "audioid", "sunotaskid", "task_id") and value is not ABSENT:
                continue  # whether there is such a job is beyond the contract
            reply = caller.call("POST", f"/api/v1/{PATHS[schema]}", json=fields).json()
            allowed = caller.contract.refusals(host) if problems else {200}
            assert reply["code"] in allowed, f"{fields}\n{problems}\n{reply}"
            verdicts.append(reply["code"] == 200)
    assert min(verdicts.count(True), verdicts.count(False)) > 5
