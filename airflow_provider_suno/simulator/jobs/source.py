"""What a new music task builds on: a track that was made here, or a sound that lies at an address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from airflow_provider_suno.simulator.jobs.melody import Melody, melody_of, melody_of_length
from airflow_provider_suno.simulator.rules.call import Call, Endpoint
from airflow_provider_suno.simulator.rules.field_readers import number

if TYPE_CHECKING:
    from airflow_provider_suno.simulator.state.service_state import ServiceState

LONGEST_SOURCE = 480
"""Seconds of sound, at most, that can be sung anew or continued."""


@dataclass(frozen=True)
class Source:
    """
    The source of a music task.

    :param alive: whether it is there. A submission that names a dead one is accepted all the same, and fails.
    :param sound: how it sounds, or None if the service cannot tell, nor how long it is.
    :param settings: the fields it was made with, if it was made here.
    :param audio_id: the track it is, if it was named by its id.
    """

    exists: bool = True
    melody: Melody | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    audio_id: str = ""

    @property
    def length(self) -> float | None:
        """Seconds of sound, or None if not known."""
        return self.melody.duration if self.melody else None

    def covered(self, audio_id: str) -> Melody:
        """
        Return a track that keeps the source's length.

        :param audio_id: the new track's id.
        """
        return melody_of(audio_id) if self.length is None else melody_of_length(audio_id, self.length)

    def extended(self, audio_id: str, at: float | None) -> Melody:
        """
        Return a track that begins as the source does and is longer than it.

        :param audio_id: the new track's id.
        :param at: second at which the new part sets in; the source's end if not given.
        """
        own = melody_of(audio_id)
        if self.melody is None:
            return melody_of_length("unheard", at or 0).followed_by(own)
        kept = self.melody.cut_to(self.melody.duration if at is None else at)
        return kept.followed_by(melody_of_length(audio_id, self.melody.duration - kept.duration + own.duration))


_MISSING = Source(exists=False)


def find_source(call: Call, state: ServiceState, now: float) -> Source | None:
    """
    Return what a submission builds on, or None if that is nothing.

    :param call: the submission.
    :param state: the service's state.
    :param now: simulated time.
    """
    if call.endpoint is Endpoint.EXTEND:
        return _track(call.text("audioId"), state, now)
    if call.endpoint is Endpoint.UPLOAD_EXTEND and (number(call.fields.get("continueAt")) or 0) >= LONGEST_SOURCE:
        return _MISSING
    if call.endpoint in (Endpoint.UPLOAD_COVER, Endpoint.UPLOAD_EXTEND):
        return _MISSING if call.source_missing else _sound_at(call, state, now)
    return None


def _track(audio_id: str, state: ServiceState, now: float) -> Source:
    task = state.owner(audio_id)
    age = task.audio_age(audio_id, now) if task else None
    if task is None or age is None or age < 0:
        return _MISSING
    return Source(melody=task.melody(audio_id), settings=task.settings, audio_id=audio_id)


def _track_at(path: str, state: ServiceState) -> str | None:
    """Return the track whose file or stream has a path here, or None."""
    if path.startswith("/media/stream/"):
        audio_id = path.removeprefix("/media/stream/")
        return audio_id if state.owner(audio_id) else None
    name = path.removeprefix("/media/")
    return state.track_of(name) if name.endswith(".mp3") else None


def _sound_at(call: Call, state: ServiceState, now: float) -> Source:
    try:
        parts = urlsplit(call.text("uploadUrl"))
    except ValueError:
        return _MISSING
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.hostname.endswith(".invalid"):
        return _MISSING
    audio_id = _track_at(parts.path, state)
    if audio_id:
        track = _track(audio_id, state, now)
        return Source(exists=track.exists, melody=track.melody)
    file = state.uploads.find(unquote(parts.path).removeprefix("/files/"), now)
    if file is not None:
        # Longer than long enough to be refused is of no interest.
        return Source(
            melody=melody_of_length(file.path, min(file.seconds, LONGEST_SOURCE + 1)) if file.seconds else None
        )
    if parts.netloc == call.host:
        return _MISSING
    # What lies on other machines is taken to be there: a song must not depend on what the network is like.
    return Source()
