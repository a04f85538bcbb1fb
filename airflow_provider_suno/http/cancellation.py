"""A request to stop, shared by everything that one task does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_LONGEST_NAP = 1.0
"""Seconds: a signal handler cannot end a sleep, so this is how late a pause may end."""


class Cancellation:
    """
    Ask running code to stop, from a signal handler or from another thread.

    It has no lock: a handler that waits for a lock of the code it interrupted would wait for ever, and a
    ``threading.Event`` has one.
    """

    def __init__(self) -> None:
        self.requested = False
        self._actions: list[Callable[[], None]] = []

    def request(self) -> None:
        """Ask to stop: end pauses, and break off what :meth:`breaking_off` registered."""
        self.requested = True
        for action in list(self._actions):
            action()

    def pause(self, seconds: float) -> None:
        """Sleep for some seconds, but return within one second once a stop is requested."""
        while seconds > 0 and not self.requested:
            nap = min(seconds, _LONGEST_NAP)
            time.sleep(nap)
            seconds -= nap

    @contextmanager
    def breaking_off(self, action: Callable[[], None]) -> Iterator[None]:
        """Call an action, in the signal handler, when a stop is requested while the block runs."""
        self._actions.append(action)
        try:
            yield
        finally:
            self._actions.remove(action)
