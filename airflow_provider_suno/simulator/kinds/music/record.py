"""The record of a music task, as record-info returns it."""

from __future__ import annotations

import json
from typing import Any

from airflow_provider_suno.simulator.jobs.models import CODENAMES
from airflow_provider_suno.simulator.jobs.title import title_from
from airflow_provider_suno.simulator.kinds.music.job import MusicTask, source_audio, source_image
from airflow_provider_suno.simulator.kinds.music.lifecycle import PENDING, Stage
from airflow_provider_suno.simulator.kinds.music.prompt_directives import AudioDefect

_TAGS = "pop, warm, mid-tempo"
_DEFAULT_TAGS = {"sounds": "sound effect"}


def record_of(task: MusicTask, now: float, base_url: str) -> dict[str, Any]:
    """
    Return the ``data`` of a record.

    :param now: simulated time.
    :param base_url: the simulator's address, without a slash at the end.
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
    if not stage.tracks_known:
        return None
    tracks = [_track(task, number, stage, now, f"{base_url}/media") for number in range(len(task.audio_ids))]
    return {"taskId": task.music_task_id, "sunoData": tracks}


def _track(task: MusicTask, number: int, stage: Stage, now: float, media_url: str) -> dict[str, Any]:
    audio_id, has_audio = task.audio_ids[number], number < stage.tracks_with_audio
    source_url = f"{media_url}/{source_audio(audio_id)}" if has_audio else None
    track = {
        "id": audio_id,
        "audioUrl": f"{media_url}/{task.audio_file(audio_id)}" if has_audio else "",
        "sourceAudioUrl": source_url,
        "streamAudioUrl": f"{media_url}/stream/{audio_id}",
        "sourceStreamAudioUrl": source_url,
        "imageUrl": f"{media_url}/{task.cover_file(audio_id)}",
        "sourceImageUrl": f"{media_url}/{source_image(audio_id)}" if has_audio else None,
        "prompt": lyrics_of(task),
        "modelName": _codename(task),
        "title": title_of(task),
        "tags": task.settings.get("style") or task.settings.get("tags") or _DEFAULT_TAGS.get(task.operation, _TAGS),
        "createTime": int(task.track_created_at(audio_id, now) * 1000),
        "duration": task.melody(audio_id).duration if has_audio else None,
    }
    if has_audio and stage.audio_defect and stage.audio_defect.affects(number):
        track |= _defective_addresses(stage.audio_defect, media_url)
    return track


def _defective_addresses(defect: AudioDefect, media_url: str) -> dict[str, Any]:
    """Return the addresses that a track shows instead of the right ones."""
    if defect.kind == "null":
        return {"audioUrl": None}
    placeholder = {"empty": "", "forbidden": f"{media_url}/api/forbidden", "none": f"{media_url}/None.mp3"}
    shown = dict.fromkeys(("sourceAudioUrl", "sourceStreamAudioUrl")) | {"audioUrl": placeholder.get(defect.kind)}
    return shown | dict.fromkeys(("streamAudioUrl", "duration")) if defect.kind == "nothing" else shown


def title_of(task: MusicTask) -> str:
    """Return the title of a music task's tracks: the one in the request, else one made of the prompt's words."""
    title, prompt = task.settings.get("title"), task.settings.get("prompt")
    if isinstance(title, str) and title.strip():
        return title
    return title_from(prompt if isinstance(prompt, str) else "", task.music_task_id)


def lyrics_of(task: MusicTask) -> str:
    """Return the lyrics of a music task's tracks: those in the request, else some that are made of its prompt."""
    settings = task.settings
    if _is_instrumental(task):
        return ""
    for field in ("fullLyrics", "lyrics"):
        lyrics = settings.get(field)
        if isinstance(lyrics, str) and lyrics.strip():
            return lyrics
    prompt = settings.get("prompt")
    if not isinstance(prompt, str):
        return ""
    return prompt if _prompt_is_sung(task) else f"[Verse]\n{prompt}\n[Chorus]\n{title_of(task)}"


def _is_instrumental(task: MusicTask) -> bool:
    if task.operation == "add_instrumental" or (task.operation == "sounds" and not task.request.get("grabLyrics")):
        return True
    # An extension may have no vocals even if its source has some.
    return bool(task.settings.get("instrumental") or task.request.get("instrumental"))


def _prompt_is_sung(task: MusicTask) -> bool:
    if task.operation == "mashup":
        return task.settings.get("customMode") is not False
    return bool(
        task.operation in ("add_vocals", "replace_section")
        or task.settings.get("customMode")
        or task.settings.get("defaultParamFlag")
    )


def _codename(task: MusicTask) -> str:
    return CODENAMES.get(task.model, f"chirp-{task.model.lower()}")
