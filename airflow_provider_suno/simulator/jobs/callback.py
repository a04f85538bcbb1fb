"""A callback: where it goes and what it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from airflow_provider_suno.simulator.jobs.lifecycle import Stage
from airflow_provider_suno.simulator.jobs.music_task import MusicTask
from airflow_provider_suno.simulator.jobs.record import record_of
from airflow_provider_suno.simulator.state.callback_queue import CallbackType, callback_type_of

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

    :param task: the music task it tells of.
    :param stage: the stage of its lifecycle that it tells of.
    :param kind: its ``callbackType``.
    :param url: where to.
    """

    task: MusicTask
    stage: Stage
    kind: CallbackType
    url: str

    @property
    def sendable(self) -> bool:
        """Whether there can be a receiver: the name is not one of those that are reserved for nobody."""
        try:
            parts = urlsplit(self.url)
        except ValueError:
            return False
        host = parts.hostname or ""
        return parts.scheme in ("http", "https") and bool(host) and not host.endswith(".invalid")

    def body(self) -> dict[str, Any]:
        """Return the JSON it carries."""
        failed = self.kind == "error"
        return {
            "code": (self.stage.error_code or 500) if failed else 200,
            "msg": self.stage.error_message or _WORDS[self.kind],
            "data": {
                "callbackType": self.kind,
                "task_id": self.task.music_task_id,
                "data": None if failed else self._tracks(),
            },
        }

    def _tracks(self) -> list[dict[str, Any]]:
        if self.kind == "text":
            return []
        record = record_of(self.task, self.task.created_at + self.stage.after, self.task.base_url)
        tracks = record["response"]["sunoData"]
        return [{_SNAKE_CASE[name]: value for name, value in track.items()} for track in tracks]


def callback_of(task: MusicTask, kind: CallbackType) -> Callback | None:
    """
    Return a callback of a music task, or None if its lifecycle holds nothing to tell of that kind.

    :param task: the music task.
    :param kind: the kind.
    """
    stage = next((stage for stage in task.lifecycle.stages if callback_type_of(stage) == kind), None)
    url = task.request.get("callBackUrl")
    if stage is None or not isinstance(url, str):
        return None
    return Callback(task, stage, kind, url.strip())
