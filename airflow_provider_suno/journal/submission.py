"""
Submit a paid job at most once per consent.

The story reads downwards: read the journal, decide, write the intent, send, write the answer. Without a journal (before
Airflow 3.3) every error after the request was sent is fatal instead, so that Airflow does not retry and pay again.
"""

from __future__ import annotations

import secrets
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

import pendulum

from airflow_provider_suno.api.request import ExistingJobId, JobRequest
from airflow_provider_suno.api.text import printable
from airflow_provider_suno.exceptions import (
    SunoConflictError,
    SunoError,
    SunoJournalError,
    SunoLostReplyError,
    SunoValidationError,
)
from airflow_provider_suno.http.retry import Call, delay_before_resubmission
from airflow_provider_suno.journal.entry import (
    Entry,
    Fail,
    Reattach,
    State,
    StoredJob,
    Submit,
    decide,
    describe_request,
    fingerprint_of,
)
from airflow_provider_suno.journal.healing import RecordReader, healed
from airflow_provider_suno.journal.messages import (
    HOW_TO_PAY_AGAIN,
    IF_CLEARED,
    NO_CALLBACK_YET,
    NO_JOURNAL,
    NO_JOURNAL_FOR_ANSWERS,
    lost_by_earlier_try,
    lost_submission,
    made_by_the_first,
    retried_for_callback,
    with_first_lost,
    with_paid_job_hint,
)
from airflow_provider_suno.journal.store import Journal, SendRecorder

if TYPE_CHECKING:
    from airflow_provider_suno.api.jobs import JobKind, OnLostReply
    from airflow_provider_suno.api.request import SunoRequest
    from airflow_provider_suno.http.cancellation import Cancellation


class Sender(RecordReader, Protocol):
    """What a submission needs of the hook."""

    cancellation: Cancellation

    def run(self, request: SunoRequest, around: AbstractContextManager[Any]) -> Any:
        """Send the request, entering ``around`` for each send, and return what the reply holds."""


class CallbackSigner(Protocol):
    """Signs the token in a callback URL that leads to this Airflow."""

    def signed(self, nonce: str) -> str:
        """Return the token of the submission whose entry has this random part."""


@dataclass(frozen=True)
class Submission:
    """
    A paid request to send, unless an earlier try did.

    :param kind: the kind of job that it starts; ``None`` if it is answered at once.
    :param request: the checked request, or the error that it cannot be built for. That error must not stop a retry
        from resuming a job that is paid for.
    :param suno_conn_id: the connection to send it through.
    :param on_lost_reply: ``fail``, or ``resubmit`` once.
    :param callback: signs the callback URL, if that is one of this Airflow.
    :param old_result: a digest of the result that the job's record shows, if the request is about a job that exists.
    """

    kind: JobKind | None
    request: SunoRequest | SunoError
    suno_conn_id: str
    on_lost_reply: OnLostReply
    callback: CallbackSigner | None = None
    old_result: str | None = None

    @property
    def id_parameter(self) -> str | None:
        """The parameter that takes the id of such a job."""
        return None if self.kind is None else self.kind.id_parameter


def submit_once(journal: Journal, submission: Submission, hook: Sender) -> Entry:
    """
    Return the entry with the job, or the answer, of this task instance: that of an earlier try, or a new one.

    :raises SunoLostReplyError: when a job may exist whose id is not known, or an answer may have been charged.
    :raises SunoError: when nothing was submitted.
    """
    found = journal.read()
    journal.refuse_second_submission(found)
    if found is not None and found.is_of_another_kind(submission.kind):
        found = None  # the Dag had another operator under this task_id
    if found is not None:
        found = healed(journal, found, submission.kind, submission.suno_conn_id, hook)
    request = submission.request
    decision = decide(
        found,
        current_try=journal.current_try,
        fingerprint=None if isinstance(request, SunoError) else request_fingerprint(request),
        suno_conn_id=submission.suno_conn_id,
        on_lost_reply=submission.on_lost_reply,
    )
    match decision:
        case Reattach():
            return _reattach(journal, decision, submission)
        case Fail(entry):
            if entry.state is State.INTENT and _callback_may_come(journal, entry):
                lost = lost_by_earlier_try(entry, submission.id_parameter)
                raise retried_for_callback(_journaled(journal, entry, lost))
            message = entry.lost_reply_message or str(lost_by_earlier_try(entry, submission.id_parameter))
            if decision.perhaps_cleared:
                message = f"{message} {IF_CLEARED}"
            if entry.called_back:
                message = f"{message} {NO_CALLBACK_YET}"
            raise _journaled(journal, entry, SunoLostReplyError(message))
        case Submit():  # pragma: no branch - there is no other decision
            return _submit(journal, submission, hook, decision)


