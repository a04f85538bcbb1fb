"""A disturbance made of steps, each of which waits for its moment."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

Step = Callable[[], str | None]
"""Does something if its moment has come, and returns what it did; else None."""


class Steps:
    """
    Steps that follow each other.

    :param steps: in their order.
    """

    def __init__(self, *steps: Step) -> None:
        self._steps = list(steps)
        self.times: list[tuple[float, float]] = []
        """When each step began and was done, in epoch seconds."""
        self.done: list[str] = []
        """What each step did."""

    @property
    def over(self) -> bool:
        """Whether all steps were done."""
        return not self._steps

    def act(self, now: float) -> str | None:  # noqa: ARG002 - as Disturbance has it
        """Do the next step if its moment has come."""
        began = time.time()
        done = self._steps[0]() if self._steps else None
        if done:
            self._steps.pop(0)
            self.times.append((began, time.time()))
            self.done.append(done)
        return done

    def free_lost(self) -> None:
        """Do nothing: Airflow has to find what it lost."""


def after(seconds: float, do: Step, clock: Callable[[], float] = time.monotonic) -> Step:
    """
    Return a step that is done some time after the one before it.

    :param seconds: how long after.
    :param do: the step.
    :param clock: returns seconds.
    """

    def waits() -> Iterator[bool]:
        due = clock() + seconds
        while clock() < due:
            yield False
        while True:
            yield True

    ready = waits()
    return lambda: do() if next(ready) else None
