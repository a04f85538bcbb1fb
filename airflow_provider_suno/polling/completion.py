"""When a job is likely to be finished: a prior by age, which gives way to what the account's jobs really do."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Sequence

from airflow_provider_suno.api.jobs import JobKind, Until

OLDEST = 1200
"""Seconds: what happens to older jobs is not learned."""

_BIN = 5
"""Seconds of age that share one hazard."""

_PRIOR_WEIGHT = 20.0
"""Jobs that have to end before they weigh as much as the prior."""

_HALVE_AFTER = 500.0
"""Jobs after which what was learned counts half: services become slower and faster."""

_FIT_EVERY = 1.0
"""Seconds between two updates of the curves."""

_PRIOR_FLOOR = 0.01
"""The part of the prior that is never forgotten, for ages at which almost no job is seen."""

POLL_COST = 0.5
"""What a poll costs, in seconds of expected delay."""

_LONGEST_GAP = 45.0
"""Seconds between two polls, however unlikely an end is: a job may fail early, and the curve may be wrong."""

_FACTOR_BEFORE_FIRST_TRACK = 0.1
_FACTOR_AFTER_FIRST_TRACK = 1.4
"""The prior's hazard is multiplied by one of these once the status tells whether the first track is there."""

Knots = Sequence[tuple[float, float]]

# Age in seconds and cumulative hazard H: P(done by age b, running at age a) = 1 - exp(H(a) - H(b)). Most music takes
# one to three minutes.
_PRIOR: dict[Until, Knots] = {
    "all": ((0, 0), (20, 0.02), (45, 0.1), (70, 0.45), (100, 1.1), (180, 3.5), (300, 6.0), (600, 7.5), (OLDEST, 8.5)),
    "first": ((0, 0), (15, 0.02), (25, 0.15), (40, 0.6), (90, 2.5), (150, 4.0), (300, 5.5), (600, 6.5), (OLDEST, 7.5)),
}
# The same by the time waited, for jobs of unknown age: they may be almost done, or just submitted.
_PRIOR_OF_UNKNOWN_AGE: dict[Until, Knots] = {
    "all": ((0, 0), (300, 4.0), (600, 6.0), (OLDEST, 8.0)),
    "first": ((0, 0), (150, 3.5), (600, 6.0), (OLDEST, 8.0)),
}
_PRIOR_DURATION: dict[Until, float] = {"all": 120.0, "first": 60.0}
"""The usual duration, in seconds, of the jobs that the priors describe."""


