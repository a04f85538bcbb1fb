"""Ctrl-C and its like: one is enough, and everything ends in good order."""

from __future__ import annotations

import signal
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """Somebody asked for the end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def stop_on_signals() -> None:
    """Raise :class:`Stopped` when a signal asks for the end."""
    for number in _SIGNALS:
        signal.signal(number, _stop)


def _stop(number: int, _frame: FrameType | None) -> None:
    # One is enough: ending takes a few seconds and must not be cut short.
    for again in _SIGNALS:
        signal.signal(again, signal.SIG_IGN)
    print("\nEnding everything; this takes a few seconds.", flush=True)
    raise Stopped(number)
