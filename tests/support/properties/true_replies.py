"""True replies to start from: what the simulator answers to each call, and a record at each stage of its life."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import Any

from airflow_provider_suno.simulator.rules.call import Call
from airflow_provider_suno.simulator.state.endpoints import Endpoint
from airflow_provider_suno.simulator.state.ids import IdSource
from airflow_provider_suno.simulator.state.service_state import DEFAULT_API_KEY, ServiceState
from airflow_provider_suno.simulator.wire.dispatch import answer

START = 1_790_000_000.0
MUSIC = {
    "customMode": True,
    "instrumental": True,
    "model": "V5",
    "callBackUrl": "https://receiver.invalid/suno",
    "style": "folk",
    "title": "Rain",
}
UPLOADED = {
    "fileName": "a.mp3",
    "filePath": "airflow/x",
    "downloadUrl": "https://files.example/a.mp3",
    "fileSize": 154832,
    "mimeType": "audio/mpeg",
    "uploadedAt": "2026-10-01T10:00:00.000Z",
}


@cache
def true_envelopes() -> list[dict[str, Any]]:
    """Return envelopes of every kind of call, refusals among them; not to be changed."""
    state = ServiceState(IdSource(7), credits=Decimal(100_000))

    def call(endpoint: Endpoint, at: float = 0.0, key: str = DEFAULT_API_KEY, **fields: Any) -> dict[str, Any]:
        asked = Call(endpoint, "tests/1", f"Bearer {key}", fields, host="sim", arrived_at=at)
        content = answer(asked, state, now=START + at, base_url="https://sim.example").content
        assert isinstance(content, dict)
        return content

    submitted = call(Endpoint.GENERATE, **MUSIC)
    music_task_id = submitted["data"]["taskId"]
    records = [call(Endpoint.RECORD_INFO, at, taskId=music_task_id) for at in (1, 15, 30, 45, 60, 90, 150, 300, 3000)]
    statuses = {record["data"]["status"] for record in records}
    assert {"PENDING", "FIRST_SUCCESS", "SUCCESS"} <= statuses, statuses
    audio_id = records[-1]["data"]["response"]["sunoData"][0]["id"]
    persona = {"taskId": music_task_id, "audioId": audio_id, "name": "n", "description": "d"}
    made = [call(Endpoint.GENERATE_PERSONA, 3100, **persona), call(Endpoint.GENERATE_PERSONA, 3200, **persona)]
    refusals = [
        call(Endpoint.GENERATE, 3300, **{**MUSIC, "style": "x" * 2000}),
        call(Endpoint.GENERATE, 3300, key="wrong", **MUSIC),
        call(Endpoint.RECORD_INFO, 3300, taskId="unheard-of"),
    ]
    uploaded = {"success": True, "code": 200, "msg": "ok", "data": UPLOADED}
    return [submitted, *records, *made, call(Endpoint.CREDIT, 3300), *refusals, uploaded]


@cache
def true_records() -> list[dict[str, Any]]:
    """Return the records of one music task from its beginning to its end; not to be changed."""
    data = [envelope["data"] for envelope in true_envelopes()]
    return [found for found in data if isinstance(found, dict) and "status" in found]


PICTURE, SOUND = "https://files.example/a.png", "https://files.example/a.mp3"


@cache
def finished_jobs() -> list[dict[str, Any]]:
    """Return the data of a finished job of each kind, of the task of :func:`true_records`; not to be changed."""
    job_id = true_records()[0]["taskId"]
    ids = [
        {"id": f"s{number}", "stem_type_group_name": name, "audio_url": SOUND, "duration": 153.6}
        for number, name in enumerate(("Vocals", "Bass"))
    ]
    finished: list[dict[str, Any]] = [
        {"successFlag": "SUCCESS", "musicId": "a", "response": {"audioWavUrl": SOUND}},
        {"successFlag": "SUCCESS", "musicId": "a", "response": {"videoUrl": "https://files.example/a.mp4"}},
        {"successFlag": "SUCCESS", "response": {"vocalUrl": SOUND, "backingVocalsUrl": None, "originData": ids}},
        {"successFlag": 1, "parentTaskId": "m", "response": {"images": [PICTURE, PICTURE]}},
        {"successFlag": 1, "midiData": {"instruments": [{"name": "Bass", "notes": [{"pitch": 40, "start": "0.5"}]}]}},
        {"status": "SUCCESS", "response": {"data": [{"title": "Rain", "text": "La la", "status": "complete"}]}},
        {"status": "wait_validating", "validateInfo": "The quick brown fox"},
        {"status": "success", "voiceId": "v"},
        {"status": "SUCCESS", "tracks": [{"id": "a", "audio_url": SOUND}, {"id": "b", "error": "gone"}]},
        {"alignedWords": [{"word": "[Verse]\nLa ", "startS": 1.5, "endS": 1.9}, {"word": "la\n", "startS": 2}]},
    ]
    return [{"taskId": job_id, **each} for each in finished]
