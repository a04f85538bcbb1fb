"""Speed up the clocks and the event loop of this process; CPU time is not affected."""

from __future__ import annotations

import asyncio
import selectors
import time

_now, _monotonic = time.time, time.monotonic


def real_monotonic() -> float:
    """Return the machine's own clock, which all processes share."""
    return _monotonic()


def hurry(speed: float) -> None:
    """
    Let :mod:`time`'s clocks run faster from now on.

    :param speed: seconds that pass in one real second.
    """
    now, clock = _now(), _monotonic()
    time.time = lambda: now + (_monotonic() - clock) * speed
    time.monotonic = lambda: clock + (_monotonic() - clock) * speed


def hurried_loop(speed: float) -> asyncio.AbstractEventLoop:
    """
    Return an event loop whose timers keep up with :func:`hurry`.

    :param speed: as given there.
    """
    return asyncio.SelectorEventLoop(_HurriedSelector(speed))


class _HurriedSelector(selectors.DefaultSelector):
    def __init__(self, speed: float) -> None:
        super().__init__()
        self._speed = speed

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(timeout if timeout is None or timeout <= 0 else timeout / self._speed)
