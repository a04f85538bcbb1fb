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

| task | holds a worker | between two polls |
|---|---|---|
| `poke` | during the whole wait | sleeps in the worker |
| `reschedule` | for each poll | has no process; the scheduler starts one for the next poll |
| `deferrable` | no | waits in the triggerer |
| `first_track` | no | the same, until one track has its audio |
| `generate_and_wait` | no | the same, in the operator that submits the song |

`poke`, `reschedule` and `deferrable` return the same list of `audio_id`s.

A sensor's `timeout` fails its task for good, as with Airflow's own sensors: Airflow does not retry it. Clear the task
to wait again; a sensor never pays. An operator's `wait_timeout` is retried: on Airflow 3.3 and later the retry goes on
with the same song, and nothing is charged again.
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
    )
