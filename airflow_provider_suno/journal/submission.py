"""Submit a paid job at most once per consent: by the journal where there is one, else by letting nothing be retried."""

from __future__ import annotations

import secrets
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

import pendulum

from airflow_provider_suno.api.text import printable
from airflow_provider_suno.exceptions import (
    SunoError,
    SunoJournalError,
    SunoLostReplyError,
    SunoValidationError,
)
from airflow_provider_suno.http.retry import Call, delay_before_resubmission, lost_reply
from airflow_provider_suno.journal.entry import (
    Entry,
    JobNote,
    OnLostReply,
    Reattach,
    State,
    Stop,
    Submit,
    decide,
    described,
    fingerprint_of,
)
from airflow_provider_suno.journal.store import KEY, Journal, JournaledSends
from airflow_provider_suno.polling.worker import Log

if TYPE_CHECKING:
    from airflow_provider_suno.api.jobs import JobKind
    from airflow_provider_suno.api.request import JobRequest, SunoRequest

_UNPROTECTED = (
    "Not protected: this Airflow keeps nothing for a task across its tries (3.3 and later do), so a worker that is "
    "lost without a word while it submits or waits would be followed by a retry that pays again. Submit with retries=0 "
    "and wait_for_completion=False, and wait in a MusicTaskSensor, whose retries cost nothing."
)

_NEW_SONG = f"for a new song delete {KEY} in this task instance's Storage tab (Task State Store), and clear again"

_PERHAPS_CLEARED = (
    "(If you have cleared the task already: its retries were changed, or other tasks of the run were cleared, so that "
    f"this may be Airflow's own retry. Clear it once more, or first delete {KEY} in its Storage tab.)"
)


class Sender(Protocol):
    """What a submission needs of the hook."""

    def send(self, request: JobRequest, around: AbstractContextManager[Any]) -> str:
        """Send the request, and return the id of the job."""

    def pause(self, seconds: float) -> None:
        """Wait, fewer seconds when the task is killed meanwhile."""


@dataclass(frozen=True)
class Submission:
    """
    A paid job that a task is to have submitted.

    :param kind: the kind of job.
    :param request: the checked request; or why it cannot be built, which must not keep a try from a job that is paid
        for.
    :param suno_conn_id: the connection that it goes through.
    :param on_lost_reply: ``fail``, or ``resubmit`` once.
    """

    kind: JobKind
    request: JobRequest | SunoError
    suno_conn_id: str
    on_lost_reply: OnLostReply

    def fingerprint(self) -> dict[str, str] | None:
        """Return the request's; ``None`` when it could not be built."""
        return None if isinstance(self.request, SunoError) else request_fingerprint(self.request)


def submit_once(journal: Journal, submission: Submission, sender: Sender, log: Log) -> Entry:
    """
    Return the job of this task instance: the one that an earlier try paid for, or a new one.

    :param journal: that of the task instance.
    :param submission: what to submit.
    :param sender: who sends it.
    :param log: the task's.
    :raises SunoLostReplyError: when a job may exist whose id is not known.
    :raises SunoError: when nothing was submitted.
    """
    found = journal.read()
    journal.refuse_another_of_this_try(found)
    if found is not None and found.made and not found.is_of(submission.kind):
        found = None  # another operator stood at this task's place
    decision = decide(
        found,
        this_try=journal.this_try,
        fingerprint=submission.fingerprint(),
        suno_conn_id=submission.suno_conn_id,
        on_lost_reply=submission.on_lost_reply,
    )
    match decision:
        case Reattach():
            return _reattach(journal, decision, submission, log)
        case Stop(entry):
            lost = SunoLostReplyError(entry.doubt) if entry.doubt else _lost_by_an_earlier_try(entry, submission.kind)
            if decision.perhaps_cleared:
                lost = SunoLostReplyError(f"{lost} {_PERHAPS_CLEARED}")
            raise _in_doubt(journal, entry, lost)
        case Submit():  # pragma: no branch - there is no other decision
            return _submit(journal, submission, sender, decision, log)


