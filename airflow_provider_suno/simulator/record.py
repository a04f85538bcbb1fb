"""A music task as record-info shows it."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from airflow_provider_suno.simulator.audio import melody_of
from airflow_provider_suno.simulator.models import CODENAMES
from airflow_provider_suno.simulator.world import MusicTask

_FIRST_WORDS = ("Copper", "Silent", "Northern", "Paper", "Velvet", "Hollow", "Amber", "Distant")
_SECOND_WORDS = ("River", "Lantern", "Morning", "Static", "Harbour", "Orchard", "Signal", "Tide")


def record_of(task: MusicTask, now: float, base_url: str) -> dict[str, Any]:
    """
    Return the ``data`` of a record.

    :param task: the music task.
    :param now: simulated time.
    :param base_url: where the simulator is reached, without a slash at the end.
    """
    stage = task.stage(now)
    codename = _codename(task)
    tracks = [
        _track(task, audio_id, base_url, rendered=number < stage.rendered)
        for number, audio_id in enumerate(task.audio_ids)
    ]
    return {
        "taskId": task.music_task_id,
        "parentMusicId": "",
        "param": json.dumps(task.request, ensure_ascii=False),
        "response": {"taskId": task.music_task_id, "sunoData": tracks} if stage.announced else None,
        "status": stage.status,
        "type": codename,
        "operationType": "generate",
        "errorCode": stage.error_code,
        "errorMessage": stage.error_message,
        "createTime": _milliseconds(task.stamp),
    }


def _track(task: MusicTask, audio_id: str, base_url: str, *, rendered: bool) -> dict[str, Any]:
    return {
        "id": audio_id,
        "audioUrl": f"{base_url}/media/{audio_id}.wav" if rendered else "",
        "sourceAudioUrl": None,
        "streamAudioUrl": f"{base_url}/media/stream/{audio_id}",
        "sourceStreamAudioUrl": None,
        "imageUrl": f"{base_url}/media/{audio_id}.svg",
        "sourceImageUrl": None,
        "prompt": _lyrics(task),
        "modelName": _codename(task),
        "title": title_of(task),
        "tags": task.request.get("style") or "pop, warm, mid-tempo",
        "createTime": _milliseconds(task.stamp),
        "duration": melody_of(audio_id).duration if rendered else None,
    }


def title_of(task: MusicTask) -> str:
    """
    Return the title of a music task's tracks: the submitted one, else one made up from its id.

    :param task: the music task.
    """
    given = task.request.get("title")
    if isinstance(given, str) and given.strip():
        return given
    digest = hashlib.sha256(task.music_task_id.encode()).digest()
    return f"{_FIRST_WORDS[digest[0] % len(_FIRST_WORDS)]} {_SECOND_WORDS[digest[1] % len(_SECOND_WORDS)]}"


def _lyrics(task: MusicTask) -> str:
    prompt = task.request.get("prompt")
    if task.request.get("instrumental") or not isinstance(prompt, str):
        return ""
    return prompt if task.request.get("customMode") else f"[Verse]\n{prompt}\n[Chorus]\n{title_of(task)}"


def _codename(task: MusicTask) -> str:
    model = str(task.request.get("model"))
    return CODENAMES.get(model, f"chirp-{model.lower()}")


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)
