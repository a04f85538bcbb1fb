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


@dataclass(frozen=True)
class RecoverableTrack:
    """
    A track whose audio is asked for again.

    :param task: its music task.
    :param audio_id: its id.
    """

    task: MusicTask
    audio_id: str

    def has_audio(self, now: float) -> bool:
        """Return whether its audio was made by then."""
        age = self.task.audio_age(self.audio_id, now)
        return age is not None and age >= 0


@dataclass(frozen=True, kw_only=True)
class RecoveryJob(PlainJob):
    """
    A recovery of all tracks of a music task. It succeeds if one of them has its audio.

    :param tracks: the tracks, in their order.
    """

    kind: ClassVar[OrderedKind] = "recovery"
    # No page says how long it takes.
    takes: ClassVar[tuple[float, float]] = (5, 20)
    running: ClassVar[Flag] = RUNNING
    succeeded: ClassVar[Flag] = DONE
    shows_callback_exception: ClassVar[bool] = False

    tracks: tuple[RecoverableTrack, ...]

    @classmethod
    def price_of(cls, request: Mapping[str, Any]) -> Decimal:  # noqa: ARG003
        """Return the credits that a recovery costs. No page states a price; none is a guess."""
        return Decimal(0)

    @property
    def fails(self) -> bool:
        """Whether it fails in the end, as an order says or because no track has any audio then."""
        return super().fails or not any(map(self._recovered, self.tracks))

    def flag(self, now: float) -> Flag:
        """Return the envelope's code."""
        return FAILED if self.failed(now) and not super().fails else super().flag(now)

    def record(self, now: float, base_url: str) -> list[dict[str, Any]] | None:
        """
        Return the ``data`` of its record: the tracks, in the order of the music task. None while it runs.

        :param now: simulated time.
        :param base_url: the simulator's address, without a slash at the end.
        """
        return self._as_json(base_url) if self.ended(now) else None

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
            "data": self._as_json(self.base_url),
        }

    def files(self) -> tuple[str, ...]:
        """Return the names of the recovered files."""
        return tuple(map(self._file_of, self.tracks)) if self.makes_something else ()

    def content_of(self, file_name: str) -> tuple[bytes, str]:
        """Return a recovered file. Its container differs from that of the first one."""
        track = next(track for track in self.tracks if self._file_of(track) == file_name)
        return m4a_of(track.task.melody(track.audio_id)), "audio/mp4"

    def _end_message(self) -> str:
        if not self.fails:
            return "success"
        return self.order.message if super().fails else "No track could be recovered."

    def _as_json(self, base_url: str) -> list[dict[str, Any]]:
        return [] if self.order.empty else [self._track(track, base_url) for track in self.tracks]

    def _track(self, track: RecoverableTrack, base_url: str) -> dict[str, Any]:
        recovered = not super().fails and self._recovered(track)
        return {
            "id": track.audio_id,
            "audio_url": f"{base_url}/media/{self._file_of(track)}" if recovered else "",
            "title": title_of(track.task),
            "status": "success" if recovered else "failed",
            "error": "" if recovered else "feed_failed" if super().fails else "clip_not_complete",
        }

    def _recovered(self, track: RecoverableTrack) -> bool:
        """Return whether a track has its audio when the recovery ends."""
        return self.ends_at is not None and track.has_audio(self.ends_at)

    def _file_of(self, track: RecoverableTrack) -> str:
        return f"{dated_name(self.completed_at, self.kind, self.job_id, track.audio_id)}.m4a"
