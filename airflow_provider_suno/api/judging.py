"""The error of a failed job, for all kinds: its class by the error code, and its message."""

from __future__ import annotations

from airflow_provider_suno.api.jobs import RUNNING, JobKind, JobState, Verdict
from airflow_provider_suno.api.record import JobRecord
from airflow_provider_suno.api.text import printable
from airflow_provider_suno.exceptions import (
    SunoContentRejectedError,
    SunoError,
    SunoJobFailedError,
    SunoMediaUnavailableError,
    SunoProtocolError,
)

CREDITS_ARE_REFUNDED = "The service refunds the credits of a failed job; a new submission may succeed."

REJECTED = "SENSITIVE_WORD_ERROR"
CALLBACK_EXCEPTION = "CALLBACK_EXCEPTION"

_FAILED_STATUSES = ("FAILED", "_ERROR", "FAIL")

_LONGEST_REASON = 2000
_REJECTED = frozenset({400, 413})
_MEDIA_UNAVAILABLE = 451
_FAILED = frozenset({408, 500, 501, 531})

_ADVICE: dict[type[SunoError], str] = {
    SunoContentRejectedError: "The service refused its text or audio: change the prompt, the lyrics or the source.",
    SunoMediaUnavailableError: "The service could not fetch its source media: check that the URL is public.",
}


def says_failed(status: str) -> bool:
    """Return whether a status, documented or not, says that the job failed."""
    return status.upper().endswith(_FAILED_STATUSES)


def class_of_failure(
    error_code: int | None, *, says_rejected: bool, says_failed: bool, failed: type[SunoJobFailedError]
) -> type[SunoError] | None:
    """
    Return the error class of a failed job, ``None`` when it did not fail. The code decides before the status.

    :param error_code: the record's.
    :param says_rejected: whether the status says that the words or the audio were refused.
    :param says_failed: whether the status says that the job failed.
    :param failed: the class for a failure of this kind of job.
    """
    if error_code in _REJECTED or says_rejected:
        return SunoContentRejectedError
    if error_code == _MEDIA_UNAVAILABLE:
        return SunoMediaUnavailableError
    return failed if error_code in _FAILED or says_failed else None


def advice_on(error_class: type[SunoError]) -> str:
    """Return what to do about a failed job."""
    return _ADVICE.get(error_class, CREDITS_ARE_REFUNDED)


def how_it_ended(noun: str, record: JobRecord) -> str:
    """Return a sentence that says how a job ended, with the service's own words."""
    reason = record.error_message or "; ".join(record.failed_parts()) or "the service gave no reason"
    named = f"{noun[:1].upper()}{noun[1:]} {record.id}"
    why = printable(reason, _LONGEST_REASON)
    return f"{named} ended as {record.status} (error code {record.error_code}: {why})."


def judge_by_status(
    kind: JobKind, record: JobRecord, *, missing: str, may_be_empty: bool, finished_at: frozenset[str]
) -> Verdict:
    """
    Return what a record means whose status is a word: finished once it says so and there is a result.

    It has failed, too, when it says that it has finished, and of each part of the result that it failed.

    :param missing: the field of the API that holds the result, for the error when it is not there.
    :param may_be_empty: whether a finished job may have none.
    :param finished_at: the statuses of a finished job, in capitals.
    """
    status, has_result = record.status.upper(), bool(record.result())
    finished, undelivered = status in finished_at, status == CALLBACK_EXCEPTION
    all_failed = finished and not has_result and bool(record.failed_parts())
    error_class = class_of_failure(
        record.error_code,
        says_rejected=status == REJECTED,
        says_failed=all_failed or says_failed(status),
        failed=kind.failed,
    )
    if error_class is not None:
        advice = advice_on(error_class)
        if has_result:
            advice = (
                f"But it shows a result:{record.result_summary()}. So it may have been charged: look at your balance. "
                "A new submission costs again."
            )
        message = f"{how_it_ended(kind.noun, record)} {advice}"
        error = error_class(message, code=record.error_code, job_id=record.id)
        return Verdict(JobState.FAILED, record=record if has_result else None, error=error)
    if finished and (has_result or may_be_empty):
        return Verdict(JobState.FINISHED, record=record, remarks=tuple(record.remarks()))
    if finished:
        problem = SunoProtocolError(f"The record says {record.status}, but has no {missing}.")
        return Verdict(JobState.RUNNING, error=problem)
    if undelivered and has_result:
        remark = "the service could not deliver its callback (CALLBACK_EXCEPTION), but the result is there"
        return Verdict(JobState.FINISHED, record=record, remarks=(remark, *record.remarks()))
    if undelivered:
        return Verdict(JobState.RUNNING, error_if_it_stays=kind.no_result_after_callback_exception(record.id))
    return RUNNING
