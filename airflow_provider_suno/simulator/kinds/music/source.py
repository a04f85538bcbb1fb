"""The source of a music task: the audio that it covers, extends, or is made from in another way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_suno.simulator.jobs.melody import Melody, melody_of, melody_of_length


@dataclass(frozen=True)
class Source:
    """
    The audio that a music task is made from. That of a mashup stands for both its sources.

    :param exists: whether there is such audio. A submission with a missing source is accepted, and the job fails.
    :param melody: the audio, or None if the service cannot read it and does not know its length.
    :param settings: the request fields it was made with, if it was made here.
    :param audio_id: the track it is, if it was named by its id.
    """

    exists: bool = True
    melody: Melody | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    audio_id: str = ""

    @property
    def length(self) -> float | None:
        """Length in seconds, or None if it is not known."""
        return self.melody.duration if self.melody else None

    def covered(self, audio_id: str) -> Melody:
        """
        Return the melody of a cover: a new one, as long as the source.

        :param audio_id: the new track's id.
        """
        return melody_of(audio_id) if self.length is None else melody_of_length(audio_id, self.length)

    def with_section(self, audio_id: str, start: float, end: float) -> Melody:
        """
        Return the melody of a track of which a section was replaced. It is as long as before.

        :param audio_id: the new track's id.
        :param start: second at which the new section begins.
        :param end: second at which it ends.
        """
        old = self.melody or melody_of_length("unheard", end).followed_by(melody_of(audio_id))
        return old.cut_to(start).followed_by(melody_of_length(audio_id, end - start)).followed_by(old.after(end))

    def extended(self, audio_id: str, continue_at: float | None) -> Melody:
        """
        Return the melody of an extension: the source's beginning, then a new part. It is longer than the source.

        :param audio_id: the new track's id.
        :param continue_at: second of the source at which the new part begins; its end if None.
        """
        new_part = melody_of(audio_id)
        if self.melody is None:
            return melody_of_length("unheard", continue_at or 0).followed_by(new_part)
        kept = self.melody.cut_to(self.melody.duration if continue_at is None else continue_at)
        return kept.followed_by(melody_of_length(audio_id, self.melody.duration - kept.duration + new_part.duration))