def request_fingerprint(request: SunoRequest) -> dict[str, str]:
    """Return a digest of each field of a request as it is sent, and of the call that it is sent by."""
    return fingerprint_of({"call": request.call, **request.sent()})


def answer_clear(journal: Journal, kind: JobKind, log: Log) -> None:
    """
    Let the clear that led to a job being handed in be answered: what follows it is Airflow's own retry.

    Else a retry that is no longer given the job would take the clear for its consent. The entry itself stays; what a
    lost worker left is a doubt from now on, which the person has looked into.

    :param journal: that of the task instance.
    :param kind: the kind of job.
    :param log: the task's.
    """
    try:
        found = journal.read()
        if found is not None and found.state is State.INTENT:
            found = found.moved_to(State.DOUBTED, doubt=str(_lost_by_an_earlier_try(found, kind)))
        if found is not None:
            journal.write(found.model_copy(update={"handed_in": found.state is State.DELIVERED or None}))
    except SunoJournalError as problem:
        log.warning("%s", problem)


def _reattach(journal: Journal, found: Reattach, submission: Submission, log: Log) -> Entry:
    entry, job = found.entry, found.entry.job_ref
    problem = submission.request if isinstance(submission.request, SunoError) else None
    if found.cleared and isinstance(problem, SunoValidationError):
        raise with_paid_job(problem, entry)  # the request was changed, to one that is wrong
    age = pendulum.duration(seconds=max(1, round((datetime.now(UTC) - entry.at).total_seconds()))).in_words()
    log.info("re-attached to %s, submitted %s ago; nothing is submitted", job, age)
    if entry.suno_conn_id not in (None, submission.suno_conn_id):
        log.warning(
            "%s was submitted through connection %r, so it is read through that one, not through %r",
            job,
            entry.suno_conn_id,
            submission.suno_conn_id,
        )
    if problem is not None:
        log.warning("whether the request was changed since then cannot be told: %s", problem)
    elif found.changed:
        log.warning("changed since it was submitted, and without effect: %s", printable(", ".join(found.changed), 300))
    if found.perhaps_cleared:
        log.warning("if you have cleared this task to pay for a new song: %s", _NEW_SONG)
    if found.cleared:
        log.info(
            "this task was cleared, but the journal knows of no delivery yet, so the song is not paid for again; %s",
            _NEW_SONG,
        )
        # The clear is answered: what follows it is Airflow's own retry.
        journal.write(entry)
    return entry


def with_paid_job(problem: SunoValidationError, entry: Entry | None) -> SunoValidationError:
    """
    Return what is wrong with the arguments, with the job that an earlier try has paid for, if there is one.

    :param problem: what is wrong.
    :param entry: what the journal holds.
    """
    job = None if entry is None or entry.state is not State.SUBMITTED else entry.job_ref
    if job is None:
        return problem
    return SunoValidationError(
        f"{problem} {job.named}, which an earlier try submitted, is paid for: mend the argument and clear the task, or "
        f"set {job.as_parameter}; neither costs anything."
    )


def _submit(journal: Journal, submission: Submission, sender: Sender, decision: Submit, log: Log) -> Entry:
    request = submission.request
    doubt = _lost_by_an_earlier_try(decision.lost, submission.kind) if decision.lost else None
    if isinstance(request, SunoValidationError):
        request = with_paid_job(request, decision.replaces)
    if isinstance(request, SunoError):
        raise _with_doubt(request, doubt) from (request.__cause__ if doubt is None else request)
    if decision.replaces is not None:
        earlier = decision.replaces
        log.info("cleared: a new song in the place of %s (%s)", earlier.job_ref or earlier.what, earlier.state)
    fingerprint, token = request_fingerprint(request), secrets.token_urlsafe(12)
    if journal.protects:
        request = request.with_callback_token(token)
    else:
        log.warning(_UNPROTECTED)
    sends = JournaledSends(
        journal,
        Call.SUBMIT,
        what=described(request.call, request.sent()),
        fingerprint=fingerprint,
        suno_conn_id=submission.suno_conn_id,
        before=decision.lost or decision.replaces,
        token=token,
    )
    gap = 0.0
    while True:
        if doubt is not None:
            soon = f" in {gap:g} s" if gap else ""
            log.warning("on_lost_reply='resubmit': submitting once more%s, which may pay twice. %s", soon, doubt)
        try:
            return _send(journal, submission, request, sender, sends, log, after=gap)
        except SunoLostReplyError as lost:
            if doubt is not None or submission.on_lost_reply != "resubmit":
                raise _in_doubt(journal, sends.entry, _with_doubt(lost, doubt)) from lost.__cause__
            doubt = lost
            gap = delay_before_resubmission(lost)
        except SunoError as error:
            if doubt is None:
                raise
            raise _with_doubt(error, doubt, fatal=not journal.protects) from error


