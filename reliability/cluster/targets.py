"""What is killed of the cluster."""

from __future__ import annotations

import random
import time
from enum import StrEnum

import psutil

from reliability.cluster.connections import is_connected
from reliability.cluster.deployment import API_SERVERS, SCHEDULERS, TRIGGERERS, WORKERS, RunningCluster
from reliability.cluster.redis import NAME as REDIS
from reliability.killing import title, with_all
from reliability.postgres import NAME as POSTGRES

_TASK = "airflow worker -- "
"""How a task's process calls itself; its parent is a process of Celery's pool, which supervises it."""
_MOMENT = 0.25
"""Seconds between two readings of the connections: one that is only in the second reading is new."""
_LONGER_THAN_A_SUBMISSION = 1.5
_STORES_AWAY = 20.0
"""Seconds: the short heartbeat timeout, and five to start again."""


class Kind(StrEnum):
    """What is killed. The names of components are those of the deployment."""

    SUBMITTING = "a task's process that has just connected to the service"
    WAITING = "a task's process that stays connected to the service"
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
    *[Kind.SUBMITTING] * 2,
    *[Kind.WAITING] * 2,
    Kind.POOL_PROCESS,
    Kind.CELERY,
    Kind.WORKER,
    Kind.POSTGRES,
)
_ALTERNATING = (
    (Kind.SCHEDULER_1, Kind.TRIGGERER_1, Kind.API_SERVER_1, Kind.REDIS),
    (Kind.SCHEDULER_2, Kind.TRIGGERER_2, Kind.API_SERVER_2, Kind.EMPTIED_REDIS),
)

_STORES = frozenset({Kind.POSTGRES, Kind.API_SERVER_1, Kind.API_SERVER_2})
_WITH_TASKS = frozenset({Kind.SUBMITTING, Kind.WAITING, Kind.POOL_PROCESS, Kind.CELERY, Kind.WORKER})


def plan(number: int) -> list[str]:
    """
    Return the kills of a round: twelve, of which four are others in every second round.

    :param number: the round's number.
    """
    return [*_ALWAYS, *_ALTERNATING[number % 2]]


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
        return len(self.tasks())

    def tasks(self, worker: str | None = None) -> list[psutil.Process]:
        """
        Return the processes that run a task.

        :param worker: only those of this worker.
        """
        if worker is None:
            ours = self._cluster.processes.running()
        else:
            ours = _with_all_if_running(self._cluster.processes.process(worker))
        return [process for process in ours if title(process).startswith(_TASK)]

    def newly_connected(self, worker: str | None = None) -> list[psutil.Process]:
        """
        Return the tasks that connect to the service within a moment: most of them submit.

        :param worker: only those of this worker.
        """
        before = self._connected(worker)
        time.sleep(_MOMENT)
        return [task for task in self._connected(worker) if task not in before]

    def victims(self, kind: str, chance: random.Random) -> list[psutil.Process]:
        """Return the processes to kill together; none if there is no such process at present."""
        match Kind(kind):
            case Kind.SUBMITTING:
                found = self.newly_connected()
            case Kind.WAITING:
                before = self._connected()
                time.sleep(_LONGER_THAN_A_SUBMISSION)
                found = [task for task in self._connected() if task in before]
            case Kind.POOL_PROCESS:
                ours = self._cluster.processes.running()
                # A task outlives its supervisor for a moment, as a child of the namespace's first process.
                found = [parent for task in self.tasks() if (parent := task.parent()) in ours]
            case Kind.CELERY | Kind.WORKER:
                found = [process for name in WORKERS if (process := self._cluster.processes.process(name))]
            case component:
                server = self._server(component)
                return with_all(server) if server else []
        one = chance.choice(found) if found else None
        return [] if one is None else with_all(one) if kind == Kind.WORKER else [one]

    def prepare(self, kind: str) -> None:
        """Let Redis lose its data if that is the kill; otherwise do nothing."""
        if kind == Kind.EMPTIED_REDIS:
            self._cluster.redis.lose_data()

    def costs_replies_for(self, kind: str) -> float | None:
        """
        Return for how many seconds after a kill the reply to a submission may be lost; None if it cannot cost one.

        While the database or an API server is away, a task cannot store its result and sends no heartbeats either. On
        a busy machine that is longer than the short heartbeat timeout, after which Airflow ends the task. Schedulers,
        triggerers and the broker have no part in a submission.
        """
        if kind in _STORES:
            return _STORES_AWAY
        return 0.0 if kind in _WITH_TASKS else None

    def _server(self, kind: Kind) -> psutil.Process | None:
        names = {Kind.REDIS: REDIS, Kind.EMPTIED_REDIS: REDIS, Kind.POSTGRES: POSTGRES}
        return self._cluster.process_of(names.get(kind, kind))

    def _connected(self, worker: str | None = None) -> list[psutil.Process]:
        return [task for task in self.tasks(worker) if is_connected(task.pid, self._service)]


def _with_all_if_running(process: psutil.Process | None) -> list[psutil.Process]:
    return with_all(process) if process else []
