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
from airflow_provider_suno.polling.wait import SHORTEST_GAP, LookAgain, Wait

_LAST_LOOK = 2.0
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

_Heap: TypeAlias = "list[tuple[float, int, Turn]]"
"""Who has a time, the earliest first."""


class Turn:
    """
    One who waits for a turn.

    :param wait: what for.
    :param curve: when music like this is likely to end.
    :param now: when it came, in epoch seconds.
    """

    __slots__ = (
        "asked_at",
        "born",
        "curve",
        "deadline_at",
        "due_at",
        "ends_at",
        "promised_at",
        "refusals",
        "seen_age",
        "wait",
    )

    def __init__(self, wait: Wait, curve: Curve, now: float) -> None:
        self.wait = wait
        self.curve = curve
        self.born = wait.started_at if wait.submitted_at is None else wait.submitted_at
        """When its age is counted from, in epoch seconds."""
        self.ends_at = max(wait.deadline, now + _ARRIVAL_GRACE)
        self.deadline_at = self.ends_at - _LAST_LOOK
        """When its deadline is minded next: for its last look, and at its end."""
        self.seen_age = 0.0
        """Its age at the last look that told something."""
        self.asked_at = -math.inf
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
        return self.wait.failed_looks > 0

    @property
    def times(self) -> tuple[float, ...]:
        """All times at which something is planned for it."""
        return self.due_at, self.promised_at, self.deadline_at

    def chance(self, now: float) -> float:
        """Return how likely a look finds the end, beside looks at others."""
        piled_up = self.curve.piled_up
        return piled_up[whole_age(now - self.born)] - piled_up[whole_age(self.seen_age)]


