"""The kind video: a track as an MP4 file with a still picture."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar

from airflow_provider_suno.simulator.jobs.conversion import Conversion
from airflow_provider_suno.simulator.jobs.derived import dated_name
from airflow_provider_suno.simulator.jobs.mp4 import mp4_of
from airflow_provider_suno.simulator.jobs.order import OrderedKind


class VideoJob(Conversion):
    """A conversion to a video. A track has one, ever; a failed one does not count."""

    kind: ClassVar[OrderedKind] = "video"
    # No page and no client says how long it takes.
    takes: ClassVar[tuple[float, float]] = (40, 90)
    shows_callback_exception: ClassVar[bool] = False

    @classmethod
    def price_of(cls, request: Mapping[str, Any]) -> Decimal:  # noqa: ARG003
        """Return the credits that a conversion costs."""
        return Decimal(2)

    def own_fields(self, base_url: str, *, finished: bool) -> dict[str, Any]:
        """Return the track, and the address of the file once there is one."""
        response = {"videoUrl": self._address(base_url)} if finished else None
        return {"musicId": self.track.audio_id, "musicIndex": self.track.index, "response": response}

    def callback_data(self) -> dict[str, Any]:
        """Return the ``data`` of its callback."""
        return {"task_id": self.job_id, "video_url": self._address(self.base_url)}

    def files(self) -> tuple[str, ...]:
        """Return the name of the file."""
        return (f"{dated_name(self.completed_at, self.kind, self.job_id)}.mp4",)

    def content_of(self, file_name: str) -> tuple[bytes, str]:  # noqa: ARG002
        """Return the file."""
        return mp4_of(self.track.melody, self.track.audio_id or ""), "video/mp4"

    def _address(self, base_url: str) -> str | None:
        return f"{base_url}/media/{self.files()[0]}" if self.makes_something else None
