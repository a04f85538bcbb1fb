"""Generate a song, make a persona of each of its tracks, and generate a song with each persona."""

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

A music task usually has two tracks, but the number may differ. Dynamic task mapping makes a persona of each track,
a song with each persona, and a wait for each song.

The song and its wait are one task group, and the group is mapped. If one song is refused, only its own wait does not
run. With a mapped sensor after a mapped operator, one refusal would stop the waits for all songs, although the others
are paid for.
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
        """Generate one song, and wait for it."""
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
