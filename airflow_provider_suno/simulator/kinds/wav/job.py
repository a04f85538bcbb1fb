"""The kind wav: a track as a WAV file."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar

from airflow_provider_suno.simulator.jobs.conversion import Conversion
from airflow_provider_suno.simulator.jobs.derived import dated_name
from airflow_provider_suno.simulator.jobs.order import OrderedKind
from airflow_provider_suno.simulator.kinds.wav.wav_file import wav_of


class WavJob(Conversion):
    """A conversion to WAV. A track has one, ever; a failed one does not count."""

    kind: ClassVar[OrderedKind] = "wav"
    takes: ClassVar[tuple[float, float]] = (10, 40)

    @classmethod
    def price_of(cls, request: Mapping[str, Any]) -> Decimal:  # noqa: ARG003
        """Return the credits that a conversion costs."""
        return Decimal("0.4")

    def own_fields(self, base_url: str, *, finished: bool) -> dict[str, Any]:
        """Return the track, and the address of the file once there is one."""
        response = {"audioWavUrl": self._address(base_url)} if finished else None
        return {"musicId": self.track.audio_id, "musicIndex": self.track.index, "response": response}

    def callback_data(self) -> dict[str, Any]:
        """Return the ``data`` of its callback. It is in snake case, except for the address."""
        return {"task_id": self.job_id, "audioWavUrl": self._address(self.base_url)}

    def files(self) -> tuple[str, ...]:
        """Return the name of the file."""
        return (f"{dated_name(self.completed_at, self.kind, self.job_id)}.wav",)

    def content_of(self, file_name: str) -> tuple[bytes, str]:  # noqa: ARG002
        """Return the file."""
        return wav_of(self.track.melody), "audio/wav"

    def _address(self, base_url: str) -> str | None:
        return f"{base_url}/media/{self.files()[0]}" if self.makes_something else None