def request_fingerprint(request: SunoRequest) -> dict[str, str]:
    """Return a digest of each field of a request as it is sent, and of its call."""
    return fingerprint_of({"call": request.call, **request.sent()})


def mark_clear_used(journal: Journal, kind: JobKind) -> None:
    """
    Record that the clear before this try was used to resume a job by its id. What follows is Airflow's own retry.

    Otherwise a retry without that id would take the clear for consent to pay. The entry stays. An intent that a lost
    worker left becomes ``doubted``, since the person has looked into it.
    """
    try:
        found = journal.read()
        if found is not None and found.state is State.INTENT:
            found = found.in_state(State.DOUBTED, lost_reply_message=str(lost_by_earlier_try(found, kind.id_parameter)))
        if found is not None:
            journal.write(found.model_copy(update={"clear_used": found.state is State.DELIVERED or None}))
    except SunoJournalError as problem:
        journal.log.warning("%s", problem)


def _reattach(journal: Journal, found: Reattach, submission: Submission) -> Entry:
    entry, job, log = found.entry, found.entry.job_ref, journal.log
    problem = submission.request if isinstance(submission.request, SunoError) else None
    if found.cleared and isinstance(problem, SunoValidationError):
        raise with_paid_job_hint(problem, entry)  # the person changed the request to an invalid one
    age = pendulum.duration(seconds=max(1, round((datetime.now(UTC) - entry.at).total_seconds()))).in_words()
    if job is None:
        log.info("%s was answered %s ago, in an earlier try: that answer is used", entry.description, age)
    else:
        log.info("re-attached to %s, submitted %s ago; nothing is submitted", job, age)
    if job is not None and entry.suno_conn_id not in (None, submission.suno_conn_id):
        log.warning(
            "%s was submitted through connection %r, so it is read through that one, not through %r",
            job,
            entry.suno_conn_id,
            submission.suno_conn_id,
        )
    if problem is not None:
        log.warning("cannot tell whether the request was changed since then: %s", problem)
    elif found.changed:
        log.warning("changed since it was submitted, and without effect: %s", printable(", ".join(found.changed), 300))
    if found.perhaps_cleared:
        log.warning("if you cleared this task: %s", HOW_TO_PAY_AGAIN)
    if found.cleared:
        log.info("cleared before the task had succeeded: going on, nothing is charged again; %s", HOW_TO_PAY_AGAIN)
        journal.write(entry)  # with this try's counters: what follows is Airflow's own retry
    return entry


def _submit(journal: Journal, submission: Submission, hook: Sender, decision: Submit) -> Entry:
    request, earlier, log = submission.request, decision.replaces, journal.log
    lost = lost_by_earlier_try(decision.lost, submission.id_parameter) if decision.lost else None
    if isinstance(request, SunoValidationError):
        request = with_paid_job_hint(request, earlier)
    if isinstance(request, SunoError):
        raise with_first_lost(request, lost) from (request.__cause__ if lost is None else request)
    if earlier is not None:
        replaced = earlier.job_ref or earlier.description
        log.info("cleared: submitting anew, which is charged; it replaces %s (state %s)", replaced, earlier.state)
    token = secrets.token_urlsafe(12)
    previous = decision.lost or earlier
    fingerprint = request_fingerprint(request)
    recorder = SendRecorder(
        journal,
        Call.SUBMIT,
        description=describe_request(request.call, request.sent()),
        fingerprint=fingerprint,
        suno_conn_id=submission.suno_conn_id,
        replaced_job=None if previous is None else previous.job_of(fingerprint, submission.suno_conn_id),
        previous=previous,
        token=token,
        called_back=True if submission.callback else None,
        old_result=submission.old_result,
    )
    if isinstance(request, JobRequest) and (submission.callback is not None or journal.persistent):
        request = request.with_callback_token(submission.callback.signed(token) if submission.callback else token)
    if not journal.persistent:
        log.warning(NO_JOURNAL_FOR_ANSWERS if submission.kind is None else NO_JOURNAL)
    delay = 0.0
    while True:
        if lost is not None:
            when = f" in {delay:g} s" if delay else ""
            log.warning("on_lost_reply='resubmit': submitting once more%s, which may pay twice. %s", when, lost)
        try:
            return _send(journal, submission, request, hook, recorder, delay)
        except SunoLostReplyError as error:
            if lost is not None or submission.on_lost_reply != "resubmit":
                final = _journaled(journal, recorder.entry, with_first_lost(error, lost))
                raise _with_way_on(journal, recorder.entry, final, first=lost is None) from error.__cause__
            lost = error
            delay = delay_before_resubmission(error)
        except SunoError as error:
            if submission.kind is not None and isinstance(error, SunoConflictError) and _made_once(request):
                return _existing(journal, submission.kind, recorder.entry, earlier, lost, error)
            if lost is None:
                raise
            raise with_first_lost(error, lost, fatal=not journal.persistent) from error


