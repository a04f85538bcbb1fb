"""A persona: a voice made from one track."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Persona:
    """
    A voice made from one track.

    :param persona_id: its id.
    :param music_task_id: the music task of the track.
    :param audio_id: the track.
    :param name: its name.
    :param description: its description.
    :param created_at: simulated time, in epoch seconds.
    """

    persona_id: str
    music_task_id: str
    audio_id: str
    name: str
    description: str
    created_at: float
