"""The account poller's decisions in virtual time: songs, a service that makes them, and a network with latency."""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from airflow_provider_suno.api.endpoints.music import MusicTask
from airflow_provider_suno.polling.completion import Expectation
from airflow_provider_suno.polling.rate_limit import RateLimit
from airflow_provider_suno.polling.ready_queue import ReadyQueue, Waiter
from airflow_provider_suno.polling.wait import PollAgain, Wait
from tests.support.jobs import music

BEGIN = 1_767_225_600.0
"""The start of each run, in epoch seconds."""

LATENCY = 0.1
"""Seconds from a poll's sending to its answer."""

SHORTEST, LONGEST = 60.0, 180.0
"""Seconds that a song takes."""


@dataclass
class Song:
    """
    A song, and when it was polled and found finished.

    :param begins: when it is submitted, in seconds from the start of the run.
    :param lasts: seconds until it is finished.
    :param stages: the ages at which another status than ``PENDING`` begins, and the status, in order.
    """

    begins: float
    lasts: float
    stages: Sequence[tuple[float, str]] = ()
    polls: list[float] = field(default_factory=list)
    found: float = math.nan

    def status_at(self, now: float) -> str:
        """Return what its record says while it is not finished."""
        reached = [status for age, status in self.stages if age <= now - self.begins]
        return reached[-1] if reached else "PENDING"


def songs(count: int, gap: float, *, lasts: Callable[[random.Random], float] | None = None) -> list[Song]:
    """Return the same songs each time; ``gap`` seconds lie between two of them on the average."""
    chance = random.Random(count)
    lasts = lasts or (lambda chance: chance.uniform(SHORTEST, LONGEST))
    begins = 0.0
    made = []
    for _ in range(count):
        begins += chance.expovariate(1 / gap) if gap else 0.0
        made.append(Song(begins, lasts(chance)))
    return made


def play(
    made: Sequence[Song],
    limit: int,
    *,
    until: float,
    age_is_known: bool = True,
    timeout: float = 7200.0,
    seed: int = 0,
) -> ReadyQueue:
    """Poll them as the poller does, over a network with latency, until all are found or the time is over."""
    queue, rate_limit = ReadyQueue(Expectation()), RateLimit(limit)
    coming = sorted(range(len(made)), key=lambda number: made[number].begins, reverse=True)
    of: dict[Waiter, Song] = {}
    in_flight: list[tuple[float, int, Waiter]] = []
    chance = random.Random(seed)
    now, flights = 0.0, 0
    while now < until and (coming or len(queue)):
        while coming and made[coming[-1]].begins <= now:
            song = made[coming.pop()]
            started_at = BEGIN + now
            submitted_at = started_at if age_is_known else None
            wait = Wait(music(f"m{len(of)}"), started_at, started_at + timeout, submitted_at=submitted_at)
            of[queue.add(wait, started_at)] = song
        for waiter in queue.check_deadlines(BEGIN + now):
            queue.remove(waiter)
        while in_flight and in_flight[0][0] <= now:
            waiter = heapq.heappop(in_flight)[2]
            rate_limit.answered(now)
            if waiter not in queue.waiters:
                continue
            song = of[waiter]
            if now - LATENCY / 2 >= song.begins + song.lasts:
                song.found = now
                queue.ended(waiter, BEGIN + now)
                continue
            record = MusicTask(music_task_id=waiter.wait.job.id, status=song.status_at(now - LATENCY / 2))
            step = waiter.wait.after_poll(record, BEGIN + now, chance.random(), expectation=queue.expectation)
            assert isinstance(step, PollAgain)
            queue.polled(waiter, step, BEGIN + now)
        while rate_limit.in_flight < 8 and rate_limit.ready_at(now) <= now and (popped := queue.pop(BEGIN + now)):
            rate_limit.sent(now)
            of[popped].polls.append(now)
            flights += 1
            heapq.heappush(in_flight, (now + LATENCY, flights, popped))
        changes = [queue.next_change_at() - BEGIN, in_flight[0][0] if in_flight else math.inf]
        changes += [made[coming[-1]].begins] if coming else []
        changes += [rate_limit.ready_at(now)] if queue.has_ready(BEGIN + now) and rate_limit.in_flight < 8 else []
        now = max(now + 1e-3, min(changes))
    return queue


def mean_delay(made: Sequence[Song]) -> float:
    """Return the seconds from the end of a song until it was found."""
    return sum(song.found - song.begins - song.lasts for song in made) / len(made)
