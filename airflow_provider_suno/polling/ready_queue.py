"""
Decide which job is polled next, of all jobs of one account that somebody waits for.

Due waits enter the ready queue. While the rate limit suffices, all of them are polled at once. When it is used up,
urgent polls go first (the last one before a deadline, and those that a ``poll_interval`` promises), then the jobs that
are likeliest to be finished; every tenth poll goes to the wait that was queued first, so that none starves. Waits whose
last poll failed have a queue of their own: their polls may hang, and must not hold up the others.

All times are epoch seconds and are passed in.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from airflow_provider_suno.api.jobs import JobRef
from airflow_provider_suno.polling import limits
from airflow_provider_suno.polling.completion import Curve, Expectation
from airflow_provider_suno.polling.wait import PollAgain, Wait

_LAST_POLL = 2.0
"""Seconds before its deadline at which a wait has its last poll."""

_ARRIVAL_GRACE = 1.0
"""Seconds for one poll of a wait that arrives at its deadline or later, as it does after the triggerer was down."""

_RANKING_SIZE = 64
"""How many waits are ranked at once."""

_RANKING_TTL = 1.0
"""Seconds for which a ranking of up to a thousand ready waits is used; longer in proportion when there are more."""

_OLDEST_EVERY = 10
"""One of so many polls goes to the wait that was queued first."""

_RETRY_EVERY = 3
"""One of so many polls goes to a wait whose last poll failed."""

_Heap: TypeAlias = "list[tuple[float, int, Waiter]]"
"""Waiters by time. An entry whose time is no longer one of the waiter's is stale, and skipped."""


@dataclass(slots=True, eq=False)
class Waiter:
    """
    One wait in the queue.

    :param wait: the wait.
    :param curve: when its job is likely to be finished.
    :param expires_at: its deadline, or a little later if it arrived late.
    :param check_deadline_at: when its last poll is due, then when it expires.
    :param polled_at: when the last poll of its job was sent.
    :param polled_age: the job's age at the last poll that read its record.
    :param due_at: when it enters the ready queue; ``math.inf`` while a poll of its job is in flight.
    :param promised_at: when its ``poll_interval`` ends.
    :param rate_refusals: how many polls in a row were refused for rate.
    """

    wait: Wait
    curve: Curve
    expires_at: float
    check_deadline_at: float
    polled_at: float
    polled_age: float = 0.0
    due_at: float = math.inf
    promised_at: float = math.inf
    rate_refusals: int = 0

    @property
    def is_failing(self) -> bool:
        """Whether the last poll failed."""
        return self.wait.failed_polls > 0

    def hazard(self, now: float) -> float:
        """Return the hazard since the last poll: the higher, the likelier a poll finds the job finished."""
        return self.curve.hazard(self.polled_age, self.wait.age(now))


