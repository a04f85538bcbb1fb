"""A callback: where it goes and what it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from airflow_provider_suno.simulator.life import Stage
from airflow_provider_suno.simulator.music_task import MusicTask
from airflow_provider_suno.simulator.outbox import CallbackType, worth_telling
from airflow_provider_suno.simulator.record import record_of

_WORDS = {
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


@dataclass(frozen=True)
class Callback:
    """
    One message to a receiver.

    :param music_task_id: the music task it tells of.
    :param kind: its ``callbackType``.
    :param url: where to.
    :param body: the JSON it carries.
    """

    music_task_id: str
    kind: CallbackType
    url: str
    body: dict[str, Any]

    @property
    def sendable(self) -> bool:
        """Whether there can be a receiver: the name is not one of those that are reserved for nobody."""
        try:
            parts = urlsplit(self.url)
        except ValueError:
            return False
        host = parts.hostname or ""
        return parts.scheme in ("http", "https") and bool(host) and not host.endswith(".invalid")


def callback_of(task: MusicTask, kind: CallbackType) -> Callback | None:
    """
    Return a callback of a music task, or None if its life holds nothing to tell of that kind.

    :param task: the music task.
    :param kind: the kind.
    """
    stage = next((stage for stage in task.life.stages if worth_telling(stage) == kind), None)
    url = task.request.get("callBackUrl")
    if stage is None or not isinstance(url, str):
        return None
    return Callback(task.music_task_id, kind, url.strip(), _body(task, stage, kind))


def _body(task: MusicTask, stage: Stage, kind: CallbackType) -> dict[str, Any]:
    tracks: list[dict[str, Any]] | None = None if kind == "error" else []
    if kind in ("first", "complete"):
        record = record_of(task, task.created_at + stage.after, task.base_url)
        tracks = [
            {_SNAKE_CASE[name]: value for name, value in track.items()} for track in record["response"]["sunoData"]
        ]
    return {
        "code": 200 if kind != "error" else stage.error_code or 500,
        "msg": stage.error_message or _WORDS[kind],
        "data": {"callbackType": kind, "task_id": task.music_task_id, "data": tracks},
    }
