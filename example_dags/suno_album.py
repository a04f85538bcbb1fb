"""Generate a song, make a persona of each of its tracks, and sing a song with each persona."""

from __future__ import annotations

from airflow.sdk import DAG, task_group

from airflow_provider_suno.operators.music import GenerateMusicOperator
from airflow_provider_suno.operators.persona import GeneratePersonaOperator
from airflow_provider_suno.sensors.music_task import MusicTaskSensor

with DAG(
    dag_id="suno_album",
    schedule=None,
    tags=["suno"],
    params={
        "prompt": "A slow, hopeful ballad about a night train",
        "model": "V5",
    },
    doc_md="""
### The album

One song usually has two tracks, but nobody promises the number: dynamic task mapping makes as many personas
as there are tracks, a song with each persona, and a wait for each song.

A song and its wait are a task group, and the group is mapped. If one song is refused, only its own wait is left out. A
mapped sensor behind mapped songs would not run at all: the other songs, which are paid for, would not be waited for.
""",
):
    generate = GenerateMusicOperator(
        task_id="generate",
        prompt="{{ params.prompt }}",
        model="{{ params.model }}",
    )

    wait = MusicTaskSensor(task_id="wait", music_task_id=generate.output, deferrable=True)

    personas = GeneratePersonaOperator.partial(
        task_id="personas",
        music_task_id=generate.output,
        name="Night train voice {{ ti.map_index + 1 }}",
        description="A husky voice with a lot of room around it",
    ).expand(audio_id=wait.output)

    @task_group
    def song(persona_id: str) -> None:
        """Sing one song, and wait for it."""
        sing = GenerateMusicOperator(
            task_id="sing",
            persona_id=persona_id,
            title="Night Train, Part {{ ti.map_index + 1 }}",
            style="ballad, piano, brushed drums",
            prompt="The windows count the stations, and I have lost the sum",
            model="{{ params.model }}",
        )
        MusicTaskSensor(task_id="wait", music_task_id=sing.output, deferrable=True)

    song.expand(persona_id=personas.output)
