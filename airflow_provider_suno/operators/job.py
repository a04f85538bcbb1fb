"""What all operators share that submit a job: submit once, hand the id on at once, perhaps wait."""

from __future__ import annotations

import time
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, get_args

from airflow.providers.common.compat.sdk import AirflowNotFoundException, conf

from airflow_provider_suno.api.fields import blank_is_none, checked_id
from airflow_provider_suno.api.jobs import JobKind, JobRef, job_kind
from airflow_provider_suno.api.text import excerpt
from airflow_provider_suno.compat import TaskDeferralError, TaskDeferralTimeout
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
from airflow_provider_suno.task.deferral import (
    defer_wait,
    error_of_deferral,
    is_of_another_try,
    stop_if_execution_timed_out,
)
from airflow_provider_suno.task.failure import (
    fatal_after_payment,
    raise_for_airflow,
    retry_is_useless,
    with_errors_for_airflow,
)

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_suno.api.request import JobRequest
    from airflow_provider_suno.triggers.job import JobTrigger

DEFERRABLE_BY_DEFAULT = conf.getboolean("operators", "default_deferrable", fallback=False)

_FLAGS = ("wait_for_completion", "deferrable")


class SubmitJobOperator(JournaledOperator):
    """
    Submit one paid job and hand on its id; be the base of the operators that do.

    On Airflow 3.3 and later the task instance keeps a journal (``suno_submission`` in its Storage tab).
    Airflow's *retry*, whatever the try before died of, goes on with the job that was paid for; it submits only when
    surely none was, or the record says that it failed (its credits come back). Where the answer to the submission is
    lost, ``on_lost_reply`` decides. A *clear* goes on with a job that was not delivered yet, makes a new one after a
    success, a change of the request or a lost reply, and so may pay again. A *kill*, also by marking the task, ends our
    waiting, not the job: the API has no cancel, the log names the id, and a clear goes on with it. A *timeout*
    (``wait_timeout``, or ``execution_timeout``, which holds while deferred too) ends the try; the next one goes on with
    a fresh deadline.

    Before Airflow 3.3 there is no journal: every error after the submission is fatal and names the id to go on with, a
    worker lost without a word is followed by a retry that pays again, and a clear submits a new job.

    :param callback_url: where the service posts its progress; ``None`` takes the connection's. The journal's token is
        added to its query, as ``suno_submission``.
    :param extra_fields: fields that the API added since, under its own names; sent unchecked.
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
    until: Any = "all"

    template_fields: Sequence[str] = (
        "callback_url",
        "extra_fields",
        "suno_conn_id",
        "wait_timeout",
        "poll_interval",
        "on_lost_reply",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"extra_fields": "json"}
    also_checked = ("task_id", *_FLAGS)

    def __init__(
        self,
        *,
        callback_url: str | None = None,
        extra_fields: dict[str, Any] | None = None,
        suno_conn_id: str = SunoHook.default_conn_name,
        wait_for_completion: bool = False,
        deferrable: bool = DEFERRABLE_BY_DEFAULT,
        wait_timeout: float | timedelta | str = 1200,
        poll_interval: float | str | None = None,
        on_lost_reply: OnLostReply = "fail",
        **kwargs: Any,
    ) -> None:
        super().__init__(suno_conn_id=suno_conn_id, **kwargs)
        self.callback_url = callback_url
        self.extra_fields = extra_fields
        self.wait_for_completion = wait_for_completion
        self.deferrable = deferrable
        self.wait_timeout = wait_timeout
        self.poll_interval = poll_interval
        self.on_lost_reply = on_lost_reply
        self._job_id: str | None = None
        self._submitted_at: float | None = None

    @property
    def kind(self) -> JobKind:
        """The kind of job that it submits."""
        return job_kind(self.request_type.kind)

    def returned(self, job: JobRef, outcome: Outcome | None) -> Any:
        """
        Return what the task returns.

        :param job: the job.
        :param outcome: how the wait for it ended, well; ``None`` when it was not waited for.
        """
        return job.id if outcome is None else outcome.result().result()

    def push(self, context: Context, outcome: Outcome) -> None:
        """
        Push what a finished wait has found.

        :param context: the try's context.
        :param outcome: how the wait ended: well.
        """
        context["ti"].xcom_push(key=self.kind.record_key, value=outcome.result().to_dict())

    @with_errors_for_airflow
    def execute(self, context: Context) -> Any:
        """Find the job that an earlier try paid for or submit one, unless its id is handed in; perhaps wait."""
        hook = self.open_hook()
        empty = empty_arguments(self, context, optional_texts=self.request_type.optional_texts())
        try:
            # What is wrong with the request must not keep a retry from a job that is paid for.
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
            job = self._handed_in(context, hook)
        outcome: Outcome | None = None
        with self._paid(job.id):
            context["ti"].xcom_push(key=self.id_parameter, value=job.id)
            if self.wait_for_completion:
                outcome = self._wait(context, hook, job)
            self.stop_if_killed()
        return self.returned(job, outcome)

    def execute_complete(self, context: Context, event: Any = None) -> Any:
        """Go on after the trigger's event; anything that is not such an event is an error."""
        self.stop_if_killed()
        outcome = Outcome.from_event(event, self.kind, self._job_id, "first" if self.until == "first" else "all")
        stop_if_execution_timed_out(self, outcome, self._begin_wait(outcome.job.id).patience)
        self._deliver(context, outcome)
        return self.returned(outcome.job, outcome)

    @with_errors_for_airflow
    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Resume under the same protection as before the deferral: the job is paid for."""
        if is_of_another_try(next_kwargs, context):
            return self.execute(context)
        if self._submits:
            self.journal = Journal.of(context, self.log)
        with self._paid(None):
            ti = context["ti"]
            self._job_id = ti.xcom_pull(task_ids=ti.task_id, key=self.id_parameter, map_indexes=ti.map_index)
            try:
                result = super().resume_execution(next_method, next_kwargs, context)
            except (TaskDeferralTimeout, TaskDeferralError) as problem:
                raise error_of_deferral(problem, self.kind, self._job_id) from problem
            self.stop_if_killed()
            return result

    def trigger_for(self, wait: Wait, suno_conn_id: str, try_number: int | None) -> JobTrigger:
        """
        Return the trigger that goes on with a wait.

        :param wait: the wait.
        :param suno_conn_id: the connection.
        :param try_number: the task's try.
        """
        from airflow_provider_suno.triggers.job import JobTrigger

        return JobTrigger.for_wait(wait, suno_conn_id, try_number)

    def what_goes_on(self) -> str:
        """Name the job, once it is known."""
        if self._job_id is None:
            return f"What is not sent yet is not sent any more; a job that the XCom {self.id_parameter} names goes on."
        job = JobRef(self.kind, self._job_id)
        return f"The API has no cancel: {job} goes on at the service. {job.resume_hint}"

    @property
    def _handed_in_id(self) -> Any:
        return blank_is_none(getattr(self, self.id_parameter))

    @property
    def _submits(self) -> bool:
        return self._handed_in_id is None

    @classmethod
    def _arguments_of_the_wait(cls) -> frozenset[str]:
        """Return the arguments that are no part of the request."""
        return frozenset({"suno_conn_id", "wait_timeout", "poll_interval", "until", "on_lost_reply", cls.id_parameter})

    def _handed_in(self, context: Context, hook: SunoHook) -> JobRef:
        """Return the job that the user names; who does not wait reads the record, so that it is no invented one."""
        job = JobRef(self.kind, checked_id(self.id_parameter, self._handed_in_id))
        mark_clear_used(Journal.of(context, self.log), self.kind)
        if not self.wait_for_completion:
            record = poll_until_known(hook.client, job, self.log)
            self.log.info("%s is known to the service: %s", job, record.state_word)
        return job

    @classmethod
    def check_literals(cls, known: Mapping[str, Any], later: Collection[str]) -> None:
        """Check what is known when the Dag is parsed."""
        cls.check_parameters(known)
        _warn_of_no_wait(known)
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

    def _begin_wait(self, job_id: str) -> Wait:
        return Wait.begin(
            self.kind,
            job_id,
            now=time.time(),
            timeout=self.wait_timeout,
            timeout_name="wait_timeout",
            until=self.until,
            poll_interval=self.poll_interval,
            submitted_at=self._submitted_at,
        )

    def request_fields(self) -> dict[str, Any]:
        """Return the fields of the request, as the user gave them."""
        return {name: getattr(self, name) for name in self.request_type.field_names()}

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
        hook = self.hook if same else self.open_hook(entry.suno_conn_id)
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
        """Return the one job of this task instance, submitted now or by an earlier try."""
        self.journal = Journal.of(context, self.log)
        request: JobRequest | SunoError
        try:
            refuse_empty(empty)
            request = self.build_request(hook)
        except SunoError as problem:
            request = problem
        except AirflowNotFoundException as missing:
            request = SunoUnavailableError(f"There is no connection {self.suno_conn_id!r}. ({missing})")
        submission = Submission(self.kind, request, self.suno_conn_id, self.on_lost_reply)
        try:
            entry = submit_once(self.journal, submission, self)
        except SunoJournalError as problem:
            if problem.job_id is not None:
                self._hand_on(context, problem.job_id)
            raise
        self._submitted_at = entry.at.timestamp()
        return entry

    def send(self, request: JobRequest, around: AbstractContextManager[Any]) -> str:
        """
        Send a request and return the id of the job, which a kill names from now on.

        :param request: the request.
        :param around: entered for each send.
        """
        self._job_id = self.hook.submit(request, around)
        return self._job_id

    def pause(self, seconds: float) -> None:
        """
        Wait before a submission is made anew; a kill ends it.

        :param seconds: how long.
        """
        self.hook.client.pause(seconds)

    def _hand_on(self, context: Context, job_id: str) -> None:
        """Push the id of a job that only this try knows of, unless the one that took its place has pushed its own."""
        ti = context["ti"]
        try:
            if ti.xcom_pull(task_ids=ti.task_id, key=self.id_parameter, map_indexes=ti.map_index) is None:
                ti.xcom_push(key=self.id_parameter, value=job_id)
        except Exception as problem:  # noqa: BLE001  # what led here matters more, and names the id too
            self.log.warning("the XCom %s could not be pushed: %r", self.id_parameter, problem)

    def _wait(self, context: Context, hook: SunoHook, job: JobRef) -> Outcome:
        wait = self._begin_wait(job.id)
        outcome: Outcome | None = None
        if not self.deferrable:
            outcome = wait_in_worker(hook.client, wait, log=self.log, killed=lambda: self._killed)
            self.stop_if_killed()
        elif wait.next_poll_at() <= time.time():
            step = poll_once(hook.client, wait)
            if isinstance(step, Outcome):
                outcome = step
            else:
                log_progress(self.log, step)
                wait = step.wait
        if outcome is None:
            defer_wait(self, wait, context, suno_conn_id=hook.suno_conn_id)
        self._deliver(context, outcome)
        return outcome

    def _deliver(self, context: Context, outcome: Outcome) -> None:
        """Push the result, or raise the error as this operator means it."""
        if outcome.error is not None:
            if outcome.record_failed and outcome.record is None and self.journal is not None:
                self.journal.drop()
            push_partial_result(context, outcome, self.log)
            if outcome.record_failed or isinstance(outcome.error, SunoJobFailedError):
                raise_for_airflow(outcome.error, fatal=retry_is_useless(outcome, submitted_here=self._submits))
            raise outcome.error
        log_finished(self.log, outcome)
        self.push(context, outcome)

    @contextmanager
    def _paid(self, job_id: str | None) -> Iterator[None]:
        """
        Let no error lead to a retry that would pay again for a job submitted here.

        :param job_id: the job; ``None`` when the block is to find it.
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
    does_not_wait = known.get("deferrable") and not known.get("wait_for_completion")
    if "task_id" in known and does_not_wait and not DEFERRABLE_BY_DEFAULT:
        warnings.warn(
            f"{known['task_id']}: deferrable=True says where to wait, but without wait_for_completion=True this task "
            "does not wait. Set that, or put a MusicTaskSensor(deferrable=True) after it.",
            stacklevel=6,
        )
