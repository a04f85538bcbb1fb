"""The callbacks that are to be sent: which falls due when, and what is held back."""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from airflow_provider_suno.simulator.jobs.lifecycle import ALL_TRACKS, CALLBACK_EXCEPTION, Stage

if TYPE_CHECKING:
    from airflow_provider_suno.simulator.jobs.music_task import MusicTask

CallbackType = Literal["text", "first", "complete", "error"]


def callback_type_of(stage: Stage) -> CallbackType | None:
    """
    Return which callback tells of a stage, whatever its status is called, or None if none does.

    :param stage: the stage.
    """
    if stage.error_message is not None:
        return "error"
    if stage.rendered >= ALL_TRACKS:
        return "complete"
    if stage.rendered:
        return "first"
    return "text" if stage.announced else None


@dataclass
class CallbackQueue:
    """
    The callbacks of one state that have not been sent.

    :param held: keep what falls due until it is let go.
    :param signing_key: secret to sign them with, or None.
    """

    held: bool = False
    signing_key: str | None = field(default=None, repr=False)
    _planned: list[tuple[float, int, str, CallbackType]] = field(default_factory=list)
    _urgent: list[tuple[str, CallbackType]] = field(default_factory=list)
    _waiting: list[tuple[str, CallbackType]] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def schedule(self, task: MusicTask) -> None:
        """
        Take note of all that a music task will have to tell.

        :param task: the music task.
        """
        if not task.request.get("callBackUrl"):
            return
        told: set[CallbackType] = set()
        for stage in task.lifecycle.stages:
            kind = callback_type_of(stage)
            # A lifecycle that is to end so by order has no receiver.
            if kind is not None and kind not in told and stage.status != CALLBACK_EXCEPTION:
                told.add(kind)
                due = task.created_at + stage.after
                heapq.heappush(self._planned, (due, next(self._numbers), task.music_task_id, kind))

    def take_due(self, now: float) -> list[tuple[str, CallbackType]]:
        """
        Return what is to be sent now: music task and kind of callback.

        :param now: simulated time.
        """
        while self._planned and self._planned[0][0] <= now:
            _, _, music_task_id, kind = heapq.heappop(self._planned)
            self._waiting.append((music_task_id, kind))
        taken, self._urgent = self._urgent, []
        if not self.held:
            taken += self._waiting
            self._waiting = []
        return taken

    def send_now(self, music_task_id: str, kind: CallbackType, times: int) -> None:
        """
        Send a callback now, even while others are held back.

        :param music_task_id: the music task.
        :param kind: the kind.
        :param times: how often.
        """
        self._urgent += [(music_task_id, kind)] * times

    def reverse_held(self) -> None:
        """Put what is held back into the opposite order."""
        self._waiting.reverse()

    def held_back(self) -> list[dict[str, str]]:
        """Return what is held back, as JSON shows it."""
        return [{"music_task_id": music_task_id, "kind": kind} for music_task_id, kind in self._waiting]
