"""Every way to wait for a song, side by side."""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_provider_suno.operators.music import GenerateMusicOperator
from airflow_provider_suno.sensors.music_task import MusicTaskSensor

with DAG(
    dag_id="suno_waiting",
    schedule=None,
    tags=["suno"],
    params={
        "prompt": "Forty seconds of rain on a tent",
        "model": "V5",
    },
    doc_md="""
### Ways to wait

| task | holds a worker | between two looks |
|---|---|---|
| `poke` | all the time | sleeps in the worker |
| `reschedule` | for each look | is not there; the scheduler starts it again |
| `deferrable` | no | waits in the triggerer |
| `first_track` | no | the same, until one track has its audio |
| `generate_and_wait` | no | an operator that pays and waits by itself, in the triggerer |

All sensors return the same list of `audio_id`s. A retry of a sensor costs nothing; that is why paying and waiting are
two tasks in the other examples.
""",
):
    generate = GenerateMusicOperator(task_id="generate", prompt="{{ params.prompt }}", model="{{ params.model }}")

    MusicTaskSensor(task_id="poke", music_task_id=generate.output, mode="poke", deferrable=False)
    MusicTaskSensor(task_id="reschedule", music_task_id=generate.output, mode="reschedule", deferrable=False)
    MusicTaskSensor(task_id="deferrable", music_task_id=generate.output, deferrable=True)
    MusicTaskSensor(task_id="first_track", music_task_id=generate.output, until="first", deferrable=True)

    GenerateMusicOperator(
        task_id="generate_and_wait",
        prompt="{{ params.prompt }}",
        model="{{ params.model }}",
        wait_for_completion=True,
        deferrable=True,
        retries=0,
    )
