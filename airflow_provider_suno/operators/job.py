"""What all operators share that submit a job: submit once, hand the id on at once, perhaps wait."""

from __future__ import annotations

import time
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, get_args

from airflow.providers.common.compat.sdk import AirflowNotFoundException, conf

from airflow_provider_suno.api.fields import blank_is_none, checked_id, checked_seconds
from airflow_provider_suno.api.jobs import JobKind, JobRef, job_kind
from airflow_provider_suno.api.text import excerpt
from airflow_provider_suno.exceptions import (
    SunoError,
    SunoJobFailedError,
    SunoJournalError,
    SunoUnavailableError,
    SunoValidationError,
)
from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.journal.entry import Entry, OnLostReply
from airflow_provider_suno.journal.store import Journal
from airflow_provider_suno.journal.submission import Submission, mark_clear_used, submit_once, with_paid_job_hint
from airflow_provider_suno.operators.journaled import JournaledOperator
from airflow_provider_suno.polling.outcome import Outcome
from airflow_provider_suno.polling.wait import Wait, check_wait
from airflow_provider_suno.polling.worker import (
    log_finished,
    log_progress,
    poll_once,
    poll_until_known,
    push_partial_result,
    wait_in_worker,
)
from airflow_provider_suno.task.arguments import empty_arguments, refuse_empty, refuse_non_flags
from airflow_provider_suno.task.failure import (
    fatal_after_payment,
    raise_for_airflow,
    retry_is_useless,
    with_errors_for_airflow,
)
from airflow_provider_suno.task.names import default_of
from airflow_provider_suno.task.waiting import WaitingTask

if TYPE_CHECKING:
    from airflow.sdk import Context, XComArg

    from airflow_provider_suno.api.request import JobRequest
    from airflow_provider_suno.task.parameters import OperatorArguments

    class SubmitArguments(OperatorArguments, total=False):
        """What every operator takes that submits a job."""

        suno_conn_id: str | XComArg
        wait_for_completion: bool
        deferrable: bool
        wait_timeout: float | timedelta | XComArg
        poll_interval: float | XComArg | None
        on_lost_reply: OnLostReply | XComArg

    class JobArguments(SubmitArguments, total=False):
        """What every operator takes that submits a job of another kind than music."""

        job_id: str | XComArg | None


DEFERRABLE_BY_DEFAULT = conf.getboolean("operators", "default_deferrable", fallback=False)

_FLAGS = ("wait_for_completion", "deferrable")


