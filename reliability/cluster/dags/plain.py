"""Tasks that hold a slot and have nothing to do with this provider."""

import time

from airflow.sdk import DAG, task

with DAG("plain", schedule=None):

    @task
    def hold(seconds: int) -> None:
        """Hold a slot."""
        time.sleep(seconds)

    hold.expand(seconds=[60] * 12)
