"""A callback of a music task: which stages have one, and what it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from airflow_provider_suno.simulator.jobs.lifecycle import ALL_TRACKS, Stage
from airflow_provider_suno.simulator.jobs.music_task import MusicTask
from airflow_provider_suno.simulator.jobs.record import record_of

CallbackType = Literal["text", "first", "complete", "error"]

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


@dataclass(frozen=True)
class Callback:
    """
    One callback.

    :param task: the music task.
    :param stage: the stage it reports.
    :param kind: its ``callbackType``.
    :param url: the address from the request.
    """

    task: MusicTask
    stage: Stage
    kind: CallbackType
    url: str

    def body(self) -> dict[str, Any]:
        """Return its JSON body."""
        failed = self.kind == "error"
        return {
            "code": (self.stage.error_code or 500) if failed else 200,
            "msg": self.stage.error_message or _MESSAGES[self.kind],
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


def callback_type_of(stage: Stage) -> CallbackType | None:
    """
    Return which callback reports a stage, whatever its status is called. None if no callback does.

    :param stage: the stage.
    """
    if stage.error_message is not None:
        return "error"
    if stage.tracks_with_audio >= ALL_TRACKS:
        return "complete"
    if stage.tracks_with_audio:
        return "first"
    return "text" if stage.tracks_known else None


def callback_of(task: MusicTask, kind: CallbackType) -> Callback | None:
    """
    Return a callback of a music task. None if it has no stage of that kind, or no address.

    :param task: the music task.
    :param kind: the kind.
    """
    stage = next((stage for stage in task.lifecycle.stages if callback_type_of(stage) == kind), None)
    url = task.request.get("callBackUrl")
    if stage is None or not isinstance(url, str):
        return None
    return Callback(task, stage, kind, url.strip())
