"""
How often the service lets itself be asked.

A limit counts what was let through, so that a caller who is refused loses nothing by having asked. Times are those
of :meth:`Clock.pace`: real seconds as a rule, for it is real requests that come too fast, however much the lives of
songs are hurried; simulated ones while the clock is moved by hand, so that a test decides when a second is over.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

SUBMIT_WINDOW = 10.0
READ_WINDOW = 1.0
ACCOUNT_READ_WINDOW = 10.0


class Window:
    """
    What was let through lately.

    :param seconds: how long that is.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._times: deque[float] = deque()

    def full(self, limit: int | None, at: float) -> bool:
        """
        Return whether one more would be too many.

        :param limit: how many fit in; None for any number.
        :param at: the time.
        """
        # Times ahead were told by a clock that has been set back, or started, since.
        while self._times and not at - self._seconds < self._times[0] <= at:
            self._times.popleft()
        return limit is not None and len(self._times) >= limit

    def note(self, at: float) -> None:
        """
        Count one more.

        :param at: the time.
        """
        self.full(None, at)
        self._times.append(at)


@dataclass
class Rates:
    """The windows of one account."""

    submits: Window = field(default_factory=lambda: Window(SUBMIT_WINDOW))
    all_reads: Window = field(default_factory=lambda: Window(ACCOUNT_READ_WINDOW))
    _reads: dict[str, Window] = field(default_factory=dict)

    def reads(self, music_task_id: str) -> Window:
        """
        Return the window of one music task.

        :param music_task_id: its id, known or not.
        """
        return self._reads.setdefault(music_task_id, Window(READ_WINDOW))