class ReadyQueue:
    """
    All waits of one account; a poll of a job serves all who wait for it.

    :param expectation: when jobs are likely to be finished; learns from each poll.
    """

    def __init__(self, expectation: Expectation) -> None:
        self.expectation = expectation
        self._waiters: dict[Waiter, None] = {}
        self._by_job: dict[JobRef, list[Waiter]] = {}
        self._scheduled: _Heap = []
        self._promises: _Heap = []
        self._deadlines: _Heap = []
        self._ready: OrderedDict[Waiter, None] = OrderedDict()
        self._urgent: OrderedDict[Waiter, None] = OrderedDict()
        self._retries: OrderedDict[Waiter, None] = OrderedDict()
        self._failing_count = 0
        self._ranking: list[Waiter] = []
        self._ranking_expires_at = 0.0
        self._recent_polls: OrderedDict[JobRef, float] = OrderedDict()
        """When the polls of the last seconds were sent, also those whose waiters have left."""
        self._sequence = itertools.count()
        self._pops = 0
        self._promised_rate = 0.0
        """Polls per second that all poll intervals together promise."""

    def __len__(self) -> int:
        """Return the number of waiters."""
        return len(self._waiters)

    @property
    def all_fail(self) -> bool:
        """Whether the last poll failed for all waiters."""
        return self._failing_count == len(self._waiters)

    @property
    def waiters(self) -> list[Waiter]:
        """All waiters."""
        return list(self._waiters)

    def waiters_for(self, job: JobRef) -> list[Waiter]:
        """Return who waits for a job."""
        return list(self._by_job.get(job, ()))

    def add(self, wait: Wait, now: float) -> Waiter:
        """Add a wait."""
        expires_at = max(wait.deadline, now + _ARRIVAL_GRACE)
        polled_at = self._recent_polls.get(wait.job, -math.inf)
        waiter = Waiter(wait, wait.curve(self.expectation), expires_at, expires_at - _LAST_POLL, polled_at)
        others = self._by_job.setdefault(wait.job, [])
        self._waiters[waiter] = None
        self._failing_count += waiter.is_failing
        if all(other.due_at < math.inf for other in others):  # else the poll in flight serves this one, too
            self._schedule(waiter, wait.next_poll_at(), wait.next_poll_at())
        before = self._promised_rate_of(wait.job)
        others.append(waiter)
        self._promised_rate += self._promised_rate_of(wait.job) - before
        self._push(self._deadlines, waiter.check_deadline_at, waiter)
        return waiter

    def remove(self, waiter: Waiter) -> None:
        """Remove a waiter, if it is still there."""
        if waiter not in self._waiters:
            return
        del self._waiters[waiter]
        self._failing_count -= waiter.is_failing
        self._unqueue(waiter)
        job = waiter.wait.job
        before = self._promised_rate_of(job)
        self._by_job[job].remove(waiter)
        self._promised_rate += self._promised_rate_of(job) - before
        if not self._by_job[job]:
            del self._by_job[job]
        if not self._waiters:
            self._promised_rate = 0.0  # rounding errors add up
            for stale in (self._scheduled, self._promises, self._deadlines, self._ranking):
                stale.clear()

    def check_deadlines(self, now: float) -> list[Waiter]:
        """Make the last polls before deadlines urgent, and return the waiters whose deadline has passed."""
        expired = []
        for _, waiter in self._pop_due(self._deadlines, now):
            if now >= waiter.expires_at:
                expired.append(waiter)
                continue
            allowed_at = waiter.polled_at + limits.DEFAULT.shortest_gap
            waiter.check_deadline_at = allowed_at if now < allowed_at < waiter.expires_at else waiter.expires_at
            self._push(self._deadlines, waiter.check_deadline_at, waiter)
            if now >= allowed_at and waiter.due_at < math.inf:
                self._make_urgent(waiter)
        return expired

    def has_ready(self, now: float, *, failing: bool = True) -> bool:
        """
        Move due waiters to the ready queues, and return whether a poll is due.

        :param failing: whether polls of jobs whose last poll failed count.
        """
        for at, waiter in self._pop_due(self._scheduled, now):
            if at != waiter.due_at:  # stale
                continue
            if now - waiter.polled_at < limits.DEFAULT.shortest_gap:  # its last poll before the deadline came first
                self._schedule(waiter, waiter.polled_at + limits.DEFAULT.shortest_gap, waiter.promised_at)
            elif waiter.is_failing:
                self._retries[waiter] = None
                if waiter.wait.failed_polls == 1:  # most likely bad luck: go before those that always fail
                    self._retries.move_to_end(waiter, last=False)
            elif waiter not in self._urgent:
                self._ready[waiter] = None
        return bool(self._ready or self._urgent or (failing and self._retries))

    def pop(self, now: float, rate: float = math.inf, *, failing: bool = True) -> Waiter | None:
        """
        Return the waiter whose job is to be polled; unqueue all who wait for that job.

        :param rate: polls per second that can be made; promised polls are urgent while it suffices for all of them.
        :param failing: whether the last poll of the job may have failed.
        """
        if not self.has_ready(now, failing=failing):
            return None
        free = 1 - 1 / _OLDEST_EVERY - (1 / _RETRY_EVERY if self._retries else 0)
        suffices = self._promised_rate <= free * rate
        for at, promised in self._pop_due(self._promises, now):
            if suffices and at == promised.promised_at and promised in self._ready:
                self._make_urgent(promised)
        waiter = self._choose(now, failing=failing)
        job = waiter.wait.job
        self._recent_polls.pop(job, None)
        self._recent_polls[job] = now
        while next(iter(self._recent_polls.values())) <= now - limits.DEFAULT.shortest_gap:
            self._recent_polls.popitem(last=False)
        for served in self._by_job[job]:
            self._unqueue(served)
            served.polled_at = now
            served.due_at = served.promised_at = math.inf
        return waiter

    def pop_all(self, now: float) -> list[Waiter]:
        """Return all waiters that are due, in no order, and unqueue them."""
        self.has_ready(now)
        popped = [*self._urgent, *self._ready, *self._retries]
        for queue in (self._urgent, self._ready, self._retries):
            queue.clear()
        return popped

    def retry(self, waiter: Waiter, now: float) -> None:
        """Schedule the next poll as soon as possible, after one that says nothing about the job."""
        at = now + limits.DEFAULT.shortest_gap
        self._schedule(waiter, at, at)

    def polled(self, waiter: Waiter, step: PollAgain, now: float) -> None:
        """Schedule the next poll after one that did not end the wait."""
        self._failing_count -= waiter.is_failing
        wait = waiter.wait = step.wait
        self._failing_count += waiter.is_failing
        if not waiter.is_failing:
            self._learn(waiter, now, ended=False)
            waiter.curve = wait.curve(self.expectation)
        shortest_gap = limits.DEFAULT.shortest_gap
        poll_at = max(step.at, waiter.polled_at + shortest_gap)
        self._schedule(waiter, poll_at, now + max(wait.poll_interval or 0.0, shortest_gap))

    def callbacks_fail(self, now: float, jitter: Callable[[], float]) -> None:
        """
        Poll the jobs whose callbacks were expected as usual.

        :param jitter: returns random numbers from 0 to 1, so that they are not polled in step.
        """
        for waiter in self._waiters:
            if waiter.wait.expects_callback:
                wait = waiter.wait = waiter.wait.without_callback(waiter.curve, now, jitter())
                if waiter.due_at < math.inf:  # else a poll is in flight
                    self._schedule(waiter, wait.next_poll_at(), wait.next_poll_at())

    def ended(self, waiter: Waiter, now: float) -> None:
        """Remove a waiter whose job has ended."""
        self._learn(waiter, now, ended=True)
        self.remove(waiter)

    def clock_was_set_back(self, seconds: float) -> None:
        """Move all times but the deadlines by as many seconds, so that no poll waits for the clock to catch up."""
        for heap in (self._scheduled, self._promises):
            heap[:] = [(at - seconds, number, waiter) for at, number, waiter in heap]
        for waiter in self._waiters:
            waiter.due_at -= seconds
            waiter.promised_at -= seconds
            waiter.polled_at -= seconds
            waiter.polled_age = max(0.0, waiter.polled_age - seconds)
        for job in self._recent_polls:
            self._recent_polls[job] -= seconds
        self._ranking_expires_at = 0.0

    def next_change_at(self) -> float:
        """Return when the next poll becomes due, or the next deadline has to be checked."""
        return min((heap[0][0] for heap in (self._scheduled, self._deadlines) if heap), default=math.inf)

    def _learn(self, waiter: Waiter, now: float, *, ended: bool) -> None:
        age = waiter.wait.age(now)
        waiter.curve.learn(waiter.polled_age, age, ended=ended)
        waiter.polled_age = age
        self.expectation.fit(now)

    def _schedule(self, waiter: Waiter, due_at: float, promised_at: float) -> None:
        self._unqueue(waiter)  # a poll for somebody who has left may have served it while it was queued
        waiter.due_at = due_at
        self._push(self._scheduled, due_at, waiter)
        if waiter.wait.poll_interval is not None:
            waiter.promised_at = max(promised_at, due_at)
            self._push(self._promises, waiter.promised_at, waiter)

    def _promised_rate_of(self, job: JobRef) -> float:
        """Return the polls per second promised to those who wait for a job: one poll serves them all."""
        intervals = [waiter.wait.poll_interval for waiter in self._by_job.get(job, ())]
        shortest_gap = limits.DEFAULT.shortest_gap
        return max((1 / max(interval, shortest_gap) for interval in intervals if interval), default=0.0)

    def _make_urgent(self, waiter: Waiter) -> None:
        self._unqueue(waiter)
        if waiter.is_failing:
            self._retries[waiter] = None
            self._retries.move_to_end(waiter, last=False)
        else:
            self._urgent[waiter] = None

    def _unqueue(self, waiter: Waiter) -> None:
        for queue in (self._ready, self._urgent, self._retries):
            queue.pop(waiter, None)

    def _choose(self, now: float, *, failing: bool) -> Waiter:
        self._pops += 1
        if failing and self._retries and not ((self._ready or self._urgent) and self._pops % _RETRY_EVERY):
            return next(iter(self._retries))
        if self._ready and (self._pops % _OLDEST_EVERY == 0):
            return next(iter(self._ready))
        if self._urgent:
            return next(iter(self._urgent))
        while True:
            if not self._ranking or now >= self._ranking_expires_at:
                # The likeliest to be finished last, to be popped first.
                self._ranking = heapq.nlargest(_RANKING_SIZE, self._ready, key=lambda waiter: waiter.hazard(now))[::-1]
                self._ranking_expires_at = now + _RANKING_TTL * max(1.0, len(self._ready) / 1000)
            waiter = self._ranking.pop()
            if waiter in self._ready:
                return waiter

    def _push(self, heap: _Heap, at: float, waiter: Waiter) -> None:
        if len(heap) > 64 + 2 * len(self._waiters):  # most entries are stale
            heap[:] = [
                (at, number, waiter)
                for at, number, waiter in heap
                if waiter in self._waiters and at in (waiter.due_at, waiter.promised_at, waiter.check_deadline_at)
            ]
            heapq.heapify(heap)
        heapq.heappush(heap, (at, next(self._sequence), waiter))

    def _pop_due(self, heap: _Heap, now: float) -> list[tuple[float, Waiter]]:
        due = []
        while heap and heap[0][0] <= now:
            at, _, waiter = heapq.heappop(heap)
            if waiter in self._waiters:
                due.append((at, waiter))
        return due
