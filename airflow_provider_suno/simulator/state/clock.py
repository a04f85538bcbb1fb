"""The simulator's time: as fast as one likes, or standing still until it is moved."""

from __future__ import annotations

import time


class Clock:
    """
    Tell the simulated time, in epoch seconds.

    :param speed: simulated seconds per real second. It shortens the lives of music tasks, never HTTP.
    :param manual: stand still; time moves only by :meth:`set` and :meth:`advance`.
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
        """Whether the clock stands still between calls of :meth:`set` and :meth:`advance`."""
        return self._manual

    def now(self) -> float:
        """Return the simulated time."""
        if self._manual:
            return self._reading
        return self._reading + (time.monotonic() - self._read_at) * self._speed

    def record_time(self) -> float:
        """
        Return the time to print on a record.

        A hurried clock soon runs hours ahead of the reader's; what is printed must still look like the time
        of day, so only a clock that is moved by hand prints its own time.
        """
        return self._reading if self._manual else time.time()

    def request_time(self) -> float:
        """
        Return the time that limits of so many requests a second go by; only differences mean anything.

        Requests are not hurried along with the songs, so this is real time, unless the clock is moved by hand.
        """
        return self._reading if self._manual else time.monotonic()

    def set(self, now: float) -> None:
        """
        Put the clock at a time.

        :param now: epoch seconds.
        """
        self._reading = now
        self._read_at = time.monotonic()

    def advance(self, seconds: float) -> None:
        """
        Move the clock on.

        :param seconds: simulated seconds; may be negative.
        """
        self.set(self.now() + seconds)

    def run(self, speed: float | None = None) -> None:
        """
        Let the clock run by itself from its present reading.

        :param speed: the new speed; ``None`` keeps the old one.
        """
        if speed is not None:
            _require_positive(speed)
        self.set(self.now())
        self._speed = self._speed if speed is None else speed
        self._manual = False

    def stop(self) -> None:
        """Stop the clock at its present reading."""
        self.set(self.now())
        self._manual = True


def _require_positive(speed: float) -> None:
    if not speed > 0:
        raise ValueError(f"speed must be above 0, not {speed}; hold the clock to stop time")
