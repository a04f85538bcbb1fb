"""How a wait ended, and how that travels from a trigger back to its task."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from airflow_provider_suno import exceptions
from airflow_provider_suno.api.models import MusicTask
from airflow_provider_suno.exceptions import SunoError, SunoProtocolError


class OutcomeKind(StrEnum):
    """How a wait ended."""

    FINISHED = "finished"
    FAILED = "failed"
    TIMEOUT = "timeout"
    GAVE_UP = "gave_up"


@dataclass(frozen=True)
class Outcome:
    """
    How a wait ended: with a record, or with an error.

    :param kind: finished, failed, timeout or gave_up.
    :param music_task_id: whose wait it was.
    :param music_task: the record, cut to the tracks asked for; only of a finished wait.
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
    def from_event(cls, event: Any, music_task_id: str | None = None) -> Outcome:
        """
        Read an event back; what is not exactly such an event is an error, never a success.

        :param event: what Airflow handed to the resumed task.
        :param music_task_id: the music task that was waited for, when the task still knows it.
        :raises SunoProtocolError: when the event is not one of ours, or is about another music task.
        """
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
                f"The trigger sent an event that is not understood: {str(event)[:300]}.",
                music_task_id=music_task_id,
            ) from problem
        about_another = music_task_id is not None and about != music_task_id
        finished = kind is OutcomeKind.FINISHED
        has_tracks = outcome.music_task is not None and outcome.music_task.finished("first")
        if about_another or finished != has_tracks or finished != (outcome.error is None):
            raise SunoProtocolError(
                f"The trigger sent an event that does not fit music task {music_task_id}: {str(event)[:300]}.",
                music_task_id=music_task_id,
            )
        return outcome


def _error_from_event(error: dict[str, Any], music_task_id: str) -> SunoError:
    error_class = getattr(exceptions, error["type"], None)
    if not (isinstance(error_class, type) and issubclass(error_class, SunoError)):
        raise TypeError(f"no error of ours: {error['type']!r}")
    return error_class(
        str(error["message"]), code=error["code"], music_task_id=music_task_id, retry_after=error["retry_after"]
    )
