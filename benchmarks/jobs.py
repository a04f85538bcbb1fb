"""The music that is waited for in a density run, and what a perfect observer would make of it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

import numpy as np

USUAL = (60.0, 180.0)
"""Seconds that music takes at least and at most; how many is evenly spread between them."""

_STAGES = ((0.0, "PENDING"), (0.25, "TEXT_SUCCESS"), (0.6, "FIRST_SUCCESS"), (1.0, "SUCCESS"))
"""The part of that time at which a status begins, and the status."""

WINDOW = 10.0
FLOOR = 2.0
"""Seconds between two looks at the same music."""

Floats: TypeAlias = Any
"""An array of numbers."""


@dataclass(frozen=True)
class Job:
    """
    One piece of music.

    :param music_task_id: its id.
    :param begins: when it is submitted, in seconds from the begin of the run.
    :param lasts: seconds until it is finished.
    """

    music_task_id: str
    begins: float
    lasts: float

    @property
    def ends(self) -> float:
        """When it is finished, in seconds from the begin of the run."""
        return self.begins + self.lasts

    def status_at(self, now: float) -> str:
        """
        Return what its record says.

        :param now: seconds from the begin of the run.
        """
        share = max(0.0, (now - self.begins) / self.lasts)
        return next(status for begins, status in reversed(_STAGES) if share >= begins)


WARM_UP = Job("f" * 32, -1000.0, 60.0)
"""Finished before a run begins; asking for it is not counted."""


@dataclass(frozen=True)
class Scenario:
    """
    How much music there is and when it comes.

    :param waits: how many pieces.
    :param load: the part of the budget that one look at each piece would take; ``None`` when all come at once.
    :param budget: the provider's ``poll_limit``.
    :param limit: reads in 10 s that the service really allows.
    :param takes: seconds that music takes at least and at most.
    """

    waits: int
    load: float | None = None
    budget: int = 100
    limit: int = 100
    takes: tuple[float, float] = USUAL

    @property
    def name(self) -> str:
        """Its name in a table."""
        arrivals = "burst" if self.load is None else f"steady {self.load:.0%}"
        half = "" if self.limit == self.budget else f", limit {self.limit}"
        return f"{self.waits:,} {arrivals}{half}"

    def jobs(self) -> list[Job]:
        """Return the same music each time."""
        chance = random.Random(f"{self.waits} {self.load}")
        at, jobs = 0.0, []
        for number in range(self.waits):
            at += 0.0 if self.load is None else chance.expovariate(self.load * self.budget / WINDOW)
            jobs.append(Job(f"{number:032x}", at, chance.uniform(*self.takes)))
        return jobs


@dataclass(frozen=True)
class Delays:
    """Seconds from the end of music until it is noticed."""

    mean: float
    p50: float
    p95: float
    longest: float

    @classmethod
    def of(cls, delays: list[float]) -> Delays | None:
        """Sum up; ``None`` for no delays at all."""
        if not delays:
            return None
        p50, p95 = np.percentile(delays, [50, 95])
        return cls(float(np.mean(delays)), float(p50), float(p95), max(delays))

    def to_dict(self) -> dict[str, float]:
        """Return a plain dict."""
        return asdict(self)


def greedy(jobs: list[Job], budget: int, takes: tuple[float, float] = USUAL) -> Delays | None:
    """
    Look where an end is likeliest, knowing how long music takes, over a network without latency.

    :param jobs: the music.
    :param budget: reads in 10 s, evenly spread.
    :param takes: seconds that music takes at least and at most.
    """
    shortest, longest = takes

    def share_done(age: Floats) -> Floats:
        return np.clip((age - shortest) / (longest - shortest), 0.0, 1.0)

    def chance(seen: Floats, age: Floats) -> Floats:
        done, before = share_done(age), share_done(seen)
        return np.where(before < 1, (done - before) / np.maximum(1 - before, 1e-9), 1.0)

    return _play(jobs, budget, chance)


def round_robin(jobs: list[Job], budget: int) -> Delays | None:
    """
    Look at whom nobody has looked at for longest.

    :param jobs: the music.
    :param budget: reads in 10 s, evenly spread.
    """
    return _play(jobs, budget, lambda seen, age: age - seen + 1e-9)


def _play(jobs: list[Job], budget: int, worth: Callable[[Floats, Floats], Floats]) -> Delays | None:
    begins = np.array([job.begins for job in jobs])
    lasts = np.array([job.lasts for job in jobs])
    seen = np.zeros(len(jobs))  # age at the last look
    looked_at = np.full(len(jobs), -FLOOR)
    waiting = np.empty(0, dtype=int)
    delays: list[float] = []
    now, arrived = 0.0, 0
    while arrived < len(jobs) or len(waiting):
        if not len(waiting):
            now = max(now, float(begins[arrived]))
        come = int(np.searchsorted(begins, now, side="right"))
        waiting = np.concatenate([waiting, np.arange(arrived, come)])
        arrived = come
        age = now - begins[waiting]
        values = np.where(now - looked_at[waiting] >= FLOOR - 1e-9, worth(seen[waiting], age), 0.0)
        best = int(np.argmax(values))
        if values[best] > 0:
            job = waiting[best]
            looked_at[job], seen[job] = now, age[best]
            if age[best] >= lasts[job]:
                delays.append(float(age[best] - lasts[job]))
                waiting = np.delete(waiting, best)
        now += WINDOW / budget
    return Delays.of(delays)
