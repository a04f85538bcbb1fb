"""How a wait ended, and how that travels from a trigger back to its task."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from airflow_provider_suno import exceptions
from airflow_provider_suno.api.jobs import JobKind, JobRef, JobState, Until
from airflow_provider_suno.api.parsing import is_code, readable_id
from airflow_provider_suno.api.text import excerpt, printable
from airflow_provider_suno.exceptions import (
    SunoContentRejectedError,
    SunoError,
    SunoJobFailedError,
    SunoJobTimeoutError,
    SunoMediaUnavailableError,
    SunoProtocolError,
)

if TYPE_CHECKING:
    from airflow_provider_suno.api.record import JobRecord

_LONGEST_MESSAGE = 6000


class OutcomeKind(StrEnum):
    """How a wait ended."""

    FINISHED = "finished"
    FAILED = "failed"
    TIMEOUT = "timeout"
    GAVE_UP = "gave_up"


_ERRORS: dict[OutcomeKind, tuple[type[SunoError], ...]] = {
    OutcomeKind.FINISHED: (),
    OutcomeKind.FAILED: (SunoJobFailedError, SunoContentRejectedError, SunoMediaUnavailableError),
    OutcomeKind.TIMEOUT: (SunoJobTimeoutError,),
    OutcomeKind.GAVE_UP: (SunoError,),
}
"""What may be the error of an outcome."""


@dataclass(frozen=True)
class Outcome:
    """
    How a wait ended: with a record, or with an error.

    :param kind: finished, failed, timeout or gave_up.
    :param job: what was waited for.
    :param record: the record, cut to what was asked for; of a wait that is not finished, to the part that can be used
        although the job ended badly.
    :param error: why it is not finished.
    :param remark: something odd about a finished one.
    """

    kind: OutcomeKind
    job: JobRef
    record: JobRecord | None = None
    error: SunoError | None = None
    remark: str | None = None

    @property
    def record_failed(self) -> bool:
        """Whether the record itself says that the job ended badly."""
        return self.kind is OutcomeKind.FAILED

    def result(self) -> JobRecord:
        """
        Return the finished record.

        :raises SunoError: the error, when the wait ended without one.
        """
        if self.error is not None:
            raise self.error
        if self.record is None:
            raise self.job.error(
                SunoProtocolError, f"The wait for {self.job} ended with neither a record nor an error."
            )
        return self.record

    def to_event(self) -> dict[str, Any]:
        """Return the plain dict that travels from the trigger to the task."""
        error = self.error
        return {
            "status": self.kind.value,
            self.job.kind.id_parameter: self.job.id,
            self.job.kind.record_key: self.record.to_dict() if self.record else None,
            "error": error
            and {
                "type": type(error).__name__,
                "message": error.message,
                "code": error.code,
                "retry_after": error.retry_after,
            },
        }

    @classmethod
    def from_event(cls, event: Any, kind: JobKind, job_id: str | None = None, until: Until = "all") -> Outcome:
        """
        Read an event back; what is not exactly such an event is an error, never a success.

        :param event: what Airflow handed to the resumed task.
        :param kind: the kind of job that was waited for.
        :param job_id: the job that was waited for, when the task still knows it.
        :param until: what was waited for: with ``first``, a failed job with a part that can be used is finished.
        :raises SunoProtocolError: when the event is not one of ours, or is about another job.
        """
        try:
            about = JobRef(kind, _an_id(event[kind.id_parameter]))
            record, error = event[kind.record_key], event["error"]
            outcome = cls(
                kind=OutcomeKind(event["status"]),
                job=about,
                record=None if record is None else kind.read(_a_dict(record), about.id),
                error=_error_from_event(error, about) if error is not None else None,
            )
        except (KeyError, TypeError, ValueError, SunoProtocolError) as problem:
            raise SunoProtocolError(
                f"The trigger sent an event that is not understood: {excerpt(event, 300)}.",
                job_id=job_id,
            ) from problem
        if not outcome._is_sound(until) or about.id != (job_id or about.id):
            raise SunoProtocolError(
                f"The trigger sent an event that does not fit {kind.noun} {job_id}: {excerpt(event, 300)}.",
                job_id=job_id,
            )
        return outcome

    @classmethod
    def of_another(cls, event: Any, job: JobRef) -> str | None:
        """
        Return which other job of the kind an event of ours is about; ``None`` when it is not ours, or about this one.

        :param event: what Airflow handed to the resumed task.
        :param job: the job that the task waits for now.
        """
        try:
            about = cls.from_event(event, job.kind, until="first").job.id
        except SunoProtocolError:
            return None
        return None if about == job.id else about

    def _is_sound(self, until: Until) -> bool:
        """Return whether it is an end that a wait can have: a finished record, or an error of the right kind."""
        record = self.record
        if self.kind is not OutcomeKind.FINISHED:
            return isinstance(self.error, _ERRORS[self.kind]) and (record is None or self._may_carry(record))
        if self.error is not None or record is None:
            return False
        return self.job.kind.judge(record, until).state is JobState.FINISHED

    def _may_carry(self, record: JobRecord) -> bool:
        """Return whether a wait that is not finished can have this record: a part that can be used of a bad end."""
        if self.job.kind.judge(record, "first").state is not JobState.FINISHED:
            return False
        verdict = self.job.kind.judge(record, "all")
        if self.kind is OutcomeKind.FAILED:
            return type(verdict.error) is type(self.error)
        gave_up = self.kind is OutcomeKind.GAVE_UP and isinstance(self.error, SunoJobFailedError)
        return gave_up and verdict.error is None


def _an_id(value: Any) -> str:
    if not isinstance(value, str) or readable_id(value) != value:
        raise TypeError("no id")
    return value


def _a_dict(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("no record")
    return value


def _error_from_event(error: dict[str, Any], about: JobRef) -> SunoError:
    error_class = getattr(exceptions, error["type"], None)
    message, code, retry_after = error["message"], error["code"], error["retry_after"]
    if not (isinstance(error_class, type) and issubclass(error_class, SunoError)):
        raise TypeError("no error of ours")
    if not (isinstance(message, str) and message.strip() and (code is None or is_code(code))):
        raise TypeError("no message or no code")
    if retry_after is not None and not (type(retry_after) in (int, float) and 0 <= retry_after <= sys.float_info.max):
        raise TypeError("no delay")
    return about.error(error_class, printable(message, _LONGEST_MESSAGE), code=code, retry_after=retry_after)
