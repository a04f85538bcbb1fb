"""A music task as record-info shows it."""

from __future__ import annotations

import hashlib
import json
import uuid
from typing import Any

from airflow_provider_suno.simulator.jobs.lifecycle import PENDING, Stage
from airflow_provider_suno.simulator.jobs.models import CODENAMES
from airflow_provider_suno.simulator.jobs.music_task import MusicTask, source_audio, source_image
from airflow_provider_suno.simulator.jobs.prompt_directives import AudioDefect


def record_of(task: MusicTask, now: float, base_url: str) -> dict[str, Any]:
    """
    Return the ``data`` of a record.

    :param task: the music task.
    :param now: simulated time.
    :param base_url: where the simulator is reached, without a slash at the end.
    """
    stage = task.stage(now)
    record = {
        "taskId": task.music_task_id,
        "param": json.dumps(task.request, ensure_ascii=False),
        "status": stage.status,
        "type": _codename(task),
        "operationType": task.operation,
        "createTime": int(task.create_time) * 1000,
    }
    if stage.status == PENDING:
        return record
    return record | {
        "parentMusicId": task.source.audio_id if task.source else "",
        "response": _response(task, stage, now, base_url),
        "errorCode": stage.error_code,
        "errorMessage": None if stage.message_in_response else stage.error_message,
    }


def _response(task: MusicTask, stage: Stage, now: float, base_url: str) -> dict[str, Any] | None:
    if stage.message_in_response:
        return {"taskId": task.music_task_id, "sunoData": [], "errorMessage": stage.error_message}
    if not stage.announced:
        return None
    tracks = [_track(task, number, stage, now, f"{base_url}/media") for number in range(len(task.audio_ids))]
    return {"taskId": task.music_task_id, "sunoData": tracks}


def _track(task: MusicTask, number: int, stage: Stage, now: float, media: str) -> dict[str, Any]:
    audio_id, rendered = task.audio_ids[number], number < stage.rendered
    source = f"{media}/{source_audio(audio_id)}" if rendered else None
    track = {
        "id": audio_id,
        "audioUrl": f"{media}/{task.audio_file(audio_id)}" if rendered else "",
        "sourceAudioUrl": source,
        "streamAudioUrl": f"{media}/stream/{audio_id}",
        "sourceStreamAudioUrl": source,
        "imageUrl": f"{media}/{task.cover_file(audio_id)}",
        "sourceImageUrl": f"{media}/{source_image(audio_id)}" if rendered else None,
        "prompt": _lyrics(task, audio_id),
        "modelName": _codename(task),
        "title": title_of(task, audio_id),
        "tags": task.settings.get("style") or "pop, warm, mid-tempo",
        "createTime": int(task.made_at(audio_id, now) * 1000),
        "duration": task.melody(audio_id).duration if rendered else None,
    }
    if rendered and stage.audio_defect and stage.audio_defect.affects(number):
        track |= _without_address(stage.audio_defect, media)
    return track


def _without_address(audio_defect: AudioDefect, media: str) -> dict[str, Any]:
    """Return what a track shows in place of its true addresses."""
    if audio_defect.kind == "null":
        return {"audioUrl": None}
    placeholder = {"empty": "", "forbidden": f"{media}/api/forbidden", "none": f"{media}/None.mp3"}
    told = dict.fromkeys(("sourceAudioUrl", "sourceStreamAudioUrl")) | {"audioUrl": placeholder.get(audio_defect.kind)}
    return told | dict.fromkeys(("streamAudioUrl", "duration")) if audio_defect.kind == "nothing" else told


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
    prompt, lyrics = settings.get("prompt"), settings.get("lyrics")
    if settings.get("instrumental"):
        return ""
    if isinstance(lyrics, str) and lyrics.strip():
        return lyrics
    if not isinstance(prompt, str):
        return ""
    literal = settings.get("customMode") or settings.get("defaultParamFlag")
    return prompt if literal else f"[Verse]\n{prompt}\n[Chorus]\n{title_of(task, audio_id)}"


def _codename(task: MusicTask) -> str:
    model = str(task.request.get("model"))
    return CODENAMES.get(model, f"chirp-{model.lower()}")
