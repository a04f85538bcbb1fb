"""Choose a process at random, kill it by ``kill -9``, and make sure that it is dead."""

from __future__ import annotations

import random
import time
from collections import Counter
from contextlib import suppress
from enum import StrEnum

import psutil

from reliability.deployment import KeptAirflow
from reliability.postgres import NAME as POSTGRES

# Process titles of Airflow.
_WORKER = "airflow worker -- "
_SUPERVISOR = "LocalExecutor"
_IDLE = "<idle>"
_DIES_WITHIN = 20.0
_GAP = (2.0, 8.0)
"""The shortest and the longest time between two kills, in seconds."""
_FEWEST_RUNNING = 4
"""Tasks that must be running: a kill of an idle system proves nothing."""


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


class Killer:
    """
    Kill processes at random moments, while several tasks run, until the plan is done.

    :param airflow: the deployment.
    :param chance: chooses kinds, processes and moments.
    :param rounds: how often the plan is repeated; what one round does not kill, the next one does.
    """

    def __init__(self, airflow: KeptAirflow, chance: random.Random, rounds: int = 1) -> None:
        self._airflow = airflow
        self._chance = chance
        plan = [kind for kind in _PLAN if kind is not Kind.POSTGRES or airflow.postgres is not None]
        self._left = [kind for _ in range(rounds) for kind in chance.sample(plan, len(plan))]
        self._next_at: float | None = None
        self.killed: Counter[Kind] = Counter()
        self.times: list[float] = []
        """Times of the kills, in epoch seconds."""

    @property
    def done(self) -> bool:
        """Whether the plan is done."""
        return not self._left

    def strike(self, now: float) -> Kind | None:
        """
        Kill the next process of the plan if it is due.

        :param now: seconds on any clock.
        :return: what was killed, if anything.
        """
        if self._next_at is None:
            self._next_at = now + self._chance.uniform(*_GAP)
        if self.done or now < self._next_at:
            return None
        if len(self._workers()) < _FEWEST_RUNNING:
            return None
        victims = self._victims(self._left[0])
        if not victims:
            self._left.append(self._left.pop(0))  # none runs at present: try another kind first
            return None
        self._next_at = None
        return self._kill(self._left.pop(0), victims)

    def free_lost(self) -> Kind | None:
        """
        Kill the scheduler with its idle workers, as a person would restart it when tasks stay queued for ever.

        A LocalExecutor does not notice that a task's supervisor died before the task was running, and it ignores
        ``task_queued_timeout`` (Airflow 3.3.2). A new scheduler queues the task again.

        :return: what was killed; None without a scheduler, or while a process still has a task.
        """
        victims = [] if self._busy() else self._victims(Kind.SCHEDULER_TO_FREE)
        return self._kill(Kind.SCHEDULER_TO_FREE, victims) if victims else None

    def _kill(self, kind: Kind, victims: list[psutil.Process]) -> Kind:
        self.times.append(time.time())
        kill(victims)
        self.killed[kind] += 1
        return kind

    def _victims(self, kind: Kind) -> list[psutil.Process]:
        match kind:
            case Kind.TASK | Kind.SUPERVISOR:
                workers = self._workers(supervisors=kind is Kind.SUPERVISOR)
                return [self._chance.choice(workers)] if workers else []
            case Kind.POSTGRES:
                server = self._airflow.postgres.processes.process(POSTGRES) if self._airflow.postgres else None
            case _:
                server = self._airflow.processes.process(_COMPONENTS[kind])
        if server is None:
            return []
        return [server] if kind is Kind.SCHEDULER else _with_all(server)

    def _workers(self, *, supervisors: bool = False) -> list[psutil.Process]:
        """Return the processes that run a task, or the executor's processes that supervise one."""
        return [process for process, title in self._busy().items() if (_SUPERVISOR in title) == supervisors]

    def _busy(self) -> dict[psutil.Process, str]:
        """Return the processes that have a task, with their titles."""
        titles = {process: _title(process) for process in self._airflow.processes.running()}
        return {process: title for process, title in titles.items() if title.startswith(_WORKER) and _IDLE not in title}


def kill(victims: list[psutil.Process]) -> None:
    """
    Kill processes by ``SIGKILL``, and make sure that they are dead.

    :raises RuntimeError: one is still alive.
    """
    for victim in victims:
        with suppress(psutil.NoSuchProcess):  # it ended together with another one
            victim.kill()
    _, left = psutil.wait_procs(victims, timeout=_DIES_WITHIN)
    alive = [victim for victim in left if victim.is_running() and victim.status() != psutil.STATUS_ZOMBIE]
    if alive:
        raise RuntimeError(f"alive after SIGKILL: {alive}")


def _with_all(process: psutil.Process) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return [process, *process.children(recursive=True)]
    return []


def _title(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""
