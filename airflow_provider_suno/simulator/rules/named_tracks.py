"""Find the music task that a call names, or a track of it."""

from __future__ import annotations

from airflow_provider_suno.simulator.jobs.conversion import SourceTrack
from airflow_provider_suno.simulator.kinds.music.job import MusicTask
from airflow_provider_suno.simulator.rules.call import Call
from airflow_provider_suno.simulator.state.service_state import ServiceState


def find_track(call: Call, state: ServiceState, now: float) -> SourceTrack | None:
    """
    Return the track that a call names, finished or not. None if there is none.

    :param now: simulated time.
    """
    task, audio_id = state.find(call.text("taskId"), now), call.text("audioId")
    if task is None or audio_id not in task.audio_ids:
        return None
    return SourceTrack(audio_id, task.audio_ids.index(audio_id), task.melody(audio_id))


def track_unknown(call: Call, state: ServiceState, now: float) -> bool:
    """Return whether there is no such track."""
    return find_track(call, state, now) is None


def track_unfinished(call: Call, state: ServiceState, now: float) -> bool:
    """Return whether the track has no audio, or not yet."""
    return not has_audio(state.find(call.text("taskId"), now), call.text("audioId"), now)


def task_unknown(call: Call, state: ServiceState, now: float) -> bool:
    """Return whether there is no such music task, or none that is visible yet."""
    return state.find(call.job_id, now) is None


def task_unfinished(call: Call, state: ServiceState, now: float) -> bool:
    """Return whether the music task lacks audio."""
    task = state.find(call.job_id, now)
    return task is None or not task.finished(now)


def has_audio(task: MusicTask | None, audio_id: str, now: float) -> bool:
    """
    Return whether a track has its audio.

    :param task: its music task, or None if there is none.
    :param now: simulated time.
    """
    age = task.audio_age(audio_id, now) if task is not None and audio_id in task.audio_ids else None
    return age is not None and age >= 0
