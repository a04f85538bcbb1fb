"""What is killed, and how: ``kill -9``, with a look that it is dead."""

from __future__ import annotations

import random
import time
from collections import Counter
from contextlib import suppress
from enum import StrEnum

import psutil

from reliability.deployment import KeptAirflow
from reliability.postgres import NAME as POSTGRES

# How Airflow's processes call themselves.
_WORKER = "airflow worker -- "
_SUPERVISOR = "LocalExecutor"
_IDLE = "<idle>"
_DIES_WITHIN = 20.0
_REST = (2.0, 8.0)
"""The shortest and the longest time between two kills, in seconds."""
_ENOUGH = 4
"""Tasks that must be running: a kill in an idle moment proves nothing."""


class Kind(StrEnum):
    """A kind of victim."""

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
    Kill something at random moments, while several tasks run, until the plan is done.

    :param airflow: whose processes.
    :param chance: the source of what, whom and when.
    :param rounds: how often each kind is planned; what a round leaves over is killed in the next.
    """

    def __init__(self, airflow: KeptAirflow, chance: random.Random, rounds: int = 1) -> None:
        self._airflow = airflow
        self._chance = chance
        plan = [kind for kind in _PLAN if kind is not Kind.POSTGRES or airflow.postgres is not None]
        self._left = [kind for _ in range(rounds) for kind in chance.sample(plan, len(plan))]
        self._next_at: float | None = None
        self.killed: Counter[Kind] = Counter()
        self.times: list[float] = []
        """When something was killed, in epoch seconds."""

    @property
    def done(self) -> bool:
        """Whether nothing is left to kill."""
        return not self._left

    def strike(self, now: float) -> Kind | None:
        """
        Kill the next victim if its time has come.

        :param now: seconds on any clock.
        :return: what was killed, if anything.
        """
        if self._next_at is None:
            self._next_at = now + self._chance.uniform(*_REST)
        if self.done or now < self._next_at:
            return None
        if len(self._workers()) < _ENOUGH:
            return None
        victims = self._victims(self._left[0])
        if not victims:
            self._left.append(self._left.pop(0))  # none is there just now: another kind first
            return None
        self._next_at = None
        return self._kill(self._left.pop(0), victims)

    def free_lost(self) -> Kind | None:
        """
        Kill the scheduler with its idle workers, as a person restarts it who finds tasks that stay queued for ever.

        A LocalExecutor never learns that the supervisor of a task died before the task was running, and cannot take
        a task back, so ``task_queued_timeout`` does nothing there (Airflow 3.3.2); another scheduler queues it again.

        :return: what was killed; None if no scheduler is there, or while any process has a task: that one is not lost.
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
        """Find the processes that run a task, or those of the executor that supervise one."""
        return [process for process, title in self._busy().items() if (_SUPERVISOR in title) == supervisors]

    def _busy(self) -> dict[psutil.Process, str]:
        """Find the processes that have a task, and what they call themselves."""
        titles = {process: _title(process) for process in self._airflow.processes.running()}
        return {process: title for process, title in titles.items() if title.startswith(_WORKER) and _IDLE not in title}


def kill(victims: list[psutil.Process]) -> None:
    """
    Kill processes by ``SIGKILL``, and look that they are dead.

    :raises RuntimeError: one lives.
    """
    for victim in victims:
        with suppress(psutil.NoSuchProcess):  # the death of another took it along
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
