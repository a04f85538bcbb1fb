"""The queue of callbacks that have not been sent yet."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field

from airflow_provider_suno.simulator.jobs.callback import Callback, CallbackStage


@dataclass
class CallbackQueue:
    """
    The callbacks of an account that have not been sent yet.

    :param held: keep callbacks that are due until this is false again.
    :param signing_key: secret to sign them with, or None.
    """

    held: bool = False
    signing_key: str | None = field(default=None, repr=False)
    _known: dict[tuple[str, CallbackStage], Callback] = field(default_factory=dict)
    _scheduled: list[tuple[float, int, Callback]] = field(default_factory=list)
    _due: list[Callback] = field(default_factory=list)
    _requested: list[Callback] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def schedule(self, callbacks: Iterable[Callback]) -> None:
        """
        Schedule callbacks, each for the time at which it is due.

        :param callbacks: all callbacks of a job.
        """
        for callback in callbacks:
            self._known[callback.job_id, callback.stage] = callback
            if callback.due_at is not None:
                heapq.heappush(self._scheduled, (callback.due_at, next(self._numbers), callback))

    def find(self, job_id: str, stage: CallbackStage) -> Callback | None:
        """
        Return a callback of a job, sent or not. None if the job has no such callback.

        :param stage: what the callback reports.
        """
        return self._known.get((job_id, stage))

    def take_due(self, now: float) -> list[Callback]:
        """
        Remove the callbacks to send now, and return them.

        :param now: simulated time.
        """
        while self._scheduled and self._scheduled[0][0] <= now:
            self._due.append(heapq.heappop(self._scheduled)[2])
        taken, self._requested = self._requested, []
        if not self.held:
            taken += self._due
            self._due = []
        return taken

    def send_now(self, callback: Callback, times: int) -> None:
        """
        Send a callback at once, even if it is not due and while others are held.

        :param times: how often.
        """
        self._requested += [callback] * times

    def reverse_held(self) -> None:
        """Reverse the order of the callbacks that are held."""
        self._due.reverse()

    def held_back(self) -> list[dict[str, str]]:
        """Return the callbacks that are held, as JSON."""
        return [{"job_kind": held.job_kind, "job_id": held.job_id, "stage": held.stage} for held in self._due]
