"""A conversion: a job that makes something else of a finished track, such as a WAV file of it."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_suno.simulator.jobs.flagged_job import FlaggedJob
from airflow_provider_suno.simulator.jobs.melody import Melody


@dataclass(frozen=True)
class SourceTrack:
    """
    The track that a conversion is made of.

    :param audio_id: its id; None for audio at an address.
    :param index: its number in its music task, from 0; None for audio at an address.
    :param melody: its audio.
    """

    audio_id: str | None
    index: int | None
    melody: Melody


@dataclass(frozen=True, kw_only=True)
class Conversion(FlaggedJob):
    """
    One submitted conversion.

    :param track: the track it is made of.
    """

    track: SourceTrack
