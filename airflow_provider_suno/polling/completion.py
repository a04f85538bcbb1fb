"""When music is likely to end: a guess by age, which gives way to what an account's music really does."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Sequence

from airflow_provider_suno.api.jobs import JobKind, Until

OLDEST = 1200
"""Seconds: music that is older is not reckoned with."""

_BIN = 5
"""Seconds for which one chance to end is learnt."""

_GUESS_COUNTS_AS = 20.0
"""Pieces of music that have to end before they weigh as much as the guess."""

_MEMORY = 500.0
"""Pieces of music after which what was learnt counts half: services become slower and faster."""

_FIT_EVERY = 1.0
"""Seconds between two times at which what was learnt is taken up."""

_GUESS_KEEPS = 0.01
"""The part of the guess that is never forgotten, for ages at which next to nothing is seen."""

PRICE = 0.5
"""Seconds of expected delay that are worth a poll."""

_LONGEST_GAP = 45.0
"""Seconds between two polls, however unlikely an end is: a job may fail early, and the curve may be wrong."""

_BEFORE_THE_FIRST = 0.1
_AFTER_THE_FIRST = 1.4
"""How much likelier than by age alone the end is guessed to be, before and after the first track was seen."""

Knots = Sequence[tuple[float, float]]

# Age in seconds, and the hazard of ending that has piled up by then: who has not ended at one age will have by another
# with a chance of 1 - exp(-the difference). Most music takes one to three minutes.
_GUESS: dict[Until, Knots] = {
    "all": ((0, 0), (20, 0.02), (45, 0.1), (70, 0.45), (100, 1.1), (180, 3.5), (300, 6.0), (600, 7.5), (OLDEST, 8.5)),
    "first": ((0, 0), (15, 0.02), (25, 0.15), (40, 0.6), (90, 2.5), (150, 4.0), (300, 5.5), (600, 6.5), (OLDEST, 7.5)),
}
# The same for those of unknown age, by the time they have been waited for: they may be about to end, or just begun.
_GUESS_WITHOUT_AGE: dict[Until, Knots] = {
    "all": ((0, 0), (300, 4.0), (600, 6.0), (OLDEST, 8.0)),
    "first": ((0, 0), (150, 3.5), (600, 6.0), (OLDEST, 8.0)),
}


_GUESSED_DURATION: dict[Until, float] = {"all": 120.0, "first": 60.0}
"""Seconds that the guesses are for, as a job usually takes."""


class Curve:
    """
    The chance that music of one kind has ended, by age.

    Learns from each look: between two looks of the same music, it either ended or was exposed to ending.

    :param guess: what to go by until then.
    :param times: how much likelier an end is guessed to be, at each age, since more is known than the age.
    """

    def __init__(self, guess: Knots, times: float = 1.0) -> None:
        self.cumulative_hazard: list[float] = []
        """The hazard of ending that has piled up, by age in whole seconds up to ``OLDEST``."""
        edges = range(0, OLDEST + 1, _BIN)
        hazards = [times * (_at(guess, edge + _BIN) - _at(guess, edge)) for edge in edges]
        # How many seconds all of them together have been seen in a bin, and how many ended there.
        self._exposed = [_GUESS_COUNTS_AS * _BIN * math.exp(-_at(guess, edge)) for edge in edges]
        self._ended = [exposed * hazard / _BIN for exposed, hazard in zip(self._exposed, hazards, strict=True)]
        self._guess = list(zip(self._exposed, self._ended, strict=True))
        self._is_fitted = False
        self.fit()

    def between(self, earlier: float, later: float) -> float:
        """
        Return the hazard between two ages, in seconds.

        :param earlier: age at the last look.
        :param later: age now.
        """
        return self.cumulative_hazard[whole_age(later)] - self.cumulative_hazard[whole_age(earlier)]

    def next_poll_in(self, age: float) -> float:
        """
        Return in how many seconds a job that was running at a poll is due for the next one.

        A poll too early costs a request; a poll too late leaves a finished job unseen. The expected delay is the time
        for which the job is expected to have been finished unseen: the chance that it has ended, 1 - exp(H(age) -
        H(then)), summed over the seconds since the last poll. The next poll is due once that reaches ``PRICE``. With a
        steady hazard h, the gap is sqrt(2 * PRICE / h): of all gaps, the one with the least PRICE * polls + delay.

        :param age: seconds, at the last poll.
        """
        delay, chance, hazard = 0.0, 0.0, self.cumulative_hazard[whole_age(age)]
        for second in range(1, int(_LONGEST_GAP) + 1):
            before, chance = chance, 1 - math.exp(hazard - self.cumulative_hazard[whole_age(age + second)])
            more = (before + chance) / 2
            if delay + more >= PRICE:
                return second - 1 + (PRICE - delay) / more
            delay += more
        return _LONGEST_GAP

    def saw(self, earlier: float, later: float, *, ended: bool) -> None:
        """
        Learn from a look.

        :param earlier: age at the look before, when it had not ended.
        :param later: age at this look.
        :param ended: whether it has ended by now; when it did is shared out by what is known so far.
        """
        begin, end = max(0.0, earlier), min(later, float(OLDEST))
        if begin >= end:
            return
        first = int(begin // _BIN)
        edges = [begin, *range((first + 1) * _BIN, math.ceil(end), _BIN), end]
        shares = self._shares(edges) if ended else itertools.repeat(0.0)
        alive = 1.0
        bins, stretches = itertools.count(first), itertools.pairwise(edges)
        for number, (left, right), share in zip(bins, stretches, shares, strict=False):
            self._exposed[number] += (right - left) * (alive - share / 2)
            self._ended[number] += share
            alive -= share
        self._is_fitted = False

    def _shares(self, edges: Sequence[float]) -> list[float]:
        """Return, for what ended between the first and the last of these ages, the chance of each stretch."""
        before = self.cumulative_hazard[whole_age(edges[0])]
        alive = [math.exp(before - self.cumulative_hazard[whole_age(edge)]) for edge in edges]
        over_all = alive[0] - alive[-1]
        if over_all <= 0:  # nothing was thought possible there
            return [(right - left) / (edges[-1] - edges[0]) for left, right in itertools.pairwise(edges)]
        return [(left - right) / over_all for left, right in itertools.pairwise(alive)]

    def fit(self) -> None:
        """Take up what was learnt; a matter of some hundredths of a millisecond."""
        if self._is_fitted:
            return
        hazards = map(operator.truediv, self._ended, self._exposed)
        by_second = itertools.chain.from_iterable(itertools.repeat(hazard, _BIN) for hazard in hazards)
        self.cumulative_hazard[:] = itertools.accumulate(itertools.islice(by_second, OLDEST), initial=0.0)
        if sum(self._ended) > _MEMORY:
            self._forget_half()
        self._is_fitted = True

    def _forget_half(self) -> None:
        for number, (exposed, ended) in enumerate(self._guess):
            self._exposed[number] = max(self._exposed[number] / 2, _GUESS_KEEPS * exposed)
            self._ended[number] = max(self._ended[number] / 2, _GUESS_KEEPS * ended)


class Expectation:
    """What is expected of the music of one account."""

    def __init__(self) -> None:
        self._curves: dict[tuple[str, Until, bool, float], Curve] = {}
        self._fitted_at = -math.inf

    def of(self, kind: JobKind, until: Until, *, age_is_known: bool, status: str | None = None) -> Curve:
        """
        Return what is expected of one sort of wait.

        :param kind: the kind of job; each is learnt apart.
        :param until: what is waited for.
        :param age_is_known: whether ages count from the submission, or else from the begin of the wait.
        :param status: the status last seen: for all tracks, it is learnt apart whether the first one was there.
        """
        tells = until == "all" and status is not None and bool(kind.nearly_done)
        times = 1.0 if not tells else _AFTER_THE_FIRST if status in kind.nearly_done else _BEFORE_THE_FIRST
        sort = kind.name, until, age_is_known, times
        if sort not in self._curves:
            guess = (_GUESS if age_is_known else _GUESS_WITHOUT_AGE)[until]
            guess = _stretched(guess, kind.usual_duration[until] / _GUESSED_DURATION[until])
            self._curves[sort] = Curve(guess, times)
        return self._curves[sort]

    def fit(self, now: float) -> None:
        """
        Take up what was learnt, once a second at most.

        :param now: seconds on any clock; it may have been set back.
        """
        if 0 <= now - self._fitted_at < _FIT_EVERY:
            return
        self._fitted_at = now
        for curve in self._curves.values():
            curve.fit()


def whole_age(age: float) -> int:
    """Return an age as an index of :attr:`Curve.cumulative_hazard`."""
    if age < 0:
        return 0
    return int(age) if age < OLDEST else OLDEST


def _stretched(guess: Knots, factor: float) -> Knots:
    """Return the guess for jobs that take longer or shorter; the last age stays, since older ones do not count."""
    return [*((min(age * factor, OLDEST - 1.0), cumulative_hazard) for age, cumulative_hazard in guess[:-1]), guess[-1]]


def _at(knots: Knots, age: float) -> float:
    for (left, low), (right, high) in itertools.pairwise(knots):
        if age <= right:
            return low + (high - low) * (age - left) / (right - left)
    return knots[-1][1]
