"""
Decide who is looked at next, of all who wait for the music of one account.

Whose look is due stands in line: when it is due, :meth:`~airflow_provider_suno.polling.completion.Curve.next_poll_in`
says, so that a few waits do not spend all that the account's budget allows. As long as it suffices, all in line get
their turn at once; once it is spent, a turn goes to whom a look is owed (a last one before the deadline, or one that a
``poll_interval`` promises), else to where an end is likeliest, and now and then to who has stood in line for longest,
so that nobody is forgotten.
Those whose last look failed stand in a line of their own: looks at them may hang, and must not hold up the others.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections import OrderedDict
from typing import TypeAlias

from airflow_provider_suno.api.jobs import JobRef
from airflow_provider_suno.polling.completion import Curve, Expectation, whole_age
from airflow_provider_suno.polling.wait import SHORTEST_GAP, PollAgain, Wait

_LAST_POLL = 2.0
"""Seconds before its deadline at which a wait is owed its last look."""

_ARRIVAL_GRACE = 1.0
"""Seconds for a look at what comes at its deadline or later, as it does after the triggerer was away."""

_RANKED = 64
"""How many are put in order at once."""

_RANKED_FOR = 1.0
"""Seconds for which the order of up to a thousand holds; more of them take turns more slowly."""

_OLDEST_FIRST = 10
"""Each of so many turns goes to who has stood in line for longest."""

_FAILING_FIRST = 3
"""Each of so many turns goes to one whose last look failed."""

_Heap: TypeAlias = "list[tuple[float, int, Waiter]]"
"""Who has a time, the earliest first."""


class Waiter:
    """
    One who waits for a turn.

    :param wait: what for.
    :param curve: when music like this is likely to end.
    :param now: when it came, in epoch seconds.
    """

    __slots__ = (
        "age_from",
        "curve",
        "deadline_at",
        "due_at",
        "ends_at",
        "polled_age",
        "polled_at",
        "promised_at",
        "refusals",
        "wait",
    )

    def __init__(self, wait: Wait, curve: Curve, now: float) -> None:
        self.wait = wait
        self.curve = curve
        self.age_from = wait.started_at if wait.submitted_at is None else wait.submitted_at
        """When its age is counted from, in epoch seconds."""
        self.ends_at = max(wait.deadline, now + _ARRIVAL_GRACE)
        self.deadline_at = self.ends_at - _LAST_POLL
        """When its deadline is minded next: for its last look, and at its end."""
        self.polled_age = 0.0
        """Its age at the last look that told something."""
        self.polled_at = -math.inf
        """When the last look at its music task began."""
        self.due_at = math.inf
        """When it steps into the line; ``math.inf`` while a look at its music task is on its way."""
        self.promised_at = math.inf
        """When a look is owed to it because of its ``poll_interval``."""
        self.refusals = 0
        """How many looks in a row were refused for the account's rate."""

    @property
    def is_failing(self) -> bool:
        """Whether the last look failed."""
        return self.wait.failed_polls > 0

    @property
    def times(self) -> tuple[float, ...]:
        """All times at which something is planned for it."""
        return self.due_at, self.promised_at, self.deadline_at

    def chance(self, now: float) -> float:
        """Return how likely a look finds the end, beside looks at others."""
        cumulative_hazard = self.curve.cumulative_hazard
        return cumulative_hazard[whole_age(now - self.age_from)] - cumulative_hazard[whole_age(self.polled_age)]


