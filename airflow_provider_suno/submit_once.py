"""Submit a paid job at most once per consent: by the journal where there is one, else by letting nothing be retried."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pendulum
from airflow.providers.common.compat.sdk import AirflowFailException, TaskDeferred

from airflow_provider_suno.api.retry import Call, delay_before_resubmission, lost_reply
from airflow_provider_suno.api.shown import plain
from airflow_provider_suno.exceptions import (
    SunoError,
    SunoJournalError,
    SunoLostReplyError,
    SunoMusicTaskFailedError,
    SunoValidationError,
)
from airflow_provider_suno.journal import KEY, Journal, Sending
from airflow_provider_suno.submission import (
    Entry,
    OnLostReply,
    Reattach,
    State,
    Stop,
    Submit,
    decide,
    described,
    fingerprint_of,
)
from airflow_provider_suno.waiting import Log

if TYPE_CHECKING:
    from airflow_provider_suno.api.request_model import SunoRequest
    from airflow_provider_suno.api.requests import MusicRequest
    from airflow_provider_suno.client import Watch

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


@dataclass(frozen=True)
class Submission:
    """
    A paid job that a task is to have submitted.

    :param call: the name of the call.
    :param suno_conn_id: the connection that it goes through.
    :param on_lost_reply: ``fail``, or ``resubmit`` once.
    :param build: returns the checked request; sends nothing that costs.
    :param send: sends a request under the eyes of a watch, and returns the ``music_task_id``.
    :param pause: waits some seconds, fewer when the task is killed meanwhile.
    """

    call: str
    suno_conn_id: str
    on_lost_reply: OnLostReply
    build: Callable[[], MusicRequest]
    send: Callable[[MusicRequest, Watch], str]
    pause: Callable[[float], None]


def submit_once(journal: Journal, submission: Submission, log: Log) -> Entry:
    """
    Return the job of this task instance: the one that an earlier try paid for, or a new one.

    :param journal: that of the task instance.
    :param submission: what to submit.
    :param log: the task's.
    :raises SunoLostReplyError: when a job may exist whose id is not known.
    :raises SunoError: when nothing was submitted.
    """
    found = journal.read()
    journal.refuse_another_of_this_try(found)
    if found is not None and found.persona is not None:
        found = None  # another operator stood at this task's place
    built = _built(submission)
    decision = decide(
        found,
        attempt=journal.attempt,
        fingerprint=None if isinstance(built, SunoError) else request_fingerprint(built),
        suno_conn_id=submission.suno_conn_id,
        on_lost_reply=submission.on_lost_reply,
    )
    match decision:
        case Reattach():
            problem = built if isinstance(built, SunoError) else None
            return _reattach(journal, decision, submission, problem, log)
        case Stop(entry):
            lost = SunoLostReplyError(entry.doubt) if entry.doubt else _lost_by_an_earlier_try(entry)
            if decision.perhaps_cleared:
                lost = SunoLostReplyError(f"{lost} {_PERHAPS_CLEARED}")
            raise _in_doubt(journal, entry, lost)
        case Submit():
            doubt = _lost_by_an_earlier_try(decision.lost) if decision.lost else None
            if isinstance(built, SunoValidationError):
                built = with_paid_job(built, decision.replaces)
            if isinstance(built, SunoError):
                raise _with_doubt(built, doubt) from (built.__cause__ if doubt is None else built)
            return _submit(journal, submission, built, decision, doubt, log)


def request_fingerprint(request: SunoRequest) -> dict[str, str]:
    """Return a digest of each field of a request as it is sent, and of the call that it is sent by."""
    return fingerprint_of({"call": request.call, **request.sent()})


def _built(submission: Submission) -> MusicRequest | SunoError:
    """Return the request, or why it cannot be built: that must not keep a try from a job that is paid for."""
    try:
        return submission.build()
    except SunoError as error:
        return error


def answer_clear(journal: Journal, log: Log) -> None:
    """
    Let the clear that led to a job being handed in be answered: what follows it is Airflow's own retry.

    Else a retry that is no longer given the job would take the clear for its consent. The entry itself stays; what a
    lost worker left is a doubt from now on, which the person has looked into.

    :param journal: that of the task instance.
    :param log: the task's.
    """
    try:
        found = journal.read()
        if found is not None and found.state is State.INTENT:
            found = found.moved_to(State.DOUBTED, doubt=str(_lost_by_an_earlier_try(found)))
        if found is not None:
            journal.write(found.model_copy(update={"handed_in": found.state is State.DELIVERED or None}))
    except SunoJournalError as problem:
        log.warning("%s", problem)


def _reattach(journal: Journal, found: Reattach, submission: Submission, problem: SunoError | None, log: Log) -> Entry:
    entry = found.entry
    if found.cleared and isinstance(problem, SunoValidationError):
        raise with_paid_job(problem, entry)  # the request was changed, to one that is wrong
    age = pendulum.duration(seconds=max(1, round((datetime.now(UTC) - entry.at).total_seconds()))).in_words()
    log.info("re-attached to music task %s, submitted %s ago; nothing is submitted", entry.music_task_id, age)
    if entry.suno_conn_id not in (None, submission.suno_conn_id):
        log.warning(
            "music task %s was submitted through connection %r, so it is read through that one, not through %r",
            entry.music_task_id,
            entry.suno_conn_id,
            submission.suno_conn_id,
        )
    if problem is not None:
        log.warning("whether the request was changed since then cannot be told: %s", problem)
    elif found.changed:
        log.warning("changed since it was submitted, and without effect: %s", plain(", ".join(found.changed), 300))
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
    if entry is None or entry.state is not State.SUBMITTED or entry.music_task_id is None:
        return problem
    return SunoValidationError(
        f"{problem} Music task {entry.music_task_id}, which an earlier try submitted, is paid for: mend the argument "
        f"and clear the task, or set music_task_id={entry.music_task_id!r}; neither costs anything."
    )


def _submit(
    journal: Journal,
    submission: Submission,
    request: MusicRequest,
    decision: Submit,
    doubt: SunoLostReplyError | None,
    log: Log,
) -> Entry:
    fingerprint = request_fingerprint(request)
    token = secrets.token_urlsafe(12)
    if journal.protects:
        request = request.with_callback_token(token)
    else:
        log.warning(_UNPROTECTED)
    if decision.replaces is not None:
        earlier = decision.replaces
        log.info("cleared: a new song in the place of %s (%s)", earlier.music_task_id or earlier.what, earlier.state)
    sending = Sending(
        journal,
        what=described(submission.call, request.sent()),
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
            return _send(journal, submission, request, sending, log, after=gap)
        except SunoLostReplyError as lost:
            if doubt is not None or submission.on_lost_reply != "resubmit":
                raise _in_doubt(journal, sending.entry, _with_doubt(lost, doubt)) from lost.__cause__
            doubt = lost
            gap = delay_before_resubmission(lost)
        except SunoError as error:
            if doubt is None:
                raise
            both = _with_doubt(error, doubt)
            both.fatal = both.fatal or not journal.protects
            raise both from error


def _send(
    journal: Journal, submission: Submission, request: MusicRequest, sending: Sending, log: Log, *, after: float
) -> Entry:
    """Send after some seconds, and write down the answer before anything else."""
    music_task_id: str | None = None
    try:
        submission.pause(after)
        music_task_id = submission.send(request, sending)
        log.info("%s: submitted music task %s", submission.call, music_task_id)
        return sending.made(music_task_id=music_task_id)
    except SunoLostReplyError as lost:
        raise SunoLostReplyError(
            f"{sending.entry.what}: {lost}", code=lost.code, retry_after=lost.retry_after
        ) from lost
    except SunoError:
        raise
    except BaseException as interruption:
        if music_task_id is not None:
            sending.made(music_task_id=music_task_id)
            if journal.protects:
                raise  # and the next try re-attaches
            raise AirflowFailException(
                f"Interrupted ({interruption!r}). Music task {music_task_id} is paid for and goes on at the service: "
                f"music_task_id={music_task_id!r} takes it up."
            ) from interruption
        if not sending.under_way and not sending.in_doubt:
            sending.take_back_at_once()
            raise  # such as between two sends: surely nothing is paid for
        interrupted = _lost_by_interruption(sending.entry, interruption)
        if not journal.protects:
            raise AirflowFailException(str(interrupted)) from interruption
        if submission.on_lost_reply == "resubmit":
            raise  # the intent stays, and the next try submits once more
        raise interrupted from interruption


def _with_doubt(error: SunoError, doubt: SunoLostReplyError | None) -> SunoError:
    """Return the error of a second submission, which says that the first one is in doubt all the same."""
    if doubt is None:
        return error
    message = f"The second submission failed: {error} The first one: {doubt}"
    both = type(error)(message, code=error.code, retry_after=error.retry_after)
    both.fatal = error.fatal
    return both


def _lost_by_an_earlier_try(entry: Entry) -> SunoLostReplyError:
    which = f"try {entry.try_number}" if entry.try_number else "that try"
    why = (
        f"{which} ended before an answer was written down; its log may name the job, or perhaps it never got as far as "
        "sending."
    )
    return lost_reply(Call.SUBMIT, f"{entry.what}, sent at {entry.sent_at} by an earlier try", why)


def _lost_by_interruption(intent: Entry, interruption: BaseException) -> SunoLostReplyError:
    why = f"this try was interrupted while it was under way ({interruption!r})."
    return lost_reply(Call.SUBMIT, f"{intent.what}, sent at {intent.sent_at}", why)


def _in_doubt(journal: Journal, entry: Entry, lost: SunoError) -> SunoError:
    """Write down that a person has to look, and return the error that says so."""
    try:
        journal.record(entry.moved_to(State.DOUBTED, doubt=str(lost)))
    except SunoJournalError as problem:
        # An entry that still says "intent" means the same to the next try.
        return SunoLostReplyError(f"{lost} ({problem})", code=lost.code)
    return lost


@contextmanager
def fatal_unless_protected(journal: Journal, way_on: Callable[[], str]) -> Iterator[None]:
    """
    Without a journal, let no error after a paid call lead to a retry, which would pay again.

    What the record says of a failed job passes: its credits are given back.

    :param journal: whether there is one.
    :param way_on: says how to go on with what was paid for.
    """
    try:
        yield
    except (TaskDeferred, AirflowFailException, SunoMusicTaskFailedError):
        raise
    except BaseException as error:
        if journal.protects:
            raise
        hint = way_on()
        goes_on = "" if hint in str(error) else f" It goes on at the service: {hint} takes it up."
        raise AirflowFailException(
            f"{str(error) or repr(error)}{goes_on} It is paid for, and a retry would pay again, so there is none."
        ) from error
