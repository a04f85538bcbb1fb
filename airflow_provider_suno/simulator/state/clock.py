"""The simulated time. It runs at any speed, or changes only when it is set."""

from __future__ import annotations

import time


class Clock:
    """
    The simulated time, in epoch seconds.

    :param speed: simulated seconds per real second. It makes jobs faster, not HTTP.
    :param manual: do not run; only :meth:`set` and :meth:`advance` change the time.
    """

    def __init__(self, *, speed: float = 1.0, manual: bool = False) -> None:
        _require_positive(speed)
        self._speed = speed
        self._manual = manual
        self._reading = time.time()
        self._read_at = time.monotonic()

    @property
    def speed(self) -> float:
        """Simulated seconds per real second while the clock runs."""
        return self._speed

    @property
    def manual(self) -> bool:
        """Whether only :meth:`set` and :meth:`advance` change the time."""
        return self._manual

    def now(self) -> float:
        """Return the simulated time."""
        if self._manual:
            return self._reading
        return self._reading + (time.monotonic() - self._read_at) * self._speed

    def record_time(self) -> float:
        """
        Return the time to show on a record, in epoch seconds.

        A fast clock soon runs hours ahead, but a record must show a plausible time of day. So this is the real time,
        unless the clock is manual.
        """
        return self._reading if self._manual else time.time()

    def request_time(self) -> float:
        """
        Return the time that rate limits use, in seconds; only differences have a meaning.

        The speed does not make requests faster, so this is real time, unless the clock is manual.
        """
        return self._reading if self._manual else time.monotonic()

    def set(self, now: float) -> None:
        """
        Set the time.

        :param now: epoch seconds.
        """
        self._reading = now
        self._read_at = time.monotonic()

    def advance(self, seconds: float) -> None:
        """
        Advance the time.

        :param seconds: simulated seconds; may be negative.
        """
        self.set(self.now() + seconds)

    def run(self, speed: float | None = None) -> None:
        """
        Let the clock run from the present time.

        :param speed: the new speed; None keeps the present one.
        """
        if speed is not None:
            _require_positive(speed)
        self.set(self.now())
        self._speed = self._speed if speed is None else speed
        self._manual = False

    def stop(self) -> None:
        """Stop the clock at the present time."""
        self.set(self.now())
        self._manual = True


def _require_positive(speed: float) -> None:
    if not speed > 0:
        raise ValueError(f"speed must be above 0, not {speed}; use stop() to stop the clock")
