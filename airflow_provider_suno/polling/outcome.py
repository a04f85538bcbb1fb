"""How a wait ended, and how a trigger sends that to its task."""

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
"""The errors that an outcome of each kind may have."""


@dataclass(frozen=True)
class Outcome:
    """
    How a wait ended: with a record, or with an error.

    :param kind: finished, failed, timeout or gave_up.
    :param job: the job.
    :param record: the record, cut to what was asked for; beside an error, cut to the tracks (or other parts) that can
        be used although the job failed.
    :param error: why there is no result.
    :param remark: what is unusual about the result.
    """

    kind: OutcomeKind
    job: JobRef
    record: JobRecord | None = None
    error: SunoError | None = None
    remark: str | None = None

    @property
    def record_failed(self) -> bool:
        """Whether the record itself says that the job failed."""
        return self.kind is OutcomeKind.FAILED

    @property
    def is_refunded(self) -> bool:
        """Whether the record says that the job failed, and no part of it can be used: its credits come back."""
        return self.record_failed and self.record is None

    def result(self) -> JobRecord:
        """Return the finished record, or raise the error."""
        if self.error is not None:
            raise self.error
        if self.record is None:
            raise self.job.error(
                SunoProtocolError, f"The wait for {self.job} ended with neither a record nor an error."
            )
        return self.record

    def to_event(self) -> dict[str, Any]:
        """Return the trigger's event, a plain dict."""
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
        Read an event; anything but a well-formed event of our trigger is an error, never a success.

        :param event: what Airflow hands to the resumed task.
        :param job_id: the job, if the task knows it.
        :param until: what was waited for; with ``first``, a failed job with a part that can be used is finished.
        :raises SunoProtocolError: when the event is malformed or about another job.
        """
        try:
            found_id, record, error = event[kind.id_parameter], event[kind.record_key], event["error"]
            if not isinstance(found_id, str) or readable_id(found_id) != found_id:
                raise TypeError("no id")
            if not isinstance(record, (dict, type(None))):
                raise TypeError("no record")
            job = JobRef(kind, found_id)
            outcome = cls(
                kind=OutcomeKind(event["status"]),
                job=job,
                record=None if record is None else kind.read(record, job.id),
                error=None if error is None else _error_from_event(error, job),
            )
        except (KeyError, TypeError, ValueError, SunoProtocolError) as problem:
            raise SunoProtocolError(
                f"The trigger sent an event that is not understood: {excerpt(event, 300)}.", job_id=job_id
            ) from problem
        if not outcome._is_consistent(until) or job.id != (job_id or job.id):
            raise SunoProtocolError(
                f"The trigger sent an event that does not fit {kind.noun} {job_id}: {excerpt(event, 300)}.",
                job_id=job_id,
            )
        return outcome

    @classmethod
    def of_another(cls, event: Any, job: JobRef) -> str | None:
        """Return the id of the other job that an event is about; ``None`` when it is malformed or about this job."""
        try:
            job_id = cls.from_event(event, job.kind, until="first").job.id
        except SunoProtocolError:
            return None
        return None if job_id == job.id else job_id

    def _is_consistent(self, until: Until) -> bool:
        """Return whether kind, record and error fit: a finished record, or an error of the right class."""
        record = self.record
        if self.kind is not OutcomeKind.FINISHED:
            return isinstance(self.error, _ERRORS[self.kind]) and (record is None or self._may_carry(record))
        if self.error is not None or record is None:
            return False
        return self.job.kind.judge(record, until).state is JobState.FINISHED

    def _may_carry(self, record: JobRecord) -> bool:
        """Return whether the record can stand beside the error: parts that can be used of a job that failed."""
        verdict = self.job.kind.judge(record, "all")
        if self.kind is OutcomeKind.FAILED:
            return verdict.record is not None and type(verdict.error) is type(self.error)
        if self.job.kind.judge(record, "first").state is not JobState.FINISHED:
            return False
        gave_up = self.kind is OutcomeKind.GAVE_UP and isinstance(self.error, SunoJobFailedError)
        return gave_up and verdict.error is None


def _error_from_event(error: dict[str, Any], job: JobRef) -> SunoError:
    error_class = getattr(exceptions, error["type"], None)
    message, code, retry_after = error["message"], error["code"], error["retry_after"]
    if not (isinstance(error_class, type) and issubclass(error_class, SunoError)):
        raise TypeError("no error of ours")
    if not (isinstance(message, str) and message.strip() and (code is None or is_code(code))):
        raise TypeError("no message or no code")
    if retry_after is not None and not (type(retry_after) in (int, float) and 0 <= retry_after <= sys.float_info.max):
        raise TypeError("no delay")
    return job.error(error_class, printable(message, _LONGEST_MESSAGE), code=code, retry_after=retry_after)
