"""Simulated pollers for a density run: one that knows how long music takes, and a round-robin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from benchmarks.jobs import USUAL, WINDOW, Delays, Job

FLOOR = 2.0
"""Shortest seconds between two polls of the same music task."""

Floats: TypeAlias = Any
"""An array of numbers."""


def greedy(jobs: list[Job], poll_limit: int, takes: tuple[float, float] = USUAL) -> Delays | None:
    """
    Poll where an end is likeliest, knowing how long music takes, without latency.

    :param jobs: the music.
    :param poll_limit: reads in 10 s, evenly spread.
    :param takes: shortest and longest seconds that music takes.
    """
    shortest, longest = takes

    def share_done(age: Floats) -> Floats:
        return np.clip((age - shortest) / (longest - shortest), 0.0, 1.0)

    def chance(seen: Floats, age: Floats) -> Floats:
        done, before = share_done(age), share_done(seen)
        return np.where(before < 1, (done - before) / np.maximum(1 - before, 1e-9), 1.0)

    return _run(jobs, poll_limit, chance)


def round_robin(jobs: list[Job], poll_limit: int) -> Delays | None:
    """
    Poll the music task whose last poll is the oldest.

    :param jobs: the music.
    :param poll_limit: reads in 10 s, evenly spread.
    """
    return _run(jobs, poll_limit, lambda seen, age: age - seen + 1e-9)


def _run(jobs: list[Job], poll_limit: int, worth: Callable[[Floats, Floats], Floats]) -> Delays | None:
    begins = np.array([job.begins for job in jobs])
    lasts = np.array([job.lasts for job in jobs])
    seen = np.zeros(len(jobs))  # age at the last poll
    polled_at = np.full(len(jobs), -FLOOR)
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
        values = np.where(now - polled_at[waiting] >= FLOOR - 1e-9, worth(seen[waiting], age), 0.0)
        best = int(np.argmax(values))
        if values[best] > 0:
            job = waiting[best]
            polled_at[job], seen[job] = now, age[best]
            if age[best] >= lasts[job]:
                delays.append(float(age[best] - lasts[job]))
                waiting = np.delete(waiting, best)
        now += WINDOW / poll_limit
    return Delays.of(delays)
