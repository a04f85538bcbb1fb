"""What the kill test kills: the processes of an Airflow with a LocalExecutor."""

from __future__ import annotations

import random
from enum import StrEnum

import psutil

from reliability.deployment import KeptAirflow
from reliability.killing import title, with_all
from reliability.postgres import NAME as POSTGRES

# Process titles of Airflow.
_WORKER = "airflow worker -- "
_SUPERVISOR = "LocalExecutor"
_IDLE = "<idle>"


class Kind(StrEnum):
    """What is killed."""

    TASK = "a task's process"
    SUPERVISOR = "a task's supervisor"
    SCHEDULER = "the scheduler alone"
    SCHEDULER_WITH_ALL = "the scheduler with all its tasks"
    TRIGGERER = "the triggerer"
    API_SERVER = "the API server"
    POSTGRES = "PostgreSQL"
    SCHEDULER_TO_FREE = "the scheduler, to free lost tasks"


_PLAN = (
    *[Kind.TASK] * 3,
    *[Kind.SUPERVISOR] * 2,
    Kind.SCHEDULER,
    Kind.SCHEDULER_WITH_ALL,
    Kind.TRIGGERER,
    Kind.API_SERVER,
    Kind.POSTGRES,
)

_COMPONENTS = {
    Kind.SCHEDULER: "scheduler",
    Kind.SCHEDULER_WITH_ALL: "scheduler",
    Kind.SCHEDULER_TO_FREE: "scheduler",
    Kind.TRIGGERER: "triggerer",
    Kind.API_SERVER: "api-server",
}


class LocalTargets:
    """
    The processes of an Airflow with a LocalExecutor.

    :param airflow: the deployment.
    """

    def __init__(self, airflow: KeptAirflow) -> None:
        self._airflow = airflow

    def plan(self) -> list[str]:
        """Return the kills of one round."""
        return [kind for kind in _PLAN if kind is not Kind.POSTGRES or self._airflow.postgres is not None]

    def tasks_running(self) -> int:
        """Return how many processes run a task."""
        return len(self._workers())

    def victims(self, kind: str, chance: random.Random) -> list[psutil.Process]:
        """
        Return the processes to kill together; none if there is no such process at present.

        A LocalExecutor does not notice that a task's supervisor died before the task was running, and it ignores
        ``task_queued_timeout`` (Airflow 3.3.2). A new scheduler queues the task again; but while a process still has
        a task, none is replaced for that.
        """
        match Kind(kind):
            case Kind.TASK | Kind.SUPERVISOR:
                workers = self._workers(supervisors=kind == Kind.SUPERVISOR)
                return [chance.choice(workers)] if workers else []
            case Kind.SCHEDULER_TO_FREE if self._busy():
                return []
            case Kind.POSTGRES:
                server = self._airflow.postgres.processes.process(POSTGRES) if self._airflow.postgres else None
            case component:
                server = self._airflow.processes.process(_COMPONENTS[component])
        if server is None:
            return []
        return [server] if kind == Kind.SCHEDULER else with_all(server)

    def prepare(self, kind: str) -> None:
        """Do nothing."""

    def costs_replies_for(self, kind: str) -> float | None:
        """
        Return how long after a kill the reply to a submission may be lost.

        What was killed is back within the heartbeat timeout, and a task stores its result then. A triggerer has no part
        in a submission.
        """
        return None if kind == Kind.TRIGGERER else 0.0

    def _workers(self, *, supervisors: bool = False) -> list[psutil.Process]:
        """Return the processes that run a task, or the executor's processes that supervise one."""
        return [process for process, name in self._busy().items() if (_SUPERVISOR in name) == supervisors]

    def _busy(self) -> dict[psutil.Process, str]:
        """Return the processes that have a task, with their titles."""
        titles = {process: title(process) for process in self._airflow.processes.running()}
        return {process: name for process, name in titles.items() if name.startswith(_WORKER) and _IDLE not in name}
