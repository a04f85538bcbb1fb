"""Generate a song, and extend its first track."""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_provider_suno.operators.music import ExtendMusicOperator, GenerateMusicOperator
from airflow_provider_suno.sensors.music_task import MusicTaskSensor

with DAG(
    dag_id="suno_extend",
    schedule=None,
    tags=["suno"],
    params={
        "prompt": "A patient ambient piece that slowly opens up",
        "model": "V5",
    },
    doc_md="""
### An extension

`extend` first reads the song's record. It takes the track and the model from there, and checks the request against it
before anything is paid for.
""",
):
    generate = GenerateMusicOperator(task_id="generate", prompt="{{ params.prompt }}", model="{{ params.model }}")

    wait = MusicTaskSensor(task_id="wait", music_task_id=generate.output, deferrable=True)

    extend = ExtendMusicOperator(task_id="extend", source_music_task_id=generate.output, track=0)

    MusicTaskSensor(task_id="wait_for_more", music_task_id=extend.output, deferrable=True)

    wait >> extend
