"""Fifty or sixty songs at once, with each way to wait. The prompt identifies a song in the ledger."""

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG

from airflow_provider_suno.operators.music import GenerateMusicOperator
from airflow_provider_suno.sensors.music_task import MusicTaskSensor

# The run, the task and the map index.
PROMPT = "{{ run_id }} {{ ti.task_id }} {{ ti.map_index }}"
SENSORS: dict[str, dict[str, Any]] = {
    "poke": {"mode": "poke"},
    "reschedule": {"mode": "reschedule"},
    "deferrable": {"deferrable": True},
}


def songs(dag_id: str, of_each: int) -> DAG:
    """
    Return a Dag that makes songs.

    :param dag_id: its id.
    :param of_each: songs for each way of an operator or a sensor to wait; twenty more are mapped or not waited for.
    """
    with DAG(
        dag_id,
        schedule=None,
        max_active_tasks=12,
        default_args={"model": "V5", "retries": 30, "retry_delay": timedelta(seconds=1)},
    ) as dag:
        for number in range(of_each):
            for name, deferrable in (("worker", False), ("deferrable", True)):
                GenerateMusicOperator(
                    task_id=f"wait_in_{name}_{number}", prompt=PROMPT, wait_for_completion=True, deferrable=deferrable
                )

        for name, options in SENSORS.items():
            for number in range(of_each):
                submit = GenerateMusicOperator(task_id=f"submit_{name}_{number}", prompt=PROMPT)
                MusicTaskSensor(task_id=f"sensor_{name}_{number}", music_task_id=submit.output, timeout=900, **options)

        for number in range(4):
            GenerateMusicOperator(task_id=f"submit_only_{number}", prompt=PROMPT)

        for name, deferrable in (("worker", False), ("deferrable", True)):
            GenerateMusicOperator.partial(
                task_id=f"mapped_{name}", wait_for_completion=True, deferrable=deferrable
            ).expand(prompt=[PROMPT] * 5)

        mapped = GenerateMusicOperator.partial(task_id="submit_mapped").expand(prompt=[PROMPT] * 6)
        MusicTaskSensor.partial(task_id="sensor_mapped", deferrable=True, timeout=900).expand(
            music_task_id=mapped.output
        )
    return dag


# Names of their own, by which Airflow finds them.
fifty = songs("songs", of_each=6)
sixty = songs("sixty_songs", of_each=8)
