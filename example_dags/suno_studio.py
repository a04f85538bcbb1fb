"""Generate a song and convert each of its tracks to a WAV file."""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_provider_suno.operators.conversions import ConvertToWavOperator
from airflow_provider_suno.operators.music import GenerateMusicOperator
from airflow_provider_suno.sensors.music_task import MusicTaskSensor

with DAG(
    dag_id="suno_studio",
    schedule=None,
    tags=["suno"],
    params={
        "prompt": "A dry drum loop with a fretless bass",
        "model": "V5",
    },
    doc_md="""
### The studio

Each track of a song becomes a WAV file. A conversion is a job like the song: it is submitted, paid for once and waited
for, here in the triggerer. `wav` returns the file's URL, once per track.
""",
):
    generate = GenerateMusicOperator(
        task_id="generate",
        prompt="{{ params.prompt }}",
        model="{{ params.model }}",
        instrumental=True,
    )

    wait = MusicTaskSensor(task_id="wait", music_task_id=generate.output, deferrable=True)

    ConvertToWavOperator.partial(task_id="wav", music_task_id=generate.output, deferrable=True).expand(
        audio_id=wait.output
    )
