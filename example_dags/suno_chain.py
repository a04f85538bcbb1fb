"""Generate a song, keep it, make a persona of it, and generate another song in that persona's voice."""

from __future__ import annotations

import tempfile
from pathlib import Path

from airflow.sdk import DAG

from airflow_provider_suno.operators.music import GenerateMusicOperator
from airflow_provider_suno.operators.persona import GeneratePersonaOperator
from airflow_provider_suno.sensors.music_task import MusicTaskSensor

with DAG(
    dag_id="suno_chain",
    schedule=None,
    tags=["suno"],
    params={
        "prompt": "A calm folk song about a lighthouse at dawn",
        "model": "V5",
        "folder": str(Path(tempfile.gettempdir()) / "suno"),
    },
    doc_md="""
### The chain

`generate` submits a song, which costs credits, and returns at once. `wait` waits for it in the triggerer and holds no
worker; then it keeps the tracks in `folder`, a local folder or one of an object store such as `s3://aws_default@bucket/songs`.
`persona` makes a persona of the first track. `again` submits another song in that persona's voice, and `wait_again`
waits for it and keeps it, too.
""",
):
    generate = GenerateMusicOperator(
        task_id="generate",
        prompt="{{ params.prompt }}",
        model="{{ params.model }}",
    )

    wait = MusicTaskSensor(
        task_id="wait", music_task_id=generate.output, keep_at="{{ params.folder }}", deferrable=True
    )

    persona = GeneratePersonaOperator(
        task_id="persona",
        music_task_id=generate.output,
        name="The lighthouse keeper",
        description="A warm, unhurried voice, close to the microphone",
    )

    again = GenerateMusicOperator(
        task_id="again",
        persona_id=persona.output,
        title="The Keeper Sings Again",
        style="folk, acoustic guitar, warm voice",
        prompt="The lamp goes out, the sea turns gold\nand all the ships come home",
        model="{{ params.model }}",
    )

    wait_again = MusicTaskSensor(
        task_id="wait_again", music_task_id=again.output, keep_at="{{ params.folder }}", deferrable=True
    )

    # A persona needs a finished song, and `generate` does not wait for it.
    wait >> persona
