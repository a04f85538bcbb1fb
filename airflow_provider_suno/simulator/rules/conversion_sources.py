"""Find what a conversion is made of: a track of a music task, or the stems of a separation."""

from __future__ import annotations

from airflow_provider_suno.simulator.jobs.conversion import SourceTrack
from airflow_provider_suno.simulator.jobs.music_task import MusicTask
from airflow_provider_suno.simulator.jobs.stems import Stem, StemsJob
from airflow_provider_suno.simulator.rules.call import Call
from airflow_provider_suno.simulator.state.service_state import ServiceState


def find_track(call: Call, state: ServiceState, now: float) -> SourceTrack | None:
    """
    Return the track that a call names by its music task and its own id, finished or not. None if there is none.

    :param now: simulated time.
    """
    task, audio_id = state.find(call.text("taskId"), now), call.text("audioId")
    if task is None or audio_id not in task.audio_ids:
        return None
    return SourceTrack(audio_id, task.audio_ids.index(audio_id), task.melody(audio_id))


def find_separation(call: Call, state: ServiceState, now: float) -> StemsJob | None:
    """
    Return the separation into stems that a call names, finished or not. None if there is none.

    :param now: simulated time.
    """
    job = state.find_conversion(call.text("taskId"), now)
    return job if isinstance(job, StemsJob) else None


def chosen_stems(call: Call, separation: StemsJob) -> tuple[Stem, ...]:
    """
    Return the stem that a call names, or all stems if it names none.

    :param separation: the separation that made them.
    """
    if "audioId" not in call.fields:
        return separation.stems
    return tuple(stem for stem in separation.stems if stem.stem_id == call.text("audioId"))


def has_audio(task: MusicTask | None, audio_id: str, now: float) -> bool:
    """
    Return whether a track has its audio.

    :param task: its music task, or None if there is none.
    :param now: simulated time.
    """
    age = task.audio_age(audio_id, now) if task is not None and audio_id in task.audio_ids else None
    return age is not None and age >= 0
