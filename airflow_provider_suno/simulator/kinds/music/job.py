"""A music task: one submitted job of the kind music."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, ClassVar, Self

from airflow_provider_suno.simulator.jobs.derived import dated_name, hex_name
from airflow_provider_suno.simulator.jobs.melody import Melody, melody_of, melody_of_length
from airflow_provider_suno.simulator.kinds.music.lifecycle import ALL_TRACKS, Lifecycle, Stage
from airflow_provider_suno.simulator.kinds.music.source import Source

_DEFAULT_MODELS = {"add_instrumental": "V4_5PLUS", "add_vocals": "V4_5PLUS", "sounds": "V5"}
"""The models of the calls whose requests need not name one."""


@dataclass(frozen=True)
class MusicTask:
    """
    One submitted job of the kind music.

    :param music_task_id: its id.
    :param request: the submitted fields.
    :param audio_ids: ids of its tracks. Callers see them once the text is written.
    :param lifecycle: which status it shows at which age.
    :param created_at: simulated time of the submission.
    :param visible_at: simulated time from which record-info knows it.
    :param create_time: time of the submission as the record shows it, in epoch seconds.
    :param price: credits charged.
    :param operation: which call submitted it, such as generate, extend or add_vocals.
    :param source: the audio it is made from, if any.
    :param seconds: length that the prompt asks for; None if it does not.
    :param base_url: the simulator's address as the caller used it, for the addresses in callbacks.
    """

    kind: ClassVar[str] = "music"

    music_task_id: str
    request: Mapping[str, Any]
    audio_ids: tuple[str, ...]
    lifecycle: Lifecycle
    created_at: float
    visible_at: float
    create_time: float
    price: Decimal
    operation: str = "generate"
    source: Source | None = None
    seconds: float | None = None
    base_url: str = ""

    @property
    def job_id(self) -> str:
        """Its id, as a job of any kind has one."""
        return self.music_task_id

    @property
    def refund_at(self) -> float | None:
        """Simulated time at which it fails and the credits are refunded; None if it does not fail."""
        age = self.lifecycle.refund_after
        return None if age is None else self.created_at + age

    @property
    def settings(self) -> Mapping[str, Any]:
        """The fields its tracks are made from: the submitted ones, or the source's if the caller asked for those."""
        if self.request.get("defaultParamFlag") is not False:
            return self.request
        if self.source and self.source.settings:
            return self.source.settings
        return {name: value for name, value in self.request.items() if name not in ("style", "title")}

    @property
    def model(self) -> str:
        """The model that makes its tracks."""
        source = self.source.settings if self.source else {}
        return str(self.request.get("model") or source.get("model") or _DEFAULT_MODELS.get(self.operation))

    def melody(self, audio_id: str) -> Melody:
        """Return the melody of a track."""
        request, source = self.request, self.source
        if source and self.operation == "replace_section":
            return source.with_section(audio_id, request["infillStartS"], request["infillEndS"])
        if source and self.operation in ("extend", "upload_extend"):
            return source.extended(audio_id, request.get("continueAt"))
        seconds = self.seconds or request.get("duration")
        if seconds:
            return melody_of_length(audio_id, seconds)
        return source.covered(audio_id) if source else melody_of(audio_id)

    def age(self, now: float) -> float:
        """Return the simulated seconds since the submission, to a millisecond: epoch seconds are no more exact."""
        return round(now - self.created_at, 3)

    def stage(self, now: float) -> Stage:
        """Return the stage it is in."""
        return self.lifecycle.at(self.age(now))

    def finished(self, now: float) -> bool:
        """Return whether the job is finished and every track has its audio."""
        return self.stage(now).tracks_with_audio >= ALL_TRACKS

    def with_callback_exception(self, now: float) -> Self:
        """Return the music task after a callback could not be delivered."""
        return replace(self, lifecycle=self.lifecycle.with_callback_exception(self.age(now)))

    def audio_age(self, audio_id: str, now: float) -> float | None:
        """Return for how many simulated seconds a track has had its audio. None if it never gets any."""
        ready_at = self.lifecycle.audio_ready_at(self.audio_ids.index(audio_id))
        return None if ready_at is None else self.age(now) - ready_at

    def track_created_at(self, audio_id: str, now: float) -> float:
        """Return the time of creation that a track's ``createTime`` shows, in epoch seconds."""
        ready_at = self.lifecycle.audio_ready_at(self.audio_ids.index(audio_id))
        if ready_at is None or self.age(now) < ready_at:
            return self.create_time + self.lifecycle.tracks_known_at
        return self.create_time + ready_at

    def audio_file(self, audio_id: str) -> str:
        """Return the name of a track's file: its time of creation in milliseconds, and 11 digits of base 36."""
        ready_at = self.lifecycle.audio_ready_at(self.audio_ids.index(audio_id)) or 0
        return f"{dated_name(self.create_time + ready_at, 'audio', audio_id)}.mp3"

    def cover_file(self, audio_id: str) -> str:
        """Return the name of a track's picture: 32 hex digits."""
        return f"{hex_name('cover', audio_id)}.jpeg"

    def files(self) -> dict[str, str]:
        """Return the names of its tracks' files, with the track of each."""
        return {
            name: audio_id
            for audio_id in self.audio_ids
            for name in (
                *(self.audio_file(audio_id), self.cover_file(audio_id)),
                *(source_audio(audio_id), source_image(audio_id)),
            )
        }


def source_audio(audio_id: str) -> str:
    """Return the name of a track's file at the host that the reseller takes it from. It follows from the id."""
    return f"{audio_id}.mp3"


def source_image(audio_id: str) -> str:
    """Return the name of a track's picture at that host."""
    return f"image_{audio_id}.jpeg"