def _send(
    journal: Journal,
    submission: Submission,
    request: JobRequest,
    sender: Sender,
    sends: JournaledSends,
    log: Log,
    *,
    after: float,
) -> Entry:
    """Send after some seconds, and write down the answer before anything else."""
    job: JobNote | None = None
    try:
        sender.pause(after)
        job = JobNote(kind=submission.kind.name, id=sender.send(request, sends))
        log.info("%s: submitted %s", request.call, job.ref)
        return sends.made(job=job)
    except SunoLostReplyError as lost:
        raise SunoLostReplyError(f"{sends.entry.what}: {lost}", code=lost.code, retry_after=lost.retry_after) from lost
    except SunoError:
        raise
    except BaseException as interruption:
        if job is not None:
            sends.made(job=job)
            if journal.protects:
                raise  # and the next try re-attaches
            raise job.ref.error(
                SunoError,
                f"Interrupted ({interruption!r}). {job.ref.named} is paid for and goes on at the service. "
                f"{job.ref.resume_hint}",
                fatal=True,
            ) from interruption
        if not sends.under_way and not sends.in_doubt:
            sends.take_back_at_once()
            raise  # such as between two sends: surely nothing is paid for
        interrupted = _lost_by_interruption(sends.entry, submission.kind, interruption)
        if journal.protects and submission.on_lost_reply == "resubmit":
            raise  # the intent stays, and the next try submits once more
        raise interrupted from interruption


def _with_doubt(error: SunoError, doubt: SunoLostReplyError | None, *, fatal: bool = False) -> SunoError:
    """Return the error of a second submission, which says that the first one is in doubt all the same."""
    if doubt is None:
        return error
    message = f"The second submission failed: {error} The first one: {doubt}"
    return type(error)(message, code=error.code, retry_after=error.retry_after, fatal=error.fatal or fatal)


def _lost_by_an_earlier_try(entry: Entry, kind: JobKind) -> SunoLostReplyError:
    which = f"try {entry.try_number}" if entry.try_number else "that try"
    why = (
        f"{which} ended before an answer was written down; its log may name the job, or perhaps it never got as far as "
        "sending."
    )
    sent = f"{entry.what}, sent at {entry.sent_at} by an earlier try"
    return lost_reply(Call.SUBMIT, sent, why, id_parameter=kind.id_parameter)


def _lost_by_interruption(intent: Entry, kind: JobKind, interruption: BaseException) -> SunoLostReplyError:
    why = f"this try was interrupted while it was under way ({interruption!r})."
    sent = f"{intent.what}, sent at {intent.sent_at}"
    return lost_reply(Call.SUBMIT, sent, why, id_parameter=kind.id_parameter)


def _in_doubt(journal: Journal, entry: Entry, lost: SunoError) -> SunoError:
    """Write down that a person has to look, and return the error that says so."""
    try:
        journal.record(entry.moved_to(State.DOUBTED, doubt=str(lost)))
    except SunoJournalError as problem:
        # An entry that still says "intent" means the same to the next try.
        return SunoLostReplyError(f"{lost} ({problem})", code=lost.code)
    return lost
