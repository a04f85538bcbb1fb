"""The queue of callbacks that have not been sent yet."""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass, field

from airflow_provider_suno.simulator.jobs.callback import CallbackType, callback_type_of
from airflow_provider_suno.simulator.jobs.lifecycle import CALLBACK_EXCEPTION
from airflow_provider_suno.simulator.jobs.music_task import MusicTask


@dataclass
class CallbackQueue:
    """
    The callbacks of an account that have not been sent yet.

    :param held: keep callbacks that are due until this is false again.
    :param signing_key: secret to sign them with, or None.
    """

    held: bool = False
    signing_key: str | None = field(default=None, repr=False)
    _scheduled: list[tuple[float, int, str, CallbackType]] = field(default_factory=list)
    _due: list[tuple[str, CallbackType]] = field(default_factory=list)
    _requested: list[tuple[str, CallbackType]] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def schedule(self, task: MusicTask) -> None:
        """
        Schedule all callbacks of a music task.

        :param task: the music task.
        """
        if not task.request.get("callBackUrl"):
            return
        scheduled: set[CallbackType] = set()
        for stage in task.lifecycle.stages:
            kind = callback_type_of(stage)
            # A prompt that asks for CALLBACK_EXCEPTION means that this callback is never received.
            if kind is not None and kind not in scheduled and stage.status != CALLBACK_EXCEPTION:
                scheduled.add(kind)
                due_at = task.created_at + stage.after
                heapq.heappush(self._scheduled, (due_at, next(self._numbers), task.music_task_id, kind))

    def take_due(self, now: float) -> list[tuple[str, CallbackType]]:
        """
        Remove the callbacks to send now, and return the music task and the kind of each.

        :param now: simulated time.
        """
        while self._scheduled and self._scheduled[0][0] <= now:
            _, _, music_task_id, kind = heapq.heappop(self._scheduled)
            self._due.append((music_task_id, kind))
        taken, self._requested = self._requested, []
        if not self.held:
            taken += self._due
            self._due = []
        return taken

    def send_now(self, music_task_id: str, kind: CallbackType, times: int) -> None:
        """
        Send a callback at once, even if it is not due and while others are held.

        :param music_task_id: the music task.
        :param kind: the kind.
        :param times: how often.
        """
        self._requested += [(music_task_id, kind)] * times

    def reverse_held(self) -> None:
        """Reverse the order of the callbacks that are held."""
        self._due.reverse()

    def held_back(self) -> list[dict[str, str]]:
        """Return the callbacks that are held, as JSON."""
        return [{"music_task_id": music_task_id, "kind": kind} for music_task_id, kind in self._due]
