"""A music task as record-info shows it."""

from __future__ import annotations

import hashlib
import json
import uuid
from typing import Any

from airflow_provider_suno.simulator.models import CODENAMES
from airflow_provider_suno.simulator.music_task import MusicTask


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
        "parentMusicId": task.origin.audio_id if task.origin else "",
        "param": json.dumps(task.request, ensure_ascii=False),
        "response": {"taskId": task.music_task_id, "sunoData": tracks} if stage.announced else None,
        "status": stage.status,
        "type": codename,
        "operationType": task.operation,
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
        "imageUrl": f"{base_url}/media/{audio_id}.png",
        "sourceImageUrl": None,
        "prompt": _lyrics(task, audio_id),
        "modelName": _codename(task),
        "title": title_of(task, audio_id),
        "tags": task.settings.get("style") or "pop, warm, mid-tempo",
        "createTime": _milliseconds(task.stamp),
        "duration": task.melody(audio_id).duration if rendered else None,
    }


def title_of(task: MusicTask, audio_id: str) -> str:
    """
    Return a track's title. Where none was given, the service has been seen to put a UUID in its place.

    :param task: the music task.
    :param audio_id: the track's id.
    """
    given = task.settings.get("title")
    if isinstance(given, str) and given.strip():
        return given
    return str(uuid.UUID(bytes=hashlib.sha256(audio_id.encode()).digest()[:16], version=4))


def _lyrics(task: MusicTask, audio_id: str) -> str:
    settings = task.settings
    prompt = settings.get("prompt")
    if settings.get("instrumental") or not isinstance(prompt, str):
        return ""
    literal = settings.get("customMode") or settings.get("defaultParamFlag")
    return prompt if literal else f"[Verse]\n{prompt}\n[Chorus]\n{title_of(task, audio_id)}"


def _codename(task: MusicTask) -> str:
    model = str(task.request.get("model"))
    return CODENAMES.get(model, f"chirp-{model.lower()}")


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)
