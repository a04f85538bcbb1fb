"""Songs of one account, waited for by triggerers that come and go, in virtual time."""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from operator import attrgetter

from benchmarks.jobs import Job
from benchmarks.shared_account import Poller, Service

TAKEN_OVER_AFTER = 30.0
"""Seconds after a triggerer's last sign of life until Airflow gives its triggers to the others."""


@dataclass
class Change:
    """
    A triggerer ends without a word, or one more joins.

    :param at: when, in seconds from the start of the run.
    :param joins: whether one joins; otherwise the first one ends.
    """

    at: float
    joins: bool


@dataclass
class Simulation:
    """
    Songs on one account, waited for by several triggerers; Airflow gives each song to one of them at random.

    :param service: the account.
    :param poll_limit: of each triggerer, given how many of them live.
    :param chance: for the jitter, and for who gets a song.
    """

    service: Service
    poll_limit: Callable[[int], int]
    chance: random.Random
    pollers: list[Poller] = field(default_factory=list)
    ended: list[Poller] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)
    lost: int = 0
    _later: list[tuple[float, int, Callable[[float], None]]] = field(default_factory=list)
    _sequence: Iterator[int] = field(default_factory=itertools.count)

    def run(self, jobs: Iterable[Job], triggerers: int, changes: Iterable[Change] = ()) -> float:
        """
        Wait for all songs, and return how long that took.

        :param jobs: the songs, in the order of their beginnings.
        :param triggerers: how many there are at first.
        :param changes: of their number.
        """
        self.pollers = [self._poller(triggerers) for _ in range(triggerers)]
        for change in changes:
            self._at(change.at, self._joins if change.joins else self._ends)
        coming, now = deque(jobs), 0.0
        while coming or self._later or any(poller.songs for poller in self.pollers):
            poller = min(self.pollers, key=attrgetter("wake_at"))
            later = self._later[0][0] if self._later else math.inf
            if coming and coming[0].begins <= min(poller.wake_at, later):
                job = coming.popleft()
                now = max(now, job.begins)
                self.chance.choice(self.pollers).add(job, now)
            elif later <= poller.wake_at:
                now, _, act = heapq.heappop(self._later)
                act(now)
            else:
                now = poller.wake_at
                poller.run(now, self._found)
        return now

    def _found(self, _job: Job, delay: float | None) -> None:
        if delay is None:
            self.lost += 1
        else:
            self.delays.append(delay)

    def _poller(self, live: int) -> Poller:
        return Poller(self.service, self.poll_limit(live), self.chance)

    def _at(self, at: float, act: Callable[[float], None]) -> None:
        heapq.heappush(self._later, (at, next(self._sequence), act))

    def _joins(self, now: float) -> None:
        self.pollers.append(self._poller(len(self.pollers) + 1))
        self._share(now)

    def _ends(self, now: float) -> None:
        poller = self.pollers.pop(0)
        self.ended.append(poller)

        def take_over(then: float) -> None:
            for song in poller.songs.values():
                self.chance.choice(self.pollers).add(song, then)
            self._share(then)

        self._at(now + TAKEN_OVER_AFTER, take_over)

    def _share(self, _now: float) -> None:
        for poller in self.pollers:
            poller.pace.set_limit(self.poll_limit(len(self.pollers)))
