"""How a wait ended, and how that travels from a trigger back to its task."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from airflow_provider_suno import exceptions
from airflow_provider_suno.api.parsing import is_code, readable_id
from airflow_provider_suno.api.text import plain, shown
from airflow_provider_suno.exceptions import (
    SunoContentRejectedError,
    SunoError,
    SunoMediaUnavailableError,
    SunoMusicTaskFailedError,
    SunoMusicTaskTimeoutError,
    SunoProtocolError,
)

if TYPE_CHECKING:
    from airflow_provider_suno.api.endpoints.music import MusicTask
    from airflow_provider_suno.api.jobs import Until

_LONGEST_MESSAGE = 6000


class OutcomeKind(StrEnum):
    """How a wait ended."""

    FINISHED = "finished"
    FAILED = "failed"
    TIMEOUT = "timeout"
    GAVE_UP = "gave_up"


_ERRORS: dict[OutcomeKind, tuple[type[SunoError], ...]] = {
    OutcomeKind.FINISHED: (),
    OutcomeKind.FAILED: (SunoMusicTaskFailedError, SunoContentRejectedError, SunoMediaUnavailableError),
    OutcomeKind.TIMEOUT: (SunoMusicTaskTimeoutError,),
    OutcomeKind.GAVE_UP: (SunoError,),
}
"""What may be the error of an outcome."""


@dataclass(frozen=True)
class Outcome:
    """
    How a wait ended: with a record, or with an error.

    :param kind: finished, failed, timeout or gave_up.
    :param music_task_id: whose wait it was.
    :param music_task: the record, cut to the tracks asked for; of a wait that is not finished, to the tracks that can
        be played although the job ended badly.
    :param error: why it is not finished.
    :param remark: something odd about a finished one.
    """

    kind: OutcomeKind
    music_task_id: str
    music_task: MusicTask | None = None
    error: SunoError | None = None
    remark: str | None = None

    @property
    def record_failed(self) -> bool:
        """Whether the record itself says that the job ended badly."""
        return self.kind is OutcomeKind.FAILED

    def result(self) -> MusicTask:
        """
        Return the finished record.

        :raises SunoError: the error, when the wait ended without one.
        """
        if self.error is not None:
            raise self.error
        if self.music_task is None:
            raise SunoProtocolError(
                f"The wait for music task {self.music_task_id} ended with neither a record nor an error.",
                music_task_id=self.music_task_id,
            )
        return self.music_task

    def to_event(self) -> dict[str, Any]:
        """Return the plain dict that travels from the trigger to the task."""
        error = self.error
        return {
            "status": self.kind.value,
            "music_task_id": self.music_task_id,
            "music_task": self.music_task.to_dict() if self.music_task else None,
            "error": error
            and {
                "type": type(error).__name__,
                "message": error.message,
                "code": error.code,
                "retry_after": error.retry_after,
            },
        }

    @classmethod
    def from_event(cls, event: Any, music_task_id: str | None = None, until: Until = "all") -> Outcome:
        """
        Read an event back; what is not exactly such an event is an error, never a success.

        :param event: what Airflow handed to the resumed task.
        :param music_task_id: the music task that was waited for, when the task still knows it.
        :param until: what was waited for: with ``first``, a failed job with a track that can be played is finished.
        :raises SunoProtocolError: when the event is not one of ours, or is about another music task.
        """
        from airflow_provider_suno.api.endpoints.music import MusicTask

        try:
            kind = OutcomeKind(event["status"])
            about = event["music_task_id"]
            record, error = event["music_task"], event["error"]
            outcome = cls(
                kind=kind,
                music_task_id=about,
                music_task=MusicTask.model_validate(record) if record is not None else None,
                error=_error_from_event(error, about) if error is not None else None,
            )
        except (KeyError, TypeError, ValueError) as problem:
            raise SunoProtocolError(
                f"The trigger sent an event that is not understood: {shown(event, 300)}.",
                music_task_id=music_task_id,
            ) from problem
        if not outcome._is_sound(until) or about != (music_task_id or about):
            raise SunoProtocolError(
                f"The trigger sent an event that does not fit music task {music_task_id}: {shown(event, 300)}.",
                music_task_id=music_task_id,
            )
        return outcome

    @classmethod
    def of_another(cls, event: Any, music_task_id: str) -> str | None:
        """
        Return which other music task an event of ours is about; ``None`` when it is not ours, or about this one.

        :param event: what Airflow handed to the resumed task.
        :param music_task_id: the music task that the task waits for now.
        """
        try:
            about = cls.from_event(event, until="first").music_task_id
        except SunoProtocolError:
            return None
        return None if about == music_task_id else about

    def _is_sound(self, until: Until) -> bool:
        """Return whether it is an end that a wait can have: a record with audio, or an error of the right kind."""
        if not isinstance(self.music_task_id, str) or readable_id(self.music_task_id) != self.music_task_id:
            return False
        record = self.music_task
        if record is not None and record.music_task_id != self.music_task_id:
            return False
        if self.kind is not OutcomeKind.FINISHED:
            return isinstance(self.error, _ERRORS[self.kind]) and (record is None or self._may_carry(record))
        if self.error is not None or record is None or not record.finished("first"):
            return False
        return until == "first" or record.failure() is None

    def _may_carry(self, record: MusicTask) -> bool:
        """Return whether a wait that is not finished can have this record: tracks to play, of a job that ended so."""
        if not record.complete:
            return False
        if self.kind is OutcomeKind.FAILED:
            return type(record.failure()) is type(self.error)
        gave_up = self.kind is OutcomeKind.GAVE_UP and isinstance(self.error, SunoMusicTaskFailedError)
        return gave_up and record.callback_failed


def _error_from_event(error: dict[str, Any], music_task_id: str) -> SunoError:
    error_class = getattr(exceptions, error["type"], None)
    message, code, retry_after = error["message"], error["code"], error["retry_after"]
    if not (isinstance(error_class, type) and issubclass(error_class, SunoError)):
        raise TypeError("no error of ours")
    if not (isinstance(message, str) and message.strip() and (code is None or is_code(code))):
        raise TypeError("no message or no code")
    if retry_after is not None and not (type(retry_after) in (int, float) and 0 <= retry_after <= sys.float_info.max):
        raise TypeError("no delay")
    return error_class(
        plain(message, _LONGEST_MESSAGE), code=code, music_task_id=music_task_id, retry_after=retry_after
    )
