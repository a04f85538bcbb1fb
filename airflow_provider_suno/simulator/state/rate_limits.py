"""
How often the service lets itself be asked.

A limit counts what was let through, so that a caller who is refused loses nothing by having asked. Times are those
of :meth:`Clock.request_time`: real seconds as a rule, for it is real requests that come too fast, however fast songs
are made; simulated ones while the clock is moved by hand, so that a test decides when a second is over.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

SUBMIT_WINDOW = 10.0
READ_WINDOW = 1.0
ACCOUNT_READ_WINDOW = 10.0


class RateWindow:
    """
    What was let through lately.

    :param seconds: how long that is.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._times: deque[float] = deque()

    def is_full(self, limit: int | None, at: float) -> bool:
        """
        Return whether one more would be too many.

        :param limit: how many fit in; None for any number.
        :param at: the time.
        """
        # Times ahead were told by a clock that has been set back, or started, since.
        while self._times and not at - self._seconds < self._times[0] <= at:
            self._times.popleft()
        return limit is not None and len(self._times) >= limit

    def add(self, at: float) -> None:
        """
        Count one more.

        :param at: the time.
        """
        self.is_full(None, at)
        self._times.append(at)


@dataclass
class RateLimits:
    """The windows of one account."""

    submits: RateWindow = field(default_factory=lambda: RateWindow(SUBMIT_WINDOW))
    all_reads: RateWindow = field(default_factory=lambda: RateWindow(ACCOUNT_READ_WINDOW))
    _reads: dict[str, RateWindow] = field(default_factory=dict)

    def reads(self, music_task_id: str) -> RateWindow:
        """
        Return the window of one music task.

        :param music_task_id: its id, known or not.
        """
        return self._reads.setdefault(music_task_id, RateWindow(READ_WINDOW))
