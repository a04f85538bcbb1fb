"""As many songs as a run asks for, in one way of waiting each. The prompt identifies a song in the ledger."""

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, Param, task

from airflow_provider_suno.operators.music import GenerateMusicOperator

WAYS: dict[str, dict[str, Any]] = {
    "waits_in_workers": {"wait_for_completion": True, "deferrable": False},
    "waits_in_triggerers": {"wait_for_completion": True, "deferrable": True},
    "submits": {},
    "submits_in_pool": {"pool": "suno"},
}


@task(retries=30, retry_delay=1)
def prompts(task_id: str, params: dict[str, int] | None = None, run_id: str | None = None) -> list[str]:
    """Return as many prompts as the run asks for."""
    return [f"{run_id} {task_id} {number}" for number in range((params or {"songs": 1})["songs"])]


def songs(dag_id: str, way: dict[str, Any]) -> DAG:
    """Return a Dag that makes songs in one way."""
    task_id = "generate" if "wait_for_completion" in way else "submit_only"
    with DAG(dag_id, schedule=None, params={"songs": Param(10, type="integer")}) as dag:
        GenerateMusicOperator.partial(
            task_id=task_id, model="V5", retries=30, retry_delay=timedelta(seconds=1), **way
        ).expand(prompt=prompts(task_id))
    return dag


globals().update({dag_id: songs(dag_id, way) for dag_id, way in WAYS.items()})
