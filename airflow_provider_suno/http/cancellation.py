"""How a call, a sleep or an upload ends early: the task that made it was killed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_LONGEST_SLEEP = 1.0
"""Seconds: a signal handler cannot end a sleep, so a pause is cut into short ones."""


class Cancellation:
    """
    Tell the work of one task that it was killed.

    :param sleep: sleeps for some seconds.
    """

    def __init__(self, sleep: Callable[[float], None] = time.sleep) -> None:
        self.requested = False
        self._sleep = sleep
        self._break_off: Callable[[], None] | None = None

    def request(self) -> None:
        """Ask all work to end; may be called from a signal handler."""
        self.requested = True
        if self._break_off is not None:
            self._break_off()

    def pause(self, seconds: float) -> None:
        """
        Sleep, at most until the work is asked to end.

        :param seconds: how long.
        """
        while seconds > 0 and not self.requested:
            step = min(seconds, _LONGEST_SLEEP)
            self._sleep(step)
            seconds -= step

    @contextmanager
    def breaking_off(self, break_off: Callable[[], None]) -> Iterator[None]:
        """
        Call a function when the work is asked to end within the block.

        :param break_off: ends what the block waits for.
        """
        self._break_off = break_off
        try:
            yield
        finally:
            self._break_off = None
