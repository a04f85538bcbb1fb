"""
The rate limits of an account.

Only accepted calls count: a refused call does not delay the next one. Times are those of :meth:`Clock.request_time`:
real seconds, whatever the speed of the clock, but simulated seconds if the clock is manual.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

SUBMIT_WINDOW = 10.0
READ_WINDOW = 1.0
ACCOUNT_READ_WINDOW = 10.0


class RateWindow:
    """
    The accepted calls of the last seconds.

    :param seconds: length of the window.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._times: deque[float] = deque()

    def is_full(self, limit: int | None, at: float) -> bool:
        """
        Return whether the limit is reached.

        :param limit: number of calls in the window; None for no limit.
        :param at: the time.
        """
        return limit is not None and self.count(at) >= limit

    def count(self, at: float) -> int:
        """
        Return how many calls count.

        :param at: the time.
        """
        # Times in the future are dropped too: the clock has been set back since.
        while self._times and not at - self._seconds < self._times[0] <= at:
            self._times.popleft()
        return len(self._times)

    def add(self, at: float) -> None:
        """
        Count one accepted call.

        :param at: the time.
        """
        self.count(at)
        self._times.append(at)


@dataclass
class RateLimits:
    """The windows of one account: its submissions, its polls, and its polls of each job."""

    submits: RateWindow = field(default_factory=lambda: RateWindow(SUBMIT_WINDOW))
    all_reads: RateWindow = field(default_factory=lambda: RateWindow(ACCOUNT_READ_WINDOW))
    _reads: dict[str, RateWindow] = field(default_factory=dict)

    def reads(self, job_id: str) -> RateWindow:
        """
        Return the window of the polls of one job.

        :param job_id: its id, known or not.
        """
        return self._reads.setdefault(job_id, RateWindow(READ_WINDOW))
