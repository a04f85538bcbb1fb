"""An account that counts its reads, and the poller of one triggerer on it, in virtual time."""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from airflow_provider_suno.api.endpoints.music import KIND as MUSIC
from airflow_provider_suno.api.endpoints.music import MusicTask
from airflow_provider_suno.api.jobs import JobRef
from airflow_provider_suno.exceptions import SunoRateLimitError
from airflow_provider_suno.polling.completion import Expectation
from airflow_provider_suno.polling.rate_limit import WINDOW, RateLimit
from airflow_provider_suno.polling.ready_queue import ReadyQueue, Waiter
from airflow_provider_suno.polling.wait import PollAgain, Wait
from benchmarks.jobs import Job

LATENCY = 0.1
"""Seconds from the sending of a read to its answer."""

TIMEOUT = 1200.0
"""Seconds from its submission to a wait's deadline."""

_FAR_FROM_ZERO = 1_000_000.0
"""The begin of a run in epoch seconds: late enough for every time to be one."""

_REFUSALS_OF_ONE_JOB = 3
"""As in the account poller: with more in a row, they are about the job."""

_REFUSAL = SunoRateLimitError("Too many requests")

_BUSY = 0.001
"""Seconds between two runs of a poller at least."""

Found: TypeAlias = Callable[[Job, float | None], None]
"""Called with each song whose wait ended, and with its delay; None if it was not found finished."""


class Service:
    """
    Count the reads of an account in a sliding window, and refuse those beyond its limit.

    :param limit: reads in 10 s.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.accepted = self.refused = 0
        self._counting: deque[float] = deque()

    def accepts(self, now: float) -> bool:
        """Return whether a read that comes now is accepted."""
        while self._counting and self._counting[0] <= now - WINDOW:
            self._counting.popleft()
        if len(self._counting) < self.limit:
            self._counting.append(now)
            self.accepted += 1
            return True
        self.refused += 1
        return False


@dataclass
class Polled:
    """What became of the reads of one triggerer, by 10 s of the run: how many were accepted, and refused."""

    accepted: dict[int, int] = field(default_factory=dict)
    refused: dict[int, int] = field(default_factory=dict)


class Poller:
    """
    Poll as the account poller of one triggerer does.

    :param service: the account.
    :param poll_limit: what the poller takes for its limit.
    :param chance: for the jitter.
    """

    def __init__(self, service: Service, poll_limit: int, chance: random.Random) -> None:
        self.pace = RateLimit(poll_limit)
        self.tally = Polled()
        self.wake_at = math.inf
        self.songs: dict[Waiter, Job] = {}
        self.most = 0
        """Most songs waited for at once."""
        self._service = service
        self._queue = ReadyQueue(Expectation())
        self._chance = chance
        self._in_flight: deque[tuple[float, float, JobRef, str | None]] = deque()
        """When each answer comes, when its read was sent, about which job, and the status; None if it was refused."""

    def add(self, job: Job, now: float) -> None:
        """Wait for a song."""
        begins = _FAR_FROM_ZERO + job.begins
        wait = Wait(JobRef(MUSIC, job.music_task_id), _FAR_FROM_ZERO + now, begins + TIMEOUT, submitted_at=begins)
        self.songs[self._queue.add(wait, _FAR_FROM_ZERO + now)] = job
        self.most = max(self.most, len(self.songs))
        self.wake_at = min(self.wake_at, now)

    def run(self, now: float, found: Found) -> None:
        """
        Do what is due.

        :param found: called when a wait ends.
        """
        while self._in_flight and self._in_flight[0][0] <= now:
            self._answered(now, found)
        at = _FAR_FROM_ZERO + now
        for waiter in self._queue.check_deadlines(at):
            self._queue.remove(waiter)
            found(self.songs.pop(waiter), None)
        has_ready = self._queue.has_ready(at)
        while has_ready and self.pace.ready_at(now) <= now:
            self._send(now)
            has_ready = self._queue.has_ready(at)
        wake_at = self._queue.next_change_at() - _FAR_FROM_ZERO
        if has_ready:
            wake_at = min(wake_at, self.pace.ready_at(now))
        if self._in_flight:
            wake_at = min(wake_at, self._in_flight[0][0])
        self.wake_at = max(wake_at, now + _BUSY)

    def _send(self, now: float) -> None:
        waiter = self._queue.pop(_FAR_FROM_ZERO + now, self.pace.allowed / WINDOW)
        assert waiter is not None
        self.pace.sent(now)
        job, seen_at = self.songs[waiter], now + LATENCY / 2
        accepted = self._service.accepts(seen_at)
        tally = self.tally.accepted if accepted else self.tally.refused
        tally[int(now // WINDOW)] = tally.get(int(now // WINDOW), 0) + 1
        status = job.status_at(seen_at) if accepted else None
        self._in_flight.append((now + LATENCY, now, waiter.wait.job, status))

    def _answered(self, now: float, found: Found) -> None:
        _, sent_at, job, status = self._in_flight.popleft()
        waiters, at = self._queue.waiters_for(job), _FAR_FROM_ZERO + now
        result: MusicTask | SunoRateLimitError = _REFUSAL
        if status is not None:
            self.pace.answered(now, sent_at=sent_at)
            result = MusicTask(music_task_id=job.id, status=status)
        elif any(waiter.rate_refusals >= _REFUSALS_OF_ONE_JOB for waiter in waiters):
            self.pace.failed(now)
        else:
            self.pace.refused(now, sent_at=sent_at, retry_after=None)
            for waiter in waiters:
                waiter.rate_refusals += 1
                self._queue.retry(waiter, at)
            return
        for waiter in waiters:
            waiter.rate_refusals = 0 if status else waiter.rate_refusals + 1
            if status == "SUCCESS":
                self._queue.ended(waiter, at)
                song = self.songs.pop(waiter)
                found(song, now - song.ends)
                continue
            step = waiter.wait.after_poll(result, at, self._chance.random(), expectation=self._queue.expectation)
            if isinstance(step, PollAgain):
                self._queue.polled(waiter, step, at)
            else:
                self._queue.remove(waiter)
                found(self.songs.pop(waiter), None)
