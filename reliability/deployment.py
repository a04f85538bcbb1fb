"""Airflow as in production: on PostgreSQL, with many tasks at once; each component is restarted when it dies."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from demo.airflow_process import RunningAirflow
from demo.airflow_rest import TaskState
from reliability.postgres import RunningPostgres

DAGS_FOLDER = Path(__file__).resolve().parent / "dags"

# Timers only: a dead component is noticed within seconds, not minutes.
SHORT_TIMERS: Mapping[str, str] = {
    "AIRFLOW__SCHEDULER__JOB_HEARTBEAT_SEC": "2",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "2",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "10",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "10",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_SEC": "3",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "15",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "20",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL": "5",
    "AIRFLOW__SCHEDULER__NUM_STUCK_IN_QUEUED_RETRIES": "50",
    "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "2",
    "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "10",
}
_TASKS_AT_ONCE = 12


class KeptAirflow(RunningAirflow):
    """
    An Airflow whose components are restarted when they die, as a service manager does.

    :param home: an empty folder that becomes ``AIRFLOW_HOME``; the caller removes it.
    :param postgres: its database; ``None`` for SQLite.
    :param env: further variables, for example a connection.
    """

    def __init__(self, home: Path, postgres: RunningPostgres | None, env: Mapping[str, str]) -> None:
        self.postgres = postgres
        settings = {
            **SHORT_TIMERS,
            **(postgres.settings if postgres else {}),
            "AIRFLOW__CORE__PARALLELISM": f"{_TASKS_AT_ONCE}",
            "AIRFLOW__CORE__MAX_ACTIVE_TASKS_PER_DAG": f"{_TASKS_AT_ONCE}",
        }
        super().__init__(home, DAGS_FOLDER, {**settings, **env})

    def check(self) -> None:
        """Restart each component that has died."""
        if self.postgres is not None:
            self.postgres.check()
        for name in self.components:
            if self.processes.process(name) is None:
                self.start_component(name)

    def log_of(self, dag_id: str, run_id: str, task: TaskState) -> str:
        """Return the log of a task's last try."""
        return self.rest.task_log(dag_id, run_id, task.task_id, task.try_number, task.map_index)