class SubmitJobOperator(WaitingTask, JournaledOperator):
    """
    Submit one paid job and return its result, or its id; the base class of the operators that submit.

    On Airflow 3.3 and later the task instance keeps a journal (``suno_submission`` in its Storage tab), so that a job
    is paid for once:

    - A *retry* by Airflow resumes the job that an earlier try paid for. It submits only when surely no job exists, or
      when the record says that the job failed, since failed jobs are refunded.
    - A *lost reply* (the answer to a submission never arrived) is handled as ``on_lost_reply`` says.
    - A *clear* resumes a job that was not delivered yet. After a success, a change of the request or a lost reply it
      submits a new job, which costs again.
    - A *kill*, also by marking the task, ends the wait, not the job: the API has no cancel. The log names the id, and a
      clear resumes the job.
    - A *timeout* (``wait_timeout``, or ``execution_timeout``, which holds while deferred too) ends the try. The next
      try resumes the job with a fresh deadline.

    Before Airflow 3.3 there is no journal. Every error after the submission is fatal and names the id. A retry after a
    lost worker pays again, and a clear submits a new job.

    Each field of ``request_type`` is a parameter. All requests have two: ``callback_url``, where the service posts its
    progress (``None``: the connection's; the journal's token is added to its query as ``suno_submission``), and
    ``extra_fields``, fields that the API added since, under its own names, sent unchecked.

    :param job_id: a job that is paid for already, to resume it: nothing is submitted. Operators that make music call
        it ``music_task_id``.
    :param suno_conn_id: the connection.
    :param wait_for_completion: wait here, and push the record as an XCom.
    :param deferrable: wait in the triggerer instead of the worker.
    :param wait_timeout: seconds from the start of this try's wait to
        :class:`~airflow_provider_suno.exceptions.SunoJobTimeoutError`, which is retried.
    :param poll_interval: the longest gap between two polls, in seconds; ``None`` is adaptive.
    :param on_lost_reply: when the answer to the submission is lost, so that it may have been charged: ``fail``, or
        ``resubmit`` once per try, a minute later, which may pay twice.
    """

    request_type: ClassVar[type[JobRequest]]
    id_parameter: ClassVar[str] = "job_id"

    template_fields: Sequence[str] = ("suno_conn_id", "wait_timeout", "poll_interval", "on_lost_reply")
    template_fields_renderers: ClassVar[dict[str, str]] = {"extra_fields": "json"}
    also_checked = ("task_id", *_FLAGS)

    _hook: SunoHook

    def __init__(
        self,
        *,
        suno_conn_id: str | XComArg = SunoHook.default_conn_name,
        wait_for_completion: bool = True,
        deferrable: bool = DEFERRABLE_BY_DEFAULT,
        wait_timeout: float | timedelta | XComArg = 1200,
        poll_interval: float | XComArg | None = None,
        on_lost_reply: OnLostReply | XComArg = "fail",
        **arguments: Any,
    ) -> None:
        self.wait_for_completion = wait_for_completion
        self.deferrable = deferrable
        self.wait_timeout = wait_timeout
        self.poll_interval = poll_interval
        self.on_lost_reply: OnLostReply = on_lost_reply  # type: ignore[assignment]  # once rendered
        self._job_id: str | None = None
        self._submitted_at: float | None = None
        super().__init__(suno_conn_id=suno_conn_id, **arguments)

    @classmethod
    def fields(cls) -> dict[str, Any]:
        """Return the fields of the request, and the parameter that takes the id of a job to go on with."""
        return {**super().fields(), cls.id_parameter: None}

    @property
    def job_kind(self) -> JobKind:
        """The kind of job that it submits."""
        return job_kind(self.request_type.kind)

    def returned(self, outcome: Outcome) -> Any:
        """
        Return what the task returns.

        :param outcome: the outcome of a wait that finished well.
        """
        return outcome.result().result()

    def push(self, context: Context, outcome: Outcome) -> None:
        """
        Push what a finished wait has found.

        :param context: the try's context.
        :param outcome: the outcome of a wait that finished well.
        """
        context["ti"].xcom_push(key=self.job_kind.record_key, value=outcome.result().to_dict())

    @with_errors_for_airflow
    def execute(self, context: Context) -> Any:
        """Resume the job that is given or that an earlier try paid for, else submit one; wait for it if asked to."""
        hook = self._hook = self.open_hook()
        empty = empty_arguments(self, context, optional_texts=self.request_type.optional_texts())
        try:
            # A wrong request must not keep a retry from resuming a job that is paid for: it is checked in _submit.
            waiting = self._arguments_of_the_wait()
            refuse_empty({name: empty[name] for name in empty if name in waiting or not self._submits})
            self.check_parameters({name: getattr(self, name) for name in (*self.template_fields, *_FLAGS)})
        except SunoValidationError as problem:
            raise self._with_paid_job(problem, context) from None
        if self._submits:
            entry = self._submit(context, hook, empty)
            job = entry.job_ref
            if job is None:
                raise AssertionError("a submission that went well has a job")
            hook = self._hook_of_the_job(entry, job)
        else:
            job = self._given_job(context, hook)
        with self._paid(job.id):
            context["ti"].xcom_push(key=self.id_parameter, value=job.id)
            result = self._wait(context, hook, job) if self.wait_for_completion else job.id
            self.stop_if_killed()
        return result

    def execute_complete(self, context: Context, event: Any = None) -> Any:
        """Go on after the trigger's event; anything that is not such an event is an error."""
        return self.complete(context, event, self._job_id)

    @with_errors_for_airflow
    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Resume after a deferral; one that Airflow itself ended is an outcome like any other."""
        return super().resume_execution(next_method, next_kwargs, context)

    @contextmanager
    def resumed_job(self, context: Context) -> Iterator[str | None]:
        """Go on under the same protection as before the deferral: the job is paid for."""
        if self._submits:
            self.journal = Journal.of(context, self.log)
        with self._paid(None):
            ti = context["ti"]
            self._job_id = ti.xcom_pull(task_ids=ti.task_id, key=self.id_parameter, map_indexes=ti.map_index)
            yield self._job_id

    def what_goes_on(self) -> str:
        """Name the job, once it is known."""
        if self._job_id is None:
            return f"Nothing more is sent. If the XCom {self.id_parameter} names a job, that goes on at the service."
        job = JobRef(self.job_kind, self._job_id)
        return f"The API has no cancel: {job} goes on at the service. {job.resume_hint}"

    @property
    def _given_id(self) -> Any:
        return blank_is_none(getattr(self, self.id_parameter))

    @property
    def _submits(self) -> bool:
        return self._given_id is None

    @classmethod
    def _arguments_of_the_wait(cls) -> frozenset[str]:
        """Return the arguments that are no part of the request."""
        return frozenset({"suno_conn_id", "wait_timeout", "poll_interval", "until", "on_lost_reply", cls.id_parameter})

    def _given_job(self, context: Context, hook: SunoHook) -> JobRef:
        """Return the job that the user gave. Without a wait its record is read once, to refuse an id that is wrong."""
        job = JobRef(self.job_kind, checked_id(self.id_parameter, self._given_id))
        mark_clear_used(Journal.of(context, self.log), self.job_kind)
        if not self.wait_for_completion:
            record = poll_until_known(hook.client, job, self.log)
            self.log.info("%s is known to the service: %s", job, record.state_word)
        return job

    @classmethod
    def check_literals(cls, known: Mapping[str, Any], later: Collection[str]) -> None:
        """Check what is known when the Dag is parsed."""
        cls.check_parameters(known)
        _warn_of_no_wait({"wait_for_completion": default_of(cls, "wait_for_completion"), **known})
        if cls.id_parameter in later or blank_is_none(known.get(cls.id_parameter)) is not None:
            return  # nothing will be submitted
        fields = cls.request_type.field_names()
        cls.request_type.check_known(
            {name: known[name] for name in fields if name in known}, [name for name in fields if name in later]
        )

    @classmethod
    def check_parameters(cls, known: Mapping[str, Any]) -> None:
        """
        Check how to wait, as far as it is known, before any money is spent.

        :param known: the arguments that are known.
        :raises SunoValidationError: names what is wrong.
        """
        refuse_non_flags(known, _FLAGS)
        policy = known.get("on_lost_reply", "fail")
        if policy not in get_args(OnLostReply):
            raise SunoValidationError(f"on_lost_reply: must be one of {get_args(OnLostReply)}, got {excerpt(policy)}.")
        job_id = blank_is_none(known.get(cls.id_parameter))
        if job_id is not None:
            checked_id(cls.id_parameter, job_id)
        check_wait(
            timeout=known.get("wait_timeout", 0),
            timeout_name="wait_timeout",
            until=known.get("until", "all"),
            poll_interval=known.get("poll_interval"),
        )

    @property
    def longest_wait(self) -> float:
        """The seconds that a wait lasts at most."""
        return checked_seconds("wait_timeout", self.wait_timeout, zero=True)

    def _begin_wait(self, job_id: str) -> Wait:
        return Wait.begin(
            self.job_kind,
            job_id,
            now=time.time(),
            timeout=self.wait_timeout,
            timeout_name="wait_timeout",
            until=self.until,
            poll_interval=self.poll_interval,
            submitted_at=self._submitted_at,
        )

    def build_request(self, hook: SunoHook) -> JobRequest:
        """Return the checked request; submits nothing."""
        return hook.build(self.request_type, self.request_fields())

    def _with_paid_job(self, problem: SunoValidationError, context: Context) -> SunoValidationError:
        """Return what is wrong with the arguments, and the job that an earlier try has paid for, if there is one."""
        with suppress(SunoJournalError):
            return with_paid_job_hint(problem, Journal.of(context, self.log).read())
        return problem

    def _hook_of_the_job(self, entry: Entry, job: JobRef) -> SunoHook:
        """Return the hook of the connection that the job was submitted through."""
        same = entry.suno_conn_id in (None, self.suno_conn_id)
        hook = self._hook if same else self.open_hook(entry.suno_conn_id)
        try:
            _ = hook.settings
        except (AirflowNotFoundException, SunoError) as problem:
            raise SunoValidationError(
                f"{job.named} is paid for, but connection {hook.suno_conn_id!r}, which it was submitted through, "
                f"cannot be used any more ({problem}). Mend it and clear this task, or set {job.as_parameter} with a "
                "connection to the same account."
            ) from problem
        return hook

    def _submit(self, context: Context, hook: SunoHook, empty: Mapping[str, str]) -> Entry:
        """Return the job of this task instance, submitted now or by an earlier try."""
        self.journal = Journal.of(context, self.log)
        request: JobRequest | SunoError
        try:
            refuse_empty(empty)
            request = self.build_request(hook)
        except SunoError as problem:
            request = problem
        except AirflowNotFoundException as missing:
            request = SunoUnavailableError(f"There is no connection {self.suno_conn_id!r}. ({missing})")
        submission = Submission(self.job_kind, request, self.suno_conn_id, self.on_lost_reply)
        try:
            entry = submit_once(self.journal, submission, self)
        except SunoJournalError as problem:
            if problem.job_id is not None:
                self._push_unknown_job(context, problem.job_id)
            raise
        self._submitted_at = entry.at.timestamp()
        return entry

    def send(self, request: JobRequest, around: AbstractContextManager[Any]) -> str:
        """
        Send a request and return the id of the job; a kill after that names it.

        :param request: the request.
        :param around: a context manager that is entered for each send.
        """
        self._job_id = self._hook.submit(request, around)
        return self._job_id

    def pause(self, seconds: float) -> None:
        """
        Sleep before a second submission; a kill ends it.

        :param seconds: how long.
        """
        self.cancellation.pause(seconds)

    def _push_unknown_job(self, context: Context, job_id: str) -> None:
        """Push the id of a job that the journal does not know, unless a newer try has pushed its own."""
        ti = context["ti"]
        try:
            if ti.xcom_pull(task_ids=ti.task_id, key=self.id_parameter, map_indexes=ti.map_index) is None:
                ti.xcom_push(key=self.id_parameter, value=job_id)
        except Exception as problem:  # noqa: BLE001  # the error that led here matters more
            self.log.warning("the XCom %s could not be pushed: %r", self.id_parameter, problem)

    def _wait(self, context: Context, hook: SunoHook, job: JobRef) -> Any:
        wait = self._begin_wait(job.id)
        outcome: Outcome | None = None
        if not self.deferrable:
            outcome = wait_in_worker(hook.client, wait, self.log)
            self.stop_if_killed()
        elif wait.next_poll_at() <= time.time():
            step = poll_once(hook.client, wait)
            if isinstance(step, Outcome):
                outcome = step
            else:
                log_progress(self.log, step)
                wait = step.wait
        if outcome is None:
            self.defer_wait(wait, context, hook.suno_conn_id)
        return self.deliver(context, outcome)

    def deliver(self, context: Context, outcome: Outcome) -> Any:
        """Push the result and return what the task returns, or raise the error."""
        if outcome.error is not None:
            if outcome.record_failed and outcome.record is None and self.journal is not None:
                self.journal.drop()
            push_partial_result(context, outcome, self.log)
            if outcome.record_failed or isinstance(outcome.error, SunoJobFailedError):
                raise_for_airflow(outcome.error, fatal=retry_is_useless(outcome, submitted_here=self._submits))
            raise outcome.error
        log_finished(self.log, outcome)
        self.push(context, outcome)
        return self.returned(outcome)

    @contextmanager
    def _paid(self, job_id: str | None) -> Iterator[None]:
        """
        Without a journal, let no error within the block lead to a retry, which would pay again.

        :param job_id: the job; ``None`` when it is found within the block.
        """
        self._job_id = job_id
        journaled = self.journal is None or self.journal.persistent
        with fatal_after_payment(journaled=journaled, way_on=self._way_on):
            yield

    def _way_on(self) -> str:
        return (
            f"{self.id_parameter}={self._job_id!r}" if self._job_id else f"{self.id_parameter}=... (the id is an XCom)"
        )


def _warn_of_no_wait(known: Mapping[str, Any]) -> None:
    does_not_wait = known.get("deferrable") and not known["wait_for_completion"]
    if "task_id" in known and does_not_wait and not DEFERRABLE_BY_DEFAULT:
        warnings.warn(
            f"{known['task_id']}: deferrable=True has no effect, since this task does not wait. Set "
            "wait_for_completion=True, or put a MusicTaskSensor(deferrable=True) after it.",
            stacklevel=6,
        )