class ReadyQueue:
    """
    All who wait for the music of one account; a look at a music task serves all who wait for it.

    :param expectation: when music is likely to end; it learns from each look, once for each who waits for it.
    """

    def __init__(self, expectation: Expectation) -> None:
        self.expectation = expectation
        self._waiting: dict[Waiter, None] = {}
        self._by_job: dict[JobRef, list[Waiter]] = {}
        self._later: _Heap = []
        self._promises: _Heap = []
        self._deadlines: _Heap = []
        self._line: OrderedDict[Waiter, None] = OrderedDict()
        self._first: OrderedDict[Waiter, None] = OrderedDict()
        self._failing_ready: OrderedDict[Waiter, None] = OrderedDict()
        self._failing = 0
        """For how many of those who wait the last look failed."""
        self._order: list[Waiter] = []
        self._ordered_until = 0.0
        self._polled_lately: OrderedDict[JobRef, float] = OrderedDict()
        """When the looks of the last seconds began, by music task: whoever waited for it may have gone since."""
        self._numbers = itertools.count()
        self._given = 0
        self._promised = 0.0
        """Looks in a second that are promised to all of them."""

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._waiting)

    @property
    def all_fail(self) -> bool:
        """Whether the last look failed for all who wait."""
        return self._failing == len(self._waiting)

    @property
    def waiting(self) -> list[Waiter]:
        """All who wait."""
        return list(self._waiting)

    def waiting_for(self, job: JobRef) -> list[Waiter]:
        """Return who waits for a music task."""
        return list(self._by_job.get(job, ()))

    def add(self, wait: Wait, now: float) -> Waiter:
        """
        Take in one more.

        :param wait: what it waits for.
        :param now: epoch seconds.
        """
        waiter, poll_at = Waiter(wait, wait.curve(self.expectation), now), wait.next_poll_at()
        others = self._by_job.setdefault(wait.job, [])
        waiter.polled_at = self._polled_lately.get(wait.job, -math.inf)
        self._waiting[waiter] = None
        self._failing += waiter.is_failing
        if all(other.due_at < math.inf for other in others):  # else the look that is on its way serves it, too
            self._plan(waiter, poll_at, poll_at)
        before = self._promised_for(wait.job)
        others.append(waiter)
        self._promised += self._promised_for(wait.job) - before
        self._push(self._deadlines, waiter.deadline_at, waiter)
        return waiter

    def remove(self, waiter: Waiter) -> None:
        """Let one go."""
        if waiter not in self._waiting:
            return
        del self._waiting[waiter]
        self._failing -= waiter.is_failing
        self._take_out(waiter)
        job = waiter.wait.job
        before = self._promised_for(job)
        self._by_job[job].remove(waiter)
        self._promised += self._promised_for(job) - before
        if not self._by_job[job]:
            del self._by_job[job]
        if not self._waiting:
            self._promised = 0.0  # sums of fractions drift
            for left_behind in (self._later, self._promises, self._deadlines, self._order):
                left_behind.clear()

    def past_deadline(self, now: float) -> list[Waiter]:
        """
        Return whose deadline has come, and put those in front for whom it is near.

        :param now: epoch seconds.
        """
        past = []
        for _, waiter in self._due(self._deadlines, now):
            if now >= waiter.ends_at:
                past.append(waiter)
                continue
            last_look_at = waiter.polled_at + SHORTEST_GAP
            waiter.deadline_at = last_look_at if now < last_look_at < waiter.ends_at else waiter.ends_at
            self._push(self._deadlines, waiter.deadline_at, waiter)
            if now >= last_look_at and waiter.due_at < math.inf:
                self._put_first(waiter)
        return past

    def has_ready(self, now: float, *, failing: bool = True) -> bool:
        """
        Tell whether anyone is to be looked at now.

        :param now: epoch seconds.
        :param failing: whether it may be one whose last look failed.
        """
        for at, waiter in self._due(self._later, now):
            if at != waiter.due_at:  # it was planned anew since
                continue
            if now - waiter.polled_at < SHORTEST_GAP:  # it had its last turn before the deadline meanwhile
                self._plan(waiter, waiter.polled_at + SHORTEST_GAP, waiter.promised_at)
            elif waiter.is_failing:
                self._failing_ready[waiter] = None
                if waiter.wait.failed_polls == 1:  # most likely bad luck, and not to stand behind those that hang
                    self._failing_ready.move_to_end(waiter, last=False)
            elif waiter not in self._first:
                self._line[waiter] = None
        return bool(self._line or self._first or (failing and self._failing_ready))

    def next(self, now: float, pace: float = math.inf, *, failing: bool = True) -> Waiter | None:
        """
        Return whose turn it is; it stands in line no longer, nor do others who wait for the same music task.

        :param now: epoch seconds.
        :param pace: looks in a second that can be made: promises are kept as long as that suffices for all of them.
        :param failing: whether it may be one whose last look failed.
        """
        if not self.has_ready(now, failing=failing):
            return None
        self._keep_promises(now, pace)
        waiter = self._choose(now, failing=failing)
        self._remember(waiter.wait.job, now)
        for served in self._by_job[waiter.wait.job]:
            self._take_out(served)
            served.polled_at = now
            served.due_at = served.promised_at = math.inf
        return waiter

    def take_all(self, now: float) -> list[Waiter]:
        """
        Return all who are to be looked at now, in no order; they stand in line no longer.

        :param now: epoch seconds.
        """
        self.has_ready(now)
        taken = [*self._first, *self._line, *self._failing_ready]
        for line in (self._first, self._line, self._failing_ready):
            line.clear()
        return taken

    def again(self, waiter: Waiter, now: float) -> None:
        """
        Give one another turn as soon as may be, after a look that told nothing of it.

        :param now: epoch seconds.
        """
        self._plan(waiter, now + SHORTEST_GAP, now + SHORTEST_GAP)

    def polled(self, waiter: Waiter, step: PollAgain, now: float) -> None:
        """
        Go on with one after a look that did not end the wait.

        :param step: what it came to.
        :param now: when it ended, in epoch seconds.
        """
        self._failing -= waiter.is_failing
        wait = waiter.wait = step.wait
        self._failing += waiter.is_failing
        if not waiter.is_failing:
            self._saw(waiter, now, ended=False)
            waiter.curve = wait.curve(self.expectation)
        poll_at = max(step.at, waiter.polled_at + SHORTEST_GAP)
        self._plan(waiter, poll_at, now + max(wait.poll_interval or 0.0, SHORTEST_GAP))

    def ended(self, waiter: Waiter, now: float) -> None:
        """
        Let one go whose music has ended.

        :param now: when that was seen, in epoch seconds.
        """
        self._saw(waiter, now, ended=True)
        self.remove(waiter)

    def set_back(self, seconds: float) -> None:
        """
        Let nobody wait for the time that a clock set back has still to make up; deadlines stay where they are.

        :param seconds: how far it was set back.
        """
        for heap in (self._later, self._promises):
            heap[:] = [(at - seconds, number, waiter) for at, number, waiter in heap]
        for waiter in self._waiting:
            waiter.due_at -= seconds
            waiter.promised_at -= seconds
            waiter.polled_at -= seconds
            waiter.polled_age = max(0.0, waiter.polled_age - seconds)
        for job in self._polled_lately:
            self._polled_lately[job] -= seconds
        self._ordered_until = 0.0

    def next_change_at(self) -> float:
        """Return when the next one steps into the line, or comes near its deadline."""
        return min((heap[0][0] for heap in (self._later, self._deadlines) if heap), default=math.inf)

    def _saw(self, waiter: Waiter, now: float, *, ended: bool) -> None:
        age = now - waiter.age_from
        waiter.curve.saw(waiter.polled_age, age, ended=ended)
        waiter.polled_age = max(0.0, age)
        self.expectation.fit(now)

    def _plan(self, waiter: Waiter, due_at: float, promised_at: float) -> None:
        """Let one step into the line at a time, and, if it has a ``poll_interval``, owe it a look at another one."""
        self._take_out(waiter)  # a look begun for one who has gone may have served it before its turn
        waiter.due_at = due_at
        self._push(self._later, due_at, waiter)
        if waiter.wait.poll_interval is not None:
            waiter.promised_at = max(promised_at, due_at)
            self._push(self._promises, waiter.promised_at, waiter)

    def _keep_promises(self, now: float, pace: float) -> None:
        free = 1 - 1 / _OLDEST_FIRST - (1 / _FAILING_FIRST if self._failing_ready else 0)
        enough_for_all = self._promised <= free * pace
        for at, waiter in self._due(self._promises, now):
            if enough_for_all and at == waiter.promised_at and waiter in self._line:
                self._put_first(waiter)

    def _promised_for(self, job: JobRef) -> float:
        """Return how many looks in a second are promised to those who wait for a music task: one serves them all."""
        waits = (waiter.wait for waiter in self._by_job.get(job, ()))
        return max((1 / max(wait.poll_interval, SHORTEST_GAP) for wait in waits if wait.poll_interval), default=0.0)

    def _put_first(self, waiter: Waiter) -> None:
        self._take_out(waiter)
        if waiter.is_failing:
            self._failing_ready[waiter] = None
            self._failing_ready.move_to_end(waiter, last=False)
        else:
            self._first[waiter] = None

    def _remember(self, job: JobRef, now: float) -> None:
        """Keep when a look began for as long as it says something of the next one."""
        self._polled_lately.pop(job, None)
        self._polled_lately[job] = now
        while next(iter(self._polled_lately.values())) <= now - SHORTEST_GAP:
            self._polled_lately.popitem(last=False)

    def _take_out(self, waiter: Waiter) -> None:
        for line in (self._line, self._first, self._failing_ready):
            line.pop(waiter, None)

    def _choose(self, now: float, *, failing: bool) -> Waiter:
        self._given += 1
        others_wait = bool(self._line or self._first)
        if failing and self._failing_ready and not (others_wait and self._given % _FAILING_FIRST):
            return next(iter(self._failing_ready))
        if self._line and (self._given % _OLDEST_FIRST == 0):
            return next(iter(self._line))
        if self._first:
            return next(iter(self._first))
        if len(self._line) == 1:
            return next(iter(self._line))
        while True:
            if not self._order or now >= self._ordered_until:
                self._order = self._likeliest(now)
                self._ordered_until = now + _RANKED_FOR * max(1.0, len(self._line) / 1000)
            waiter = self._order.pop()
            if waiter in self._line:
                return waiter

    def _likeliest(self, now: float) -> list[Waiter]:
        """Return those in line whose music has most likely ended, the likeliest last."""
        return heapq.nlargest(_RANKED, self._line, key=lambda waiter: waiter.chance(now))[::-1]

    def _push(self, heap: _Heap, at: float, waiter: Waiter) -> None:
        if len(heap) > 64 + 2 * len(self._waiting):  # most of them wait no longer, or were planned anew
            heap[:] = [entry for entry in heap if entry[2] in self._waiting and entry[0] in entry[2].times]
            heapq.heapify(heap)
        heapq.heappush(heap, (at, next(self._numbers), waiter))

    def _due(self, heap: _Heap, now: float) -> list[tuple[float, Waiter]]:
        due = []
        while heap and heap[0][0] <= now:
            at, _, waiter = heapq.heappop(heap)
            if waiter in self._waiting:
                due.append((at, waiter))
        return due
