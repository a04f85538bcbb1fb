"""What a record, or the refusal to read one, means for kinds of jobs: among others the error of a failed job."""

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

_FAILED_STATUSES = ("_FAILED", "_ERROR", "FAIL")

_LONGEST_REASON = 2000
_REJECTED = frozenset({400, 413})
_MEDIA_UNAVAILABLE = 451
_FAILED = frozenset({408, 500, 501, 531})

_ADVICE: dict[type[SunoError], str] = {
    SunoContentRejectedError: "The service refused its text or audio: change the prompt, the lyrics or the source.",
    SunoMediaUnavailableError: "The service could not fetch its source media: check that the URL is public.",
}


def says_record_does_not_exist(error: SunoError) -> bool:
    """Return whether a read was refused because the service does not know the id: code 422 and these words."""
    return error.code == 422 and "record does not exist" in error.message.lower()


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
    why = printable(record.error_message or "the service gave no reason", _LONGEST_REASON)
    named = f"{noun[:1].upper()}{noun[1:]} {record.id}"
    return f"{named} ended as {record.status} (error code {record.error_code}: {why})."


def failure_of(
    noun: str, record: JobRecord, *, says_failed: bool, failed: type[SunoJobFailedError] = SunoJobFailedError
) -> SunoError | None:
    """Return why a job failed, ``None`` when it did not; the other arguments are those of :func:`class_of_failure`."""
    error_class = class_of_failure(
        record.error_code, says_rejected=record.status == REJECTED, says_failed=says_failed, failed=failed
    )
    if error_class is None:
        return None
    advice = advice_on(error_class)
    if record.result():
        advice = (
            f"But it shows a result:{record.result_summary()}. So it may have been charged: look at your balance. A "
            "new submission costs again."
        )
    message = f"{how_it_ended(noun, record)} {advice}"
    return error_class(message, code=record.error_code, job_id=record.id)


def judge_by_status(
    kind: JobKind, record: JobRecord, *, missing: str, finished_at: frozenset[str] = frozenset({"SUCCESS"})
) -> Verdict:
    """
    Return what a record means whose status is a word: finished once it says so and there is a result.

    :param missing: the field of the API that holds the result, for the error when it is not there.
    :param finished_at: the statuses of a finished job.
    """
    failure = failure_of(kind.noun, record, says_failed=record.status.upper().endswith(_FAILED_STATUSES))
    finished, exists = record.status in finished_at, bool(record.result())
    if failure is not None:
        return Verdict(JobState.FAILED, record=record if exists else None, error=failure)
    if exists and (finished or record.status == CALLBACK_EXCEPTION):
        remark = "the service could not deliver its callback (CALLBACK_EXCEPTION), but the result is there"
        return Verdict(JobState.FINISHED, record=record, remarks=() if finished else (remark,))
    if finished:
        problem = SunoProtocolError(f"The record says {record.status}, but has no {missing}.")
        return Verdict(JobState.RUNNING, error=problem)
    if record.status == CALLBACK_EXCEPTION:
        return Verdict(JobState.RUNNING, error_if_it_stays=kind.no_result_after_callback_exception(record.id))
    return RUNNING
