"""The hook in TaskFlow style: Python functions that submit, read and report."""

from __future__ import annotations

from typing import Any

from airflow.sdk import dag, task

from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.sensors.music_task import MusicTaskSensor


@dag(
    dag_id="suno_taskflow",
    schedule=None,
    tags=["suno"],
    doc_md="""
### The hook in TaskFlow style

A function that pays must not be retried by itself, so `submit` has `retries=0`; a `MusicTaskSensor` waits, and the
rest is free.
""",
)
def suno_taskflow() -> None:
    """Submit by the hook, wait by the sensor, read by the hook."""

    @task(retries=0)
    def submit() -> str:
        """Pay for a song, unless the account runs low."""
        hook = SunoHook()
        balance = hook.get_credits()
        if balance < 50:
            raise RuntimeError(f"only {balance} credits are left")
        return hook.generate_music(model="V5", prompt="A march for very small soldiers", instrumental=True)

    @task
    def report(music_task_id: str) -> list[dict[str, Any]]:
        """Return what there is to hear."""
        record = SunoHook().get_music_task(music_task_id)
        if record is None:
            raise RuntimeError(f"the service has forgotten {music_task_id}")
        return [{"title": track.title, "seconds": track.duration, "url": track.audio_url} for track in record.tracks]

    music_task_id = submit()
    MusicTaskSensor(task_id="wait", music_task_id=music_task_id, deferrable=True) >> report(music_task_id)


suno_taskflow()
