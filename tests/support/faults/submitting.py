"""What the tests of submissions share: the modes, the policies, and the Dag."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG

from airflow_provider_suno.operators.music import GenerateMusicOperator
from airflow_provider_suno.simulator.embedding import RunningSimulator
from tests.support.generating import charges

MODES: dict[str, dict[str, Any]] = {
    "submit only": {},
    "worker": {"wait_for_completion": True, "deferrable": False},
    "deferrable": {"wait_for_completion": True, "deferrable": True},
}
POLICIES = ("fail", "resubmit")


def a_dag(mode: str, policy: str, retries: int = 1) -> DAG:
    with DAG("faults", schedule=None) as dag:
        GenerateMusicOperator(
            task_id="generate",
            model="V5",
            prompt="rain",
            poll_interval=0.05,
            retries=retries,
            retry_delay=timedelta(0),
            on_lost_reply=policy,
            **MODES[mode],
        )
    return dag


def paid(sim: RunningSimulator) -> int:
    """Return how often was paid, whatever for."""
    return sum(charges(sim))
