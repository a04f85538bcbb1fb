"""The callbacks of a music task: which stages have one, and what they say."""

from __future__ import annotations

from functools import partial
from typing import Any

from airflow_provider_suno.simulator.jobs.callback import Callback, CallbackStage, callback_url
from airflow_provider_suno.simulator.jobs.failures import CALLBACK_EXCEPTION
from airflow_provider_suno.simulator.kinds.music.job import MusicTask
from airflow_provider_suno.simulator.kinds.music.lifecycle import ALL_TRACKS, Stage
from airflow_provider_suno.simulator.kinds.music.record import record_of

_MESSAGES = {
    "text": "The text is written.",
    "first": "The first track is finished.",
    "complete": "All tracks are finished.",
}
_SNAKE_CASE = {
    "id": "id",
    "audioUrl": "audio_url",
    "sourceAudioUrl": "source_audio_url",
    "streamAudioUrl": "stream_audio_url",
    "sourceStreamAudioUrl": "source_stream_audio_url",
    "imageUrl": "image_url",
    "sourceImageUrl": "source_image_url",
    "prompt": "prompt",
    "modelName": "model_name",
    "title": "title",
    "tags": "tags",
    "createTime": "createTime",
    "duration": "duration",
}


def callbacks_of_music(task: MusicTask) -> list[Callback]:
    """Return all callbacks of a music task, one for each stage that is reported. None at all if it has no address."""
    url = callback_url(task.request)
    callbacks: dict[CallbackStage, Callback] = {}
    for stage in task.lifecycle.stages:
        reported = _callback_stage_of(stage)
        if url is None or reported is None or reported in callbacks or not _is_reported(task, reported):
            continue
        # A prompt that asks for CALLBACK_EXCEPTION means that this callback is never received.
        due_at = None if stage.status == CALLBACK_EXCEPTION else task.created_at + stage.after
        make_body = partial(_body, task, stage, reported)
        callbacks[reported] = Callback(task.kind, task.job_id, reported, url, due_at, make_body)
    return list(callbacks.values())


def _callback_stage_of(stage: Stage) -> CallbackStage | None:
    """Return which callback reports a stage, whatever its status is called. None if no callback does."""
    if stage.error_message is not None:
        return "error"
    if stage.tracks_with_audio >= ALL_TRACKS:
        return "complete"
    if stage.tracks_with_audio:
        return "first"
    return "text" if stage.tracks_known else None


def _is_reported(task: MusicTask, reported: CallbackStage) -> bool:
    """Return whether a stage has a callback. A section that is replaced reports only its end."""
    return task.operation != "replace_section" or reported in ("complete", "error")


def _body(task: MusicTask, stage: Stage, reported: CallbackStage) -> dict[str, Any]:
    failed = reported == "error"
    data = {
        "callbackType": reported,
        "task_id": task.music_task_id,
        "data": None if failed else _tracks(task, stage, reported),
    }
    if failed and task.operation == "replace_section":
        data["error"] = stage.error_message
    return {
        "code": (stage.error_code or 500) if failed else 200,
        "msg": stage.error_message or _MESSAGES[reported],
        "data": data,
    }


def _tracks(task: MusicTask, stage: Stage, reported: CallbackStage) -> list[dict[str, Any]]:
    if reported == "text":
        return []
    record = record_of(task, task.created_at + stage.after, task.base_url)
    tracks = record["response"]["sunoData"]
    return [{_SNAKE_CASE[name]: value for name, value in track.items()} for track in tracks]
