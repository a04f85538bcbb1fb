"""Generate a song, and make a WAV file and the stems of each of its tracks."""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_provider_suno.operators.conversions import ConvertToWavOperator, SeparateVocalsOperator
from airflow_provider_suno.operators.music import GenerateMusicOperator
from airflow_provider_suno.sensors.music_task import MusicTaskSensor

with DAG(
    dag_id="suno_studio",
    schedule=None,
    tags=["suno"],
    params={
        "prompt": "A dry soul song with a fretless bass",
        "model": "V5",
    },
    doc_md="""
### The studio

Each track of a song becomes a WAV file, and is separated into the voice and the rest. These are jobs like the song:
each is submitted, paid for once and waited for, here in the triggerer. `wav` returns the file's URL, `stems` the URL of
each stem by its name, once per track.
""",
):
    generate = GenerateMusicOperator(task_id="generate", prompt="{{ params.prompt }}", model="{{ params.model }}")

    wait = MusicTaskSensor(task_id="wait", music_task_id=generate.output, deferrable=True)

    ConvertToWavOperator.partial(task_id="wav", music_task_id=generate.output, deferrable=True).expand(
        audio_id=wait.output
    )

    SeparateVocalsOperator.partial(task_id="stems", music_task_id=generate.output, deferrable=True).expand(
        audio_id=wait.output
    )
