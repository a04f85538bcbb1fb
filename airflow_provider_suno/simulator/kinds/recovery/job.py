"""The kind recovery: new addresses for the tracks of a music task. The envelope's code tells its progress."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from airflow_provider_suno.simulator.jobs.derived import dated_name
from airflow_provider_suno.simulator.jobs.mp4 import m4a_of
from airflow_provider_suno.simulator.jobs.order import OrderedKind
from airflow_provider_suno.simulator.jobs.plain_job import Flag, PlainJob
from airflow_provider_suno.simulator.kinds.music.job import MusicTask
from airflow_provider_suno.simulator.kinds.music.record import title_of

RUNNING, DONE, FAILED = 201, 200, 500


@dataclass(frozen=True, kw_only=True)
class RecoveryJob(PlainJob):
    """
    A recovery of all tracks of a music task. It succeeds if one of them has its audio.

    :param task: the music task.
    """

    kind: ClassVar[OrderedKind] = "recovery"
    # No page says how long it takes.
    takes: ClassVar[tuple[float, float]] = (5, 20)
    running: ClassVar[Flag] = RUNNING
    succeeded: ClassVar[Flag] = DONE
    shows_callback_exception: ClassVar[bool] = False

    task: MusicTask

    @classmethod
    def price_of(cls, request: Mapping[str, Any]) -> Decimal:  # noqa: ARG003
        """Return the credits that a recovery costs. No page states a price; none is a guess."""
        return Decimal(0)

    @property
    def fails(self) -> bool:
        """Whether it fails in the end, as an order says or because no track has any audio then."""
        return super().fails or not any(map(self._recovered, self.task.audio_ids))

    def flag(self, now: float) -> Flag:
        """Return the envelope's code."""
        return FAILED if self.failed(now) and not super().fails else super().flag(now)

    def record(self, now: float, base_url: str) -> list[dict[str, Any]] | None:
        """
        Return the ``data`` of its record: the tracks, in the order of the music task. None while it runs.

        :param now: simulated time.
        :param base_url: the simulator's address, without a slash at the end.
        """
        return self._tracks(base_url) if self.ended(now) else None

    def message(self, now: float) -> str:
        """
        Return the envelope's message.

        :param now: simulated time.
        """
        if not self.ended(now):
            return "The recovery is still running."
        return self._end_message()

    def callback_body(self) -> dict[str, Any]:
        """Return the body of its callback. The id of the job is beside ``data``."""
        code = FAILED if self.fails else DONE
        return {
            "code": code,
            "msg": self._end_message(),
            "task_id": self.job_id,
            "data": self._tracks(self.base_url),
        }

    def files(self) -> tuple[str, ...]:
        """Return the names of the recovered files."""
        return tuple(map(self._file_of, self.task.audio_ids)) if self.makes_something else ()

    def content_of(self, file_name: str) -> tuple[bytes, str]:
        """Return a recovered file. Its container differs from that of the first one."""
        audio_id = next(one for one in self.task.audio_ids if self._file_of(one) == file_name)
        return m4a_of(self.task.melody(audio_id)), "audio/mp4"

    def _end_message(self) -> str:
        if not self.fails:
            return "success"
        return self.order.message if super().fails else "No track could be recovered."

    def _tracks(self, base_url: str) -> list[dict[str, Any]]:
        if self.order.empty:
            return []
        return [self._track(audio_id, base_url) for audio_id in self.task.audio_ids]

    def _track(self, audio_id: str, base_url: str) -> dict[str, Any]:
        recovered = not super().fails and self._recovered(audio_id)
        return {
            "id": audio_id,
            "audio_url": f"{base_url}/media/{self._file_of(audio_id)}" if recovered else "",
            "title": title_of(self.task),
            "status": "success" if recovered else "failed",
            "error": "" if recovered else "feed_failed" if super().fails else "clip_not_complete",
        }

    def _recovered(self, audio_id: str) -> bool:
        """Return whether a track has its audio when the recovery ends."""
        age = None if self.ends_at is None else self.task.audio_age(audio_id, self.ends_at)
        return age is not None and age >= 0

    def _file_of(self, audio_id: str) -> str:
        return f"{dated_name(self.completed_at, self.kind, self.job_id, audio_id)}.m4a"