class Curve:
    """
    The cumulative hazard of one sort of job, by age.

    It learns from each poll: since the poll before, a job either ended or was exposed to ending.

    :param prior: what to start with.
    :param factor: what to multiply the prior's hazard by, since more than the age is known.
    """

    def __init__(self, prior: Knots, factor: float = 1.0) -> None:
        self.cumulative_hazard: list[float] = []
        """By age in whole seconds, up to ``OLDEST``."""
        edges = range(0, OLDEST + 1, _BIN)
        hazards = [factor * (_interpolated(prior, edge + _BIN) - _interpolated(prior, edge)) for edge in edges]
        # By bin: the seconds that all jobs together were exposed, and how many of them ended.
        self._exposed = [_PRIOR_WEIGHT * _BIN * math.exp(-_interpolated(prior, edge)) for edge in edges]
        self._ended = [exposed * hazard / _BIN for exposed, hazard in zip(self._exposed, hazards, strict=True)]
        self._prior = list(zip(self._exposed, self._ended, strict=True))
        self._is_fitted = False
        self.fit()

    def hazard(self, earlier: float, later: float) -> float:
        """Return the hazard between two ages, in seconds."""
        return self.cumulative_hazard[_index(later)] - self.cumulative_hazard[_index(earlier)]

    def next_poll_in(self, age: float) -> float:
        """
        Return in how many seconds a job that was running at a poll is due for the next one.

        A poll too early costs a request; a poll too late leaves a finished job unseen. The expected delay is the time
        for which the job is expected to have been finished unseen: P(done by then), summed over the seconds since the
        last poll. The next poll is due once that reaches ``POLL_COST``. With a steady hazard h, the gap is
        sqrt(2 * POLL_COST / h): of all gaps, the one with the least POLL_COST * polls + delay.

        :param age: seconds, at the last poll.
        """
        delay, done, hazard = 0.0, 0.0, self.cumulative_hazard[_index(age)]
        for second in range(1, int(_LONGEST_GAP) + 1):
            before, done = done, 1 - math.exp(hazard - self.cumulative_hazard[_index(age + second)])
            more = (before + done) / 2
            if delay + more >= POLL_COST:
                return second - 1 + (POLL_COST - delay) / more
            delay += more
        return _LONGEST_GAP

    def learn(self, earlier: float, later: float, *, ended: bool) -> None:
        """
        Count a poll; :meth:`fit` updates the curve.

        :param earlier: age at the poll before, when the job was running.
        :param later: age at this poll.
        :param ended: whether the job has ended; as nobody saw when, each bin gets its share by the curve so far.
        """
        begin, end = max(0.0, earlier), min(later, float(OLDEST))
        if begin >= end:
            return
        first = int(begin // _BIN)
        edges = [begin, *range((first + 1) * _BIN, math.ceil(end), _BIN), end]
        shares = self._shares(edges) if ended else itertools.repeat(0.0)
        running = 1.0
        bins, stretches = itertools.count(first), itertools.pairwise(edges)
        for number, (left, right), share in zip(bins, stretches, shares, strict=False):
            self._exposed[number] += (right - left) * (running - share / 2)
            self._ended[number] += share
            running -= share
        self._is_fitted = False

    def _shares(self, edges: Sequence[float]) -> list[float]:
        """Return in which stretch between these ages a job ended that ended in one of them, as probabilities."""
        running = [math.exp(-self.hazard(edges[0], edge)) for edge in edges]
        ended = running[0] - running[-1]
        if ended <= 0:  # the curve thinks it impossible
            return [(right - left) / (edges[-1] - edges[0]) for left, right in itertools.pairwise(edges)]
        return [(left - right) / ended for left, right in itertools.pairwise(running)]

    def fit(self) -> None:
        """Update the curve with what was learned; takes some hundredths of a millisecond."""
        if self._is_fitted:
            return
        hazards = map(operator.truediv, self._ended, self._exposed)
        by_second = itertools.chain.from_iterable(itertools.repeat(hazard, _BIN) for hazard in hazards)
        self.cumulative_hazard[:] = itertools.accumulate(itertools.islice(by_second, OLDEST), initial=0.0)
        if sum(self._ended) > _HALVE_AFTER:
            for number, (exposed, ended) in enumerate(self._prior):
                self._exposed[number] = max(self._exposed[number] / 2, _PRIOR_FLOOR * exposed)
                self._ended[number] = max(self._ended[number] / 2, _PRIOR_FLOOR * ended)
        self._is_fitted = True


class Expectation:
    """What is expected of the jobs of one account."""

    def __init__(self) -> None:
        self._curves: dict[tuple[str, Until, bool, float], Curve] = {}
        self._fitted_at = -math.inf

    def curve(self, kind: JobKind, until: Until, *, age_is_known: bool, status: str | None = None) -> Curve:
        """
        Return the curve of one sort of wait; each sort learns by itself.

        :param age_is_known: whether ages count from the submission, or else from the start of the wait.
        :param status: the status last seen: for all tracks, it matters whether the first one is there.
        """
        factor = 1.0
        if until == "all" and status is not None and kind.nearly_done:
            factor = _FACTOR_AFTER_FIRST_TRACK if status in kind.nearly_done else _FACTOR_BEFORE_FIRST_TRACK
        sort = kind.name, until, age_is_known, factor
        if sort not in self._curves:
            prior = (_PRIOR if age_is_known else _PRIOR_OF_UNKNOWN_AGE)[until]
            slower = kind.usual_duration[until] / _PRIOR_DURATION[until]
            # The last age stays, since what happens to older jobs is not learned.
            scaled = [(min(age * slower, OLDEST - 1.0), hazard) for age, hazard in prior[:-1]]
            self._curves[sort] = Curve([*scaled, prior[-1]], factor)
        return self._curves[sort]

    def fit(self, now: float) -> None:
        """Update the curves with what was learned, once a second at most; ``now`` may have been set back."""
        if 0 <= now - self._fitted_at < _FIT_EVERY:
            return
        self._fitted_at = now
        for curve in self._curves.values():
            curve.fit()


def _index(age: float) -> int:
    if age < 0:
        return 0
    return int(age) if age < OLDEST else OLDEST


def _interpolated(knots: Knots, age: float) -> float:
    for (left, low), (right, high) in itertools.pairwise(knots):
        if age <= right:
            return low + (high - low) * (age - left) / (right - left)
    return knots[-1][1]