def _made_once(request: SunoRequest) -> bool:
    """Return whether the service makes the result only once, and refuses a second request for it."""
    return isinstance(request, JobRequest) and bool(request.exists)


def _existing(
    journal: Journal,
    kind: JobKind,
    refused: Entry,
    earlier: Entry | None,
    lost: SunoLostReplyError | None,
    conflict: SunoConflictError,
) -> Entry:
    """
    Return the entry of the job that a clear has replaced, when the service makes its result only once.

    :raises SunoConflictError: when that is not known to be the one: the reply to an earlier submission was lost, or it
        was about something else.
    """
    if refused.replaced_job is not None:
        found = refused.in_state(
            State.SUBMITTED, job=refused.replaced_job, replaced_job=None, existed=True, called_back=None
        )
        job = refused.replaced_job.ref
        journal.write(found)
        journal.submitted_job = job
        journal.log.warning("the service makes this only once, so the earlier job is used: %s. (%s)", job, conflict)
        return found
    if lost is None and earlier is not None and earlier.job is None:
        message = earlier.lost_reply_message or str(lost_by_earlier_try(earlier, kind.id_parameter))
        lost = SunoLostReplyError(message)
    if lost is not None:
        raise made_by_the_first(conflict, lost, kind) from conflict
    raise conflict


def _send(
    journal: Journal, submission: Submission, request: SunoRequest, hook: Sender, recorder: SendRecorder, delay: float
) -> Entry:
    """Send after a delay in seconds, and write the answer before anything else."""
    job: StoredJob | None = None
    known: dict[str, Any] = {}
    try:
        hook.cancellation.pause(delay)
        if delay:
            found = healed(journal, recorder.entry, submission.kind, submission.suno_conn_id, hook)
            if found.state is State.SUBMITTED:
                return found
        known = _known_by(hook.run(request, recorder), submission.kind)
        job = known.get("job")
        if job is not None:
            journal.submitted_job = job.ref
            if "existed" not in known:
                journal.log.info("%s: submitted %s", request.call, job.ref)
        return recorder.record_answer(**known)
    except SunoLostReplyError as lost:
        message = f"{recorder.entry.description}: {lost}"
        raise SunoLostReplyError(message, code=lost.code, retry_after=lost.retry_after) from lost
    except SunoError:
        raise
    except BaseException as interruption:
        if known:
            recorder.record_answer(**known)
            if journal.persistent:
                raise  # the next try re-attaches
            if job is None:
                raise SunoError(
                    f"Interrupted ({interruption!r}) after the answer came. The call is paid for and its answer is not "
                    "kept, so Airflow does not retry: that would pay again.",
                    fatal=True,
                ) from interruption
            raise job.ref.error(
                SunoError,
                f"Interrupted ({interruption!r}). {job.ref.named} is paid for and continues at the service. "
                f"{job.ref.resume_hint}",
                fatal=True,
            ) from interruption
        if not recorder.may_have_happened and not recorder.earlier_reply_lost:
            recorder.roll_back_once()
            raise  # nothing is paid for: the interruption came between two sends
        if journal.persistent and submission.on_lost_reply == "resubmit":
            raise  # the intent stays, and the next try submits once more
        why = f"this try was interrupted before the answer arrived ({interruption!r})."
        raise lost_submission(recorder.entry, submission.id_parameter, why) from interruption


def _known_by(answer: Any, kind: JobKind | None) -> dict[str, Any]:
    """Return what the entry keeps of an answer."""
    if kind is None:
        return {"answer": answer.to_dict()}
    job = StoredJob(kind=kind.name, id=str(answer))
    if isinstance(answer, ExistingJobId):
        return {"job": job, "existed": True, "called_back": None}
    return {"job": job}


def _callback_may_come(journal: Journal, entry: Entry) -> bool:
    """Return whether a retry may find that a callback has named the job of a lost submission."""
    return bool(entry.called_back) and journal.persistent and journal.has_retries


def _with_way_on(journal: Journal, entry: Entry, lost: SunoError, *, first: bool) -> SunoError:
    """Return the error of a lost reply, with what a callback may still change about it."""
    if first and _callback_may_come(journal, entry):
        return retried_for_callback(lost)
    if entry.called_back and journal.persistent:
        return SunoLostReplyError(f"{lost} {NO_CALLBACK_YET}", code=lost.code)
    return lost


def _journaled(journal: Journal, entry: Entry, lost: SunoError) -> SunoError:
    """Write ``doubted``, so that nothing is submitted until a person has looked, and return the error to raise."""
    try:
        journal.record(entry.in_state(State.DOUBTED, lost_reply_message=str(lost)))
    except SunoJournalError as problem:
        # The next try treats an entry that still says "intent" in the same way.
        return SunoLostReplyError(f"{lost} ({problem})", code=lost.code)
    return lost
