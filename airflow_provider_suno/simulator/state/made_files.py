"""Which of the files that jobs make can be downloaded: tracks, their pictures, and the files of the other jobs."""

from __future__ import annotations

from airflow_provider_suno.simulator.state.service_state import ServiceState

RETENTION = 14 * 24 * 3600
"""Simulated seconds after which a finished file is deleted."""


def file_exists(file_name: str, state: ServiceState, now: float) -> bool:
    """
    Return whether a file has been made and not been deleted yet.

    :param now: simulated time.
    """
    audio_id = state.track_of_file(file_name)
    if audio_id is None:
        job = state.job_of_file(file_name)
        age = job.file_age(now) if job else None
        return age is not None and age < RETENTION
    if file_name.endswith(".jpeg"):
        return track_is_known(audio_id, state, now)
    return track_has_audio(audio_id, state, now)


def track_is_known(audio_id: str, state: ServiceState, now: float) -> bool:
    """
    Return whether there is a track that records show.

    :param now: simulated time.
    """
    task = state.task_of_track(audio_id)
    return task is not None and task.stage(now).tracks_known


def track_has_audio(audio_id: str, state: ServiceState, now: float) -> bool:
    """
    Return whether a track has its audio, and it has not been deleted yet.

    :param now: simulated time.
    """
    task = state.task_of_track(audio_id)
    age = task.audio_age(audio_id, now) if task else None
    return age is not None and 0 <= age < RETENTION
