"""Generate a song, separate its first track into stems, and transcribe the stems into notes."""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, XComArg, task

from airflow_provider_suno.operators.conversions import GenerateMidiOperator, SeparateVocalsOperator
from airflow_provider_suno.operators.music import GenerateMusicOperator
from airflow_provider_suno.sensors.music_task import MusicTaskSensor

with DAG(
    dag_id="suno_midi",
    schedule=None,
    tags=["suno"],
    params={
        "prompt": "A lullaby for voice and harp",
        "model": "V5",
    },
    doc_md="""
### Notes of stems

The service transcribes stems, not songs. So `stems` separates the first track first, which costs credits each time.
`midi` takes the id of that job and returns each instrument with its notes; `count_notes` counts them.
""",
):
    generate = GenerateMusicOperator(task_id="generate", prompt="{{ params.prompt }}", model="{{ params.model }}")

    wait = MusicTaskSensor(task_id="wait", music_task_id=generate.output, deferrable=True)

    stems = SeparateVocalsOperator(
        task_id="stems",
        music_task_id=generate.output,
        audio_id="{{ ti.xcom_pull('wait')[0] }}",
        deferrable=True,
    )

    midi = GenerateMidiOperator(task_id="midi", stems_job_id=XComArg(stems, key="job_id"), deferrable=True)

    @task
    def count_notes(instruments: list[dict[str, Any]]) -> dict[str, int]:
        """Return the number of notes of each instrument."""
        return {instrument["name"]: len(instrument["notes"]) for instrument in instruments}

    wait >> stems
    count_notes(midi.output)
