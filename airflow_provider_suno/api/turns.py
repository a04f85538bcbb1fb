"""
Decide who is looked at next, of all who wait for the music of one account.

Whose look is due stands in line. As long as the account's budget allows, all in line get their turn at once; once it is
spent, the turn goes to where an end is likeliest, and now and then to who has stood in line for longest, so that
nobody is forgotten.
"""

from __future__ import annotations

import heapq
import itertools
from collections import OrderedDict
from collections.abc import Collection

from airflow_provider_suno.api.expectation import Curve, Expectation, whole_age
from airflow_provider_suno.api.polling import SHORTEST_GAP, LookAgain, Wait
from airflow_provider_suno.api.statuses import MusicStatus

_LAST_LOOK = 2.0
"""Seconds before its deadline at which a wait has its last turn, before all others."""

_RANKED = 64
"""How many are put in order at once."""

_RANKED_FOR = 1.0
"""Seconds for which the order of up to a thousand holds; more of them take turns more slowly."""

_OLDEST_FIRST = 10
"""Each of so many turns goes to who has stood in line for longest."""


class Turn:
    """
    One who waits for a turn.

    :param wait: what for.
    :param curve: when music like this is likely to end.
    """

    __slots__ = ("asked_at", "born", "curve", "seen_age", "wait")

    def __init__(self, wait: Wait, curve: Curve) -> None:
        self.wait = wait
        self.curve = curve
        self.born = wait.started_at if wait.submitted_at is None else wait.submitted_at
        """When its age is counted from, in epoch seconds."""
        self.seen_age = 0.0
        """Its age at the last look that told something."""
        self.asked_at = 0.0
        """When the last look at it began."""

    def chance(self, now: float) -> float:
        """Return how likely a look finds the end, beside looks at others."""
        piled_up = self.curve.piled_up
        return piled_up[whole_age(now - self.born)] - piled_up[whole_age(self.seen_age)]


class Turns:
    """
    All who wait for the music of one account.

    :param expectation: when music is likely to end; it learns from each look.
    """

    def __init__(self, expectation: Expectation) -> None:
        self._expectation = expectation
        self._waiting: dict[Turn, None] = {}
        self._later: list[tuple[float, int, Turn]] = []
        self._deadlines: list[tuple[float, int, Turn]] = []
        self._line: OrderedDict[Turn, None] = OrderedDict()
        self._urgent: OrderedDict[Turn, None] = OrderedDict()
        self._order: list[Turn] = []
        self._ordered_until = 0.0
        self._numbers = itertools.count()
        self._given = 0

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._waiting)

    def __contains__(self, turn: Turn) -> bool:
        """Tell whether one still waits."""
        return turn in self._waiting

    @property
    def waiting(self) -> Collection[Turn]:
        """All who wait."""
        return self._waiting.keys()

    def add(self, wait: Wait) -> Turn:
        """Take in one more."""
        turn = Turn(wait, self._curve_of(wait))
        self._waiting[turn] = None
        self._push(self._later, turn.wait.next_look_at(), turn)
        self._push(self._deadlines, turn.wait.deadline - _LAST_LOOK, turn)
        return turn

    def remove(self, turn: Turn) -> None:
        """Let one go."""
        self._waiting.pop(turn, None)
        self._line.pop(turn, None)
        self._urgent.pop(turn, None)

    def past_deadline(self, now: float) -> list[Turn]:
        """
        Return whose deadline has come, and put those in front for whom it is near.

        :param now: epoch seconds.
        """
        past = []
        for turn in self._due(self._deadlines, now):
            if now >= turn.wait.deadline:
                past.append(turn)
                continue
            self._push(self._deadlines, turn.wait.deadline, turn)
            if now - turn.asked_at >= SHORTEST_GAP:
                self._line.pop(turn, None)
                self._urgent[turn] = None
        return past

    def has_turn(self, now: float) -> bool:
        """Tell whether anyone is to be looked at now."""
        for turn in self._due(self._later, now):
            if now - turn.asked_at < SHORTEST_GAP:  # it had its last turn before the deadline meanwhile
                self._push(self._later, turn.asked_at + SHORTEST_GAP, turn)
            elif turn not in self._urgent:
                self._line[turn] = None
        return bool(self._line or self._urgent)

    def next(self, now: float) -> Turn | None:
        """
        Return whose turn it is, who then stands in line no longer.

        :param now: epoch seconds.
        """
        if not self.has_turn(now):
            return None
        turn = self._urgent.popitem(last=False)[0] if self._urgent else self._next_in_line(now)
        self._line.pop(turn, None)
        turn.asked_at = now
        return turn

    def again(self, turn: Turn, now: float) -> None:
        """
        Give one another turn as soon as may be, after a look that told nothing of it.

        :param now: epoch seconds.
        """
        self._push(self._later, now + SHORTEST_GAP, turn)

    def looked(self, turn: Turn, step: LookAgain, now: float) -> None:
        """
        Go on with one after a look that did not end the wait.

        :param step: what it came to.
        :param now: when it ended, in epoch seconds.
        """
        wait = turn.wait = step.wait
        look_at = step.at
        if not wait.failed_looks:
            self._saw(turn, now, ended=False)
            turn.curve = self._curve_of(wait)
            gap = turn.curve.gap_worth_a_look(now - turn.born)
            look_at = min(look_at, now + max(gap, SHORTEST_GAP))
        self._push(self._later, look_at, turn)

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
        self._later = [(at - seconds, number, turn) for at, number, turn in self._later]
        for turn in self._waiting:
            turn.asked_at -= seconds

    def next_change_at(self) -> float:
        """Return when the next one steps into the line, or comes near its deadline."""
        return min((heap[0][0] for heap in (self._later, self._deadlines) if heap), default=float("inf"))

    def _curve_of(self, wait: Wait) -> Curve:
        nearly_there = wait.until == "all" and wait.status == MusicStatus.FIRST_SUCCESS
        return self._expectation.of(wait.until, age_is_known=wait.submitted_at is not None, nearly_there=nearly_there)

    def _saw(self, turn: Turn, now: float, *, ended: bool) -> None:
        age = now - turn.born
        turn.curve.saw(turn.seen_age, age, ended=ended)
        turn.seen_age = max(0.0, age)

    def _next_in_line(self, now: float) -> Turn:
        self._given += 1
        if self._given % _OLDEST_FIRST == 0:
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
        self._expectation.fit()
        return heapq.nlargest(_RANKED, self._line, key=lambda turn: turn.chance(now))[::-1]

    def _push(self, heap: list[tuple[float, int, Turn]], at: float, turn: Turn) -> None:
        if len(heap) > 64 + 2 * len(self._waiting):  # most of them wait no longer
            heap[:] = [entry for entry in heap if entry[2] in self._waiting]
            heapq.heapify(heap)
        heapq.heappush(heap, (at, next(self._numbers), turn))

    def _due(self, heap: list[tuple[float, int, Turn]], now: float) -> list[Turn]:
        due = []
        while heap and heap[0][0] <= now:
            turn = heapq.heappop(heap)[2]
            if turn in self._waiting:
                due.append(turn)
        return due
