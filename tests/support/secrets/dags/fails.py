"""All that goes wrong: at each call, in each way to wait, on Airflow's side, and in connections that are malformed."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, task

from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.operators.files import UploadFileOperator
from airflow_provider_suno.operators.music import GenerateMusicOperator
from airflow_provider_suno.operators.persona import GeneratePersonaOperator
from airflow_provider_suno.sensors.music_task import MusicTaskSensor

CASES = os.environ["SWEEP_CASES"].split()
WAITS = os.environ["SWEEP_WAITS"].split()
BAD = os.environ["SWEEP_BAD"].split()
WAITED = {"model": "V5", "prompt": "rain", "wait_for_completion": True, "poll_interval": 3}


def break_down(context: Any) -> None:
    """Be a callback that fails, and repeats what the task failed with."""
    raise RuntimeError(f"the callback of {context['task']!r} broke after {context.get('exception')!r}")


with DAG("fails", schedule=None, default_args={"retries": 0, "on_failure_callback": break_down}):
    GenerateMusicOperator.partial(task_id="submit", model="V5", prompt="rain").expand(suno_conn_id=CASES)
    MusicTaskSensor.partial(task_id="sensor", music_task_id="job-1", deferrable=True, poke_interval=3).expand(
        suno_conn_id=WAITS
    )
    GenerateMusicOperator.partial(task_id="operator", deferrable=True, **WAITED).expand(suno_conn_id=WAITS[:4])
    GenerateMusicOperator(
        task_id="resubmitted", model="V5", prompt="rain", on_lost_reply="resubmit", suno_conn_id="suno_dropped"
    )
    GeneratePersonaOperator(
        task_id="persona", music_task_id="job-1", name="n", description="d", suno_conn_id="suno_late-exists"
    )
    UploadFileOperator(
        task_id="upload",
        source="https://media.invalid/x.mp3",
        suno_conn_id="suno_words_rejected",
        on_failure_callback=None,
    )
    GenerateMusicOperator(
        task_id="retried",
        model="V5",
        prompt="rain",
        retries=1,
        retry_delay=timedelta(0),
        suno_conn_id="suno_unknown_host",
    )
    GenerateMusicOperator(task_id="no_such_connection", model="V5", prompt="rain", suno_conn_id="suno_nowhere")

    @task
    def malformed() -> None:
        """Use each malformed connection, and log what comes of it."""
        for conn_id in BAD:
            hook = SunoHook(conn_id)
            try:
                hook.log.info("%s", hook.test_connection())
                hook.log.info("%s", hook.get_credits())
            except Exception:
                hook.log.exception("%s", conn_id)
        raise RuntimeError("all of them were tried")

    malformed()

with DAG("disturbed", schedule=None, default_args={"suno_conn_id": "suno_late-record_pending"}):
    for name in ("killed", "marked_failed", "timed_out"):
        GenerateMusicOperator(
            task_id=name,
            deferrable=False,
            retries=1 if name == "killed" else 0,
            retry_delay=timedelta(0),
            execution_timeout=timedelta(seconds=4) if name != "marked_failed" else None,
            **WAITED,
        )
