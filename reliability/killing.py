"""Kill processes at random moments by ``kill -9``, and make sure that they are dead."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

import psutil

_DIES_WITHIN = 20.0
_GAP = (2.0, 8.0)
"""The shortest and the longest time between two kills, in seconds."""
_FEWEST_RUNNING = 4
"""Tasks that must be running: a kill of an idle system proves nothing."""


class Targets(Protocol):
    """What can be killed in a deployment."""

    def tasks_running(self) -> int:
        """Return how many tasks run at present."""

    def victims(self, kind: str, chance: random.Random) -> list[psutil.Process]:
        """Return the processes to kill together; none if there is no such process at present."""

    def prepare(self, kind: str) -> None:
        """Do what belongs to a kill, just before it."""

    def costs_replies_for(self, kind: str) -> float | None:
        """Return for how many seconds after a kill a submission may lose its reply; None if it cannot."""


class Disturbance(Protocol):
    """What happens to a deployment while a round runs."""

    @property
    def times(self) -> list[tuple[float, float]]:
        """From when until when something could cost the reply to a submission, in epoch seconds."""

    def act(self, now: float) -> str | None:
        """Do what is due, and return what it was, if anything."""

    def free_lost(self) -> str | None:
        """Free tasks that the scheduler has lost, as a person would, and return how, if at all."""


class Killer:
    """
    Kill processes at random moments, while several tasks run, until the plan is done.

    :param targets: the processes of the deployment.
    :param chance: chooses the order, processes and moments.
    :param freeing: the kind that frees tasks that the scheduler has lost; None if nothing has to.
    """

    def __init__(self, targets: Targets, chance: random.Random, freeing: str | None = None) -> None:
        self._targets = targets
        self._chance = chance
        self._freeing = freeing
        self._left: list[str] = []
        self._next_at: float | None = None
        self.killed: Counter[str] = Counter()
        self.times: list[tuple[float, float]] = []
        """From when until when each kill could cost a reply, in epoch seconds."""

    @property
    def done(self) -> bool:
        """Whether the plan is done."""
        return not self._left

    def plan(self, kinds: Sequence[str]) -> None:
        """
        Add kills to the plan. What one round does not kill, the next one does.

        :param kinds: what to kill, in any order.
        """
        self._left += self._chance.sample(kinds, len(kinds))

    def act(self, now: float) -> str | None:
        """
        Kill the next process of the plan if it is due.

        :param now: seconds on any clock.
        :return: what was killed, if anything.
        """
        if self._next_at is None:
            self._next_at = now + self._chance.uniform(*_GAP)
        if self.done or now < self._next_at:
            return None
        if self._targets.tasks_running() < _FEWEST_RUNNING:
            return None
        victims = self._targets.victims(self._left[0], self._chance)
        if not victims:
            self._left.append(self._left.pop(0))  # none runs at present: try another kind first
            return None
        self._next_at = None
        return self._kill(self._left.pop(0), victims)

    def free_lost(self) -> str | None:
        """
        Kill what holds tasks that the scheduler has lost.

        :return: what was killed; None if nothing has to be, or may be now.
        """
        victims = self._targets.victims(self._freeing, self._chance) if self._freeing else []
        return self._kill(self._freeing, victims) if self._freeing and victims else None

    def _kill(self, kind: str, victims: list[psutil.Process]) -> str:
        self._targets.prepare(kind)
        now = time.time()
        costs_replies_for = self._targets.costs_replies_for(kind)
        if costs_replies_for is not None:
            self.times.append((now, now + costs_replies_for))
        kill(victims)
        self.killed[kind] += 1
        return f"killed {kind}"


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


def with_all(process: psutil.Process) -> list[psutil.Process]:
    """Return a process with all its descendants; nothing if it has just ended."""
    with suppress(psutil.NoSuchProcess):
        return [process, *process.children(recursive=True)]
    return []


def title(process: psutil.Process) -> str:
    """Return how a process calls itself; nothing if it has just ended."""
    with suppress(psutil.Error):
        return " ".join(process.cmdline()).rstrip()  # a title shorter than the command line ends in empty arguments
    return ""
