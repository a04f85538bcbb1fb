"""The account poller's decisions in virtual time: songs, a service that makes them, and a network with a delay."""

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
"""The begin of each run, in epoch seconds."""

LATENCY = 0.1
"""Seconds from a poll's sending to its answer."""

SHORTEST, LONGEST = 60.0, 180.0
"""Seconds that a song takes."""


@dataclass
class Song:
    """
    A song, and what became of it.

    :param begins: when it is submitted, in seconds from the begin of the run.
    :param lasts: seconds until it is finished.
    :param stages: the ages at which another status than ``PENDING`` begins, and the status, in order.
    """

    begins: float
    lasts: float
    stages: Sequence[tuple[float, str]] = ()
    looks: list[float] = field(default_factory=list)
    found: float = math.nan

    def status_at(self, now: float) -> str:
        """Return what its record says while it is not finished."""
        begun = [status for age, status in self.stages if age <= now - self.begins]
        return begun[-1] if begun else "PENDING"


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
    """Look at them as the poller does, over a network with a delay, until all are found or the time is over."""
    queue, rate_limit = ReadyQueue(Expectation()), RateLimit(limit)
    coming = sorted(range(len(made)), key=lambda number: made[number].begins, reverse=True)
    of: dict[Waiter, Song] = {}
    flying: list[tuple[float, int, Waiter]] = []
    chance = random.Random(seed)
    now, flights = 0.0, 0
    while now < until and (coming or len(queue)):
        while coming and made[coming[-1]].begins <= now:
            song = made[coming.pop()]
            begun = BEGIN + now
            submitted_at = begun if age_is_known else None
            wait = Wait(music(f"m{len(of)}"), begun, begun + timeout, submitted_at=submitted_at)
            of[queue.add(wait, begun)] = song
        for waiter in queue.check_deadlines(BEGIN + now):
            queue.remove(waiter)
        while flying and flying[0][0] <= now:
            waiter = heapq.heappop(flying)[2]
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
        while rate_limit.in_flight < 8 and rate_limit.ready_at(now) <= now and (next_turn := queue.pop(BEGIN + now)):
            rate_limit.sent(now)
            of[next_turn].looks.append(now)
            flights += 1
            heapq.heappush(flying, (now + LATENCY, flights, next_turn))
        changes = [queue.next_change_at() - BEGIN, flying[0][0] if flying else math.inf]
        changes += [made[coming[-1]].begins] if coming else []
        changes += [rate_limit.ready_at(now)] if queue.has_ready(BEGIN + now) and rate_limit.in_flight < 8 else []
        now = max(now + 1e-3, min(changes))
    return queue


def mean_delay(made: Sequence[Song]) -> float:
    """Return the seconds from the end of a song until it was found."""
    return sum(song.found - song.begins - song.lasts for song in made) / len(made)