class Turns:
    """
    All who wait for the music of one account; a look at a music task serves all who wait for it.

    :param expectation: when music is likely to end; it learns from each look, once for each who waits for it.
    """

    def __init__(self, expectation: Expectation) -> None:
        self.expectation = expectation
        self._waiting: dict[Turn, None] = {}
        self._by_job: dict[JobRef, list[Turn]] = {}
        self._later: _Heap = []
        self._promises: _Heap = []
        self._deadlines: _Heap = []
        self._line: OrderedDict[Turn, None] = OrderedDict()
        self._owed: OrderedDict[Turn, None] = OrderedDict()
        self._failing_line: OrderedDict[Turn, None] = OrderedDict()
        self._failing = 0
        """For how many of those who wait the last look failed."""
        self._order: list[Turn] = []
        self._ordered_until = 0.0
        self._just_asked: OrderedDict[JobRef, float] = OrderedDict()
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
    def waiting(self) -> list[Turn]:
        """All who wait."""
        return list(self._waiting)

    def waiting_for(self, job: JobRef) -> list[Turn]:
        """Return who waits for a music task."""
        return list(self._by_job.get(job, ()))

    def add(self, wait: Wait, now: float) -> Turn:
        """
        Take in one more.

        :param wait: what it waits for.
        :param now: epoch seconds.
        """
        turn, look_at = Turn(wait, wait.curve(self.expectation), now), wait.next_look_at()
        others = self._by_job.setdefault(wait.job, [])
        turn.asked_at = self._just_asked.get(wait.job, -math.inf)
        self._waiting[turn] = None
        self._failing += turn.is_failing
        if all(other.due_at < math.inf for other in others):  # else the look that is on its way serves it, too
            self._plan(turn, look_at, look_at)
        before = self._promised_for(wait.job)
        others.append(turn)
        self._promised += self._promised_for(wait.job) - before
        self._push(self._deadlines, turn.deadline_at, turn)
        return turn

    def remove(self, turn: Turn) -> None:
        """Let one go."""
        if turn not in self._waiting:
            return
        del self._waiting[turn]
        self._failing -= turn.is_failing
        self._leave_lines(turn)
        job = turn.wait.job
        before = self._promised_for(job)
        self._by_job[job].remove(turn)
        self._promised += self._promised_for(job) - before
        if not self._by_job[job]:
            del self._by_job[job]
        if not self._waiting:
            self._promised = 0.0  # sums of fractions drift
            for left_behind in (self._later, self._promises, self._deadlines, self._order):
                left_behind.clear()

    def past_deadline(self, now: float) -> list[Turn]:
        """
        Return whose deadline has come, and put those in front for whom it is near.

        :param now: epoch seconds.
        """
        past = []
        for _, turn in self._due(self._deadlines, now):
            if now >= turn.ends_at:
                past.append(turn)
                continue
            last_look_at = turn.asked_at + SHORTEST_GAP
            turn.deadline_at = last_look_at if now < last_look_at < turn.ends_at else turn.ends_at
            self._push(self._deadlines, turn.deadline_at, turn)
            if now >= last_look_at and turn.due_at < math.inf:
                self._owe(turn)
        return past

    def has_turn(self, now: float, *, failing: bool = True) -> bool:
        """
        Tell whether anyone is to be looked at now.

        :param now: epoch seconds.
        :param failing: whether it may be one whose last look failed.
        """
        for at, turn in self._due(self._later, now):
            if at != turn.due_at:  # it was planned anew since
                continue
            if now - turn.asked_at < SHORTEST_GAP:  # it had its last turn before the deadline meanwhile
                self._plan(turn, turn.asked_at + SHORTEST_GAP, turn.promised_at)
            elif turn.is_failing:
                self._failing_line[turn] = None
                if turn.wait.failed_looks == 1:  # most likely bad luck, and not to stand behind those that hang
                    self._failing_line.move_to_end(turn, last=False)
            elif turn not in self._owed:
                self._line[turn] = None
        return bool(self._line or self._owed or (failing and self._failing_line))

    def next(self, now: float, pace: float = math.inf, *, failing: bool = True) -> Turn | None:
        """
        Return whose turn it is; it stands in line no longer, nor do others who wait for the same music task.

        :param now: epoch seconds.
        :param pace: looks in a second that can be made: promises are kept as long as that suffices for all of them.
        :param failing: whether it may be one whose last look failed.
        """
        if not self.has_turn(now, failing=failing):
            return None
        self._keep_promises(now, pace)
        turn = self._choose(now, failing=failing)
        self._remember(turn.wait.job, now)
        for served in self._by_job[turn.wait.job]:
            self._leave_lines(served)
            served.asked_at = now
            served.due_at = served.promised_at = math.inf
        return turn

    def take_all(self, now: float) -> list[Turn]:
        """
        Return all who are to be looked at now, in no order; they stand in line no longer.

        :param now: epoch seconds.
        """
        self.has_turn(now)
        taken = [*self._owed, *self._line, *self._failing_line]
        for line in (self._owed, self._line, self._failing_line):
            line.clear()
        return taken

    def again(self, turn: Turn, now: float) -> None:
        """
        Give one another turn as soon as may be, after a look that told nothing of it.

        :param now: epoch seconds.
        """
        self._plan(turn, now + SHORTEST_GAP, now + SHORTEST_GAP)

    def looked(self, turn: Turn, step: LookAgain, now: float) -> None:
        """
        Go on with one after a look that did not end the wait.

        :param step: what it came to.
        :param now: when it ended, in epoch seconds.
        """
        self._failing -= turn.is_failing
        wait = turn.wait = step.wait
        self._failing += turn.is_failing
        if not turn.is_failing:
            self._saw(turn, now, ended=False)
            turn.curve = wait.curve(self.expectation)
        look_at = max(step.at, turn.asked_at + SHORTEST_GAP)
        self._plan(turn, look_at, now + max(wait.poll_interval or 0.0, SHORTEST_GAP))

    def ended(self, turn: Turn, now: float) -> None:
        """
        Let one go whose music has ended.

        :param now: when that was seen, in epoch seconds.
        """
        self._saw(turn, now, ended=True)
        self.remove(turn)

    def set_back(self, seconds: float) -> None:
        """
        Let nobody wait for the time that a clock set back has still to make up; deadlines stay where they are.

        :param seconds: how far it was set back.
        """
        for heap in (self._later, self._promises):
            heap[:] = [(at - seconds, number, turn) for at, number, turn in heap]
        for turn in self._waiting:
            turn.due_at -= seconds
            turn.promised_at -= seconds
            turn.asked_at -= seconds
            turn.seen_age = max(0.0, turn.seen_age - seconds)
        for job in self._just_asked:
            self._just_asked[job] -= seconds
        self._ordered_until = 0.0

    def next_change_at(self) -> float:
        """Return when the next one steps into the line, or comes near its deadline."""
        return min((heap[0][0] for heap in (self._later, self._deadlines) if heap), default=math.inf)

    def _saw(self, turn: Turn, now: float, *, ended: bool) -> None:
        age = now - turn.born
        turn.curve.saw(turn.seen_age, age, ended=ended)
        turn.seen_age = max(0.0, age)
        self.expectation.fit(now)

    def _plan(self, turn: Turn, due_at: float, promised_at: float) -> None:
        """Let one step into the line at a time, and, if it has a ``poll_interval``, owe it a look at another one."""
        self._leave_lines(turn)  # a look begun for one who has gone may have served it before its turn
        turn.due_at = due_at
        self._push(self._later, due_at, turn)
        if turn.wait.poll_interval is not None:
            turn.promised_at = max(promised_at, due_at)
            self._push(self._promises, turn.promised_at, turn)

    def _keep_promises(self, now: float, pace: float) -> None:
        free = 1 - 1 / _OLDEST_FIRST - (1 / _FAILING_FIRST if self._failing_line else 0)
        enough_for_all = self._promised <= free * pace
        for at, turn in self._due(self._promises, now):
            if enough_for_all and at == turn.promised_at and turn in self._line:
                self._owe(turn)

    def _promised_for(self, job: JobRef) -> float:
        """Return how many looks in a second are promised to those who wait for a music task: one serves them all."""
        waits = (turn.wait for turn in self._by_job.get(job, ()))
        return max((1 / max(wait.poll_interval, SHORTEST_GAP) for wait in waits if wait.poll_interval), default=0.0)

    def _owe(self, turn: Turn) -> None:
        self._leave_lines(turn)
        if turn.is_failing:
            self._failing_line[turn] = None
            self._failing_line.move_to_end(turn, last=False)
        else:
            self._owed[turn] = None

    def _remember(self, job: JobRef, now: float) -> None:
        """Keep when a look began for as long as it says something of the next one."""
        self._just_asked.pop(job, None)
        self._just_asked[job] = now
        while next(iter(self._just_asked.values())) <= now - SHORTEST_GAP:
            self._just_asked.popitem(last=False)

    def _leave_lines(self, turn: Turn) -> None:
        for line in (self._line, self._owed, self._failing_line):
            line.pop(turn, None)

    def _choose(self, now: float, *, failing: bool) -> Turn:
        self._given += 1
        others_wait = bool(self._line or self._owed)
        if failing and self._failing_line and not (others_wait and self._given % _FAILING_FIRST):
            return next(iter(self._failing_line))
        if self._line and (self._given % _OLDEST_FIRST == 0):
            return next(iter(self._line))
        if self._owed:
            return next(iter(self._owed))
        if len(self._line) == 1:
            return next(iter(self._line))
        while True:
            if not self._order or now >= self._ordered_until:
                self._order = self._likeliest(now)
                self._ordered_until = now + _RANKED_FOR * max(1.0, len(self._line) / 1000)
            turn = self._order.pop()
            if turn in self._line:
                return turn

    def _likeliest(self, now: float) -> list[Turn]:
        """Return those in line whose music has most likely ended, the likeliest last."""
        return heapq.nlargest(_RANKED, self._line, key=lambda turn: turn.chance(now))[::-1]

    def _push(self, heap: _Heap, at: float, turn: Turn) -> None:
        if len(heap) > 64 + 2 * len(self._waiting):  # most of them wait no longer, or were planned anew
            heap[:] = [entry for entry in heap if entry[2] in self._waiting and entry[0] in entry[2].times]
            heapq.heapify(heap)
        heapq.heappush(heap, (at, next(self._numbers), turn))

    def _due(self, heap: _Heap, now: float) -> list[tuple[float, Turn]]:
        due = []
        while heap and heap[0][0] <= now:
            at, _, turn = heapq.heappop(heap)
            if turn in self._waiting:
                due.append((at, turn))
        return due
