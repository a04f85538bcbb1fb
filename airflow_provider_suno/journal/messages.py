"""What a submission says to people: its errors and warnings, as functions of the entry and of what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_suno.exceptions import (
    SunoConflictError,
    SunoError,
    SunoLostReplyError,
    SunoValidationError,
)
from airflow_provider_suno.http.retry import Call, lost_reply
from airflow_provider_suno.journal.entry import Entry, State
from airflow_provider_suno.journal.store import KEY

if TYPE_CHECKING:
    from airflow_provider_suno.api.jobs import JobKind

NO_JOURNAL = (
    "This job may be paid for twice: Airflow before 3.3 keeps no state for a task across its tries. If the worker is "
    "killed while it submits or waits, Airflow's retry submits and pays again. Submit with retries=0 and "
    "wait_for_completion=False, and wait in a sensor (MusicTaskSensor, JobSensor), whose retries cost nothing."
)
NO_JOURNAL_FOR_ANSWERS = (
    "This call may be paid for twice: Airflow before 3.3 keeps no state for a task across its tries. If the worker is "
    "killed while it waits for the answer, Airflow's retry sends the call and pays again. Give the task retries=0."
)
CALLBACK_DELAY = 120.0
"""Seconds after a lost reply until a retry looks for a callback."""

NO_CALLBACK_YET = (
    "(No callback has named the job yet. If one comes later, clearing the task resumes that job instead of paying: "
    "wait some minutes before you clear it.)"
)
HOW_TO_PAY_AGAIN = f"to pay anew, delete {KEY} in this task instance's Storage tab (Task State Store), and clear again"
IF_CLEARED = (
    "(If you cleared the task to submit anew: `retries` was changed, or other tasks of the run were cleared, so this "
    "may as well be Airflow's own retry, which must not pay again. Clear it once more, or first delete "
    f"{KEY} in its Storage tab.)"
)


def with_paid_job_hint(problem: SunoValidationError, entry: Entry | None) -> SunoValidationError:
    """Return a problem with the arguments, extended by how to resume the job that an earlier try paid for, if any."""
    job = None if entry is None or entry.state is not State.SUBMITTED else entry.job_ref
    if job is None:
        return problem
    return SunoValidationError(
        f"{problem} {job.named}, which an earlier try submitted, is paid for. Correct the argument and clear the task, "
        f"or set {job.as_parameter}; neither costs anything."
    )


def retried_for_callback(lost: SunoError) -> SunoLostReplyError:
    """Return the error of a lost reply that Airflow retries once, when the callback has had time to come."""
    return SunoLostReplyError(
        f"Do not clear this task yet, which could pay twice. A callback may still name the job: Airflow retries in "
        f"about {CALLBACK_DELAY:g} s to look for it, and submits nothing. {lost}",
        code=lost.code,
        retry_after=CALLBACK_DELAY,
        fatal=False,
    )


def with_first_lost(error: SunoError, first: SunoLostReplyError | None, *, fatal: bool = False) -> SunoError:
    """Return the error of a second submission, extended by the lost reply to the first."""
    if first is None:
        return error
    message = f"The second submission failed: {error} The first one: {first}"
    return type(error)(message, code=error.code, retry_after=error.retry_after, fatal=error.fatal or fatal)


def made_by_the_first(conflict: SunoConflictError, first: SunoLostReplyError, kind: JobKind) -> SunoConflictError:
    """Return the error of a second submission that was refused, most likely since the first one made the job."""
    error = SunoConflictError(
        f"Our own first submission probably made the {kind.noun}: its reply was lost, and the second one was refused "
        f"because the {kind.noun} exists. The second one is not charged. Look for the id on the service's own log "
        f"page, and set {kind.id_parameter}=... to use it. ({conflict} The first submission: {first})",
        code=conflict.code,
    )
    error.after_lost_reply = True
    return error


def lost_by_earlier_try(entry: Entry, id_parameter: str | None) -> SunoLostReplyError:
    """Return the error of a submission that an earlier try left without an answer."""
    which = f"try {entry.try_number}" if entry.try_number else "that try"
    log = "Its log may name the job, or it" if id_parameter else "It"
    why = f"{which} ended before it wrote an answer. {log} may have ended before it sent."
    return lost_submission(entry, id_parameter, why, by=" by an earlier try")


def lost_submission(entry: Entry, id_parameter: str | None, why: str, *, by: str = "") -> SunoLostReplyError:
    """
    Return the error of a submission whose reply is lost.

    :param id_parameter: the parameter that takes the id of such a job, if it is one.
    :param why: what happened, as a sentence.
    :param by: who sent it, if not this try.
    """
    sent = f"{entry.description}, sent at {entry.sent_at}{by}"
    return lost_reply(Call.SUBMIT, sent, why, id_parameter=id_parameter)
