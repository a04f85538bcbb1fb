"""A disturbance made of steps, each of which waits for its moment."""

from __future__ import annotations

import time
from collections.abc import Callable

Step = Callable[[], str | None]
"""Does something if its moment has come, and returns what it did; else None."""


class Steps:
    """
    Steps that follow each other.

    :param steps: in their order.
    :param may_cost_replies: whether a submission that is under way at a step may lose its reply by it.
    """

    def __init__(self, *steps: Step, may_cost_replies: bool = False) -> None:
        self._to_do = list(steps)
        self._may_cost_replies = may_cost_replies
        self.taken: list[tuple[float, float]] = []
        """When each step began and was done, in epoch seconds."""
        self.done: list[str] = []
        """What each step did."""

    @property
    def times(self) -> list[tuple[float, float]]:
        """From when until when a step could cost the reply to a submission, in epoch seconds."""
        return self.taken if self._may_cost_replies else []

    @property
    def over(self) -> bool:
        """Whether all steps were done."""
        return not self._to_do

    @property
    def missing(self) -> list[str]:
        """What is wrong with the scenario if not all steps were done."""
        if self.over:
            return []
        return [f"only {len(self.done)} of {len(self.done) + len(self._to_do)} steps were done: {self.done}"]

    def act(self, now: float) -> str | None:  # noqa: ARG002 - as Disturbance has it
        """Do the next step if its moment has come."""
        began = time.time()
        done = self._to_do[0]() if self._to_do else None
        if done:
            self._to_do.pop(0)
            self.taken.append((began, time.time()))
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
    due: list[float] = []

    def step() -> str | None:
        if not due:  # the first call is that after the step before
            due.append(clock() + seconds)
        return do() if clock() >= due[0] else None

    return step
