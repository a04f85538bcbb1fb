"""End in order on Ctrl-C, SIGTERM and SIGHUP."""

from __future__ import annotations

import signal
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """A signal has asked the program to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def stop_on_signals() -> None:
    """Raise :class:`Stopped` on SIGINT, SIGTERM or SIGHUP."""
    for number in _SIGNALS:
        signal.signal(number, _stop)


def _stop(number: int, _frame: FrameType | None) -> None:
    # Ignore further signals: the cleanup takes a few seconds and must not be interrupted.
    for again in _SIGNALS:
        signal.signal(again, signal.SIG_IGN)
    print("\nEnding everything; this takes a few seconds.", flush=True)
    raise Stopped(number)
