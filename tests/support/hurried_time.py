"""Let time run faster for some modules and for an event loop; sockets and threads take their real time."""

from __future__ import annotations

import asyncio
import selectors
import time


class HurriedTime:
    """
    A stand-in for the module :mod:`time`.

    :param speed: seconds that pass in one real second.
    """

    def __init__(self, speed: float) -> None:
        self.speed = speed
        self._now, self._clock = time.time(), time.monotonic()

    def time(self) -> float:
        """Return epoch seconds."""
        return self._now + self.monotonic() - self._clock

    def monotonic(self) -> float:
        """Return the seconds of a clock that never goes back."""
        return self._clock + (time.monotonic() - self._clock) * self.speed

    def loop(self) -> asyncio.AbstractEventLoop:
        """Return an event loop that uses this time."""
        return _HurriedLoop(self)


class _HurriedLoop(asyncio.SelectorEventLoop):
    def __init__(self, hurried: HurriedTime) -> None:
        self._hurried = hurried
        super().__init__(_HurriedSelector(hurried.speed))

    def time(self) -> float:
        return self._hurried.monotonic()


class _HurriedSelector(selectors.DefaultSelector):
    def __init__(self, speed: float) -> None:
        super().__init__()
        self._speed = speed

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(timeout if timeout is None or timeout <= 0 else timeout / self._speed)
