"""What is killed of the cluster."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from enum import StrEnum

import psutil

from reliability.cluster.deployment import API_SERVERS, SCHEDULERS, TRIGGERERS, WORKERS, RunningCluster
from reliability.cluster.redis import NAME as REDIS
from reliability.killing import title, with_all
from reliability.postgres import NAME as POSTGRES

_TASK = "airflow worker -- "
"""How a task's process calls itself; its parent is a process of Celery's pool, which supervises it."""
_BETWEEN_LOOKS = 0.25


class Kind(StrEnum):
    """What is killed. The names of components are those of the deployment."""

    TASK = "a task's process"
    SUBMITTING = "a task's process that has just connected to the service"
    POOL_PROCESS = "a process of Celery's pool (a task's supervisor)"
    CELERY = "Celery's main process alone"
    WORKER = "a worker with all its tasks"
    SCHEDULER_1, SCHEDULER_2 = SCHEDULERS
    TRIGGERER_1, TRIGGERER_2 = TRIGGERERS
    API_SERVER_1, API_SERVER_2 = API_SERVERS
    REDIS = "Redis, which keeps its data"
    EMPTIED_REDIS = "Redis, which loses its data"
    POSTGRES = "PostgreSQL"


_ALWAYS = (
    Kind.TASK,
    *[Kind.SUBMITTING] * 3,
    Kind.POOL_PROCESS,
    Kind.CELERY,
    Kind.WORKER,
    Kind.POSTGRES,
)
_IN_TURNS = (
    (Kind.SCHEDULER_1, Kind.TRIGGERER_1, Kind.API_SERVER_1, Kind.REDIS),
    (Kind.SCHEDULER_2, Kind.TRIGGERER_2, Kind.API_SERVER_2, Kind.EMPTIED_REDIS),
)


def plan(number: int) -> list[str]:
    """
    Return the kills of a round: twelve, of which four are others in every second round.

    :param number: the round's number.
    """
    return [*_ALWAYS, *_IN_TURNS[number % 2]]


class ClusterTargets:
    """
    The processes of the cluster.

    :param cluster: the deployment.
    :param service: port of the service that the tasks call.
    """

    def __init__(self, cluster: RunningCluster, service: int) -> None:
        self._cluster = cluster
        self._service = service

    def tasks_running(self) -> int:
        """Return how many processes run a task."""
        return len(self._tasks())

    def victims(self, kind: str, chance: random.Random) -> list[psutil.Process]:
        """Return the processes to kill together; none if there is no such process at present."""
        match Kind(kind):
            case Kind.TASK:
                return self._one_of(self._tasks(), chance)
            case Kind.SUBMITTING:
                return self._one_of(self._newly_connected(), chance)
            case Kind.POOL_PROCESS:
                return self._one_of([parent for task in self._tasks() if (parent := task.parent())], chance)
            case Kind.CELERY:
                return self._one_of(self._workers(), chance)
            case Kind.WORKER:
                return [process for one in self._one_of(self._workers(), chance) for process in with_all(one)]
            case Kind.REDIS | Kind.EMPTIED_REDIS:
                self._cluster.redis.keeps_data = kind == Kind.REDIS
                return _with_all_if_running(self._cluster.redis.processes.process(REDIS))
            case Kind.POSTGRES:
                return _with_all_if_running(self._cluster.postgres.processes.process(POSTGRES))
            case component:
                return _with_all_if_running(self._cluster.processes.process(component))

    def _tasks(self) -> list[psutil.Process]:
        return [process for process in self._cluster.processes.running() if title(process).startswith(_TASK)]

    def _workers(self) -> list[psutil.Process]:
        return [process for name in WORKERS if (process := self._cluster.processes.process(name))]

    def _newly_connected(self) -> list[psutil.Process]:
        """Return the tasks that connect to the service within a moment: most of them submit."""
        before = self._connected()
        time.sleep(_BETWEEN_LOOKS)
        return [task for task, connected in self._connected().items() if connected and not before.get(task, False)]

    def _connected(self) -> Mapping[psutil.Process, bool]:
        return {task: is_connected(task, self._service) for task in self._tasks()}

    @staticmethod
    def _one_of(processes: list[psutil.Process], chance: random.Random) -> list[psutil.Process]:
        return [chance.choice(processes)] if processes else []


def is_connected(process: psutil.Process, port: int) -> bool:
    """Return whether a process has a connection to a port."""
    try:
        connections = process.net_connections("tcp")
    except psutil.Error:
        return False
    return any(one.raddr and one.raddr.port == port and one.status == psutil.CONN_ESTABLISHED for one in connections)


def _with_all_if_running(process: psutil.Process | None) -> list[psutil.Process]:
    return with_all(process) if process else []
