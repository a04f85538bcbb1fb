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

The hook keeps no journal, so a retry of a function that submits would pay again: `submit` has `retries=0`. A
`MusicTaskSensor` waits. Waiting and reading records are free.
""",
)
def suno_taskflow() -> None:
    """Submit with the hook, wait with the sensor, read with the hook."""

    @task(retries=0)
    def submit() -> str:
        """Submit a song, unless the balance is low."""
        hook = SunoHook()
        balance = hook.get_credits()
        if balance < 50:
            raise RuntimeError(f"only {balance} credits are left")
        return hook.generate_music(model="V5", prompt="A march for very small soldiers", instrumental=True)

    @task
    def report(music_task_id: str) -> list[dict[str, Any]]:
        """Return the title, the length and the URL of each track."""
        record = SunoHook().get_music_task(music_task_id)
        if record is None:
            raise RuntimeError(f"the service does not know the music task {music_task_id}")
        return [{"title": track.title, "seconds": track.duration, "url": track.audio_url} for track in record.tracks]

    music_task_id = submit()
    MusicTaskSensor(task_id="wait", music_task_id=music_task_id, deferrable=True) >> report(music_task_id)


suno_taskflow()
