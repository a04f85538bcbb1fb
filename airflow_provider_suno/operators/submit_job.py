"""The base of the operators that submit a job: submit once, push the id, and wait if asked to."""

from __future__ import annotations

import time
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, get_args

from airflow.providers.common.compat.sdk import AirflowNotFoundException, conf

from airflow_provider_suno.api.fields import blank_is_none, checked_id, checked_seconds
from airflow_provider_suno.api.jobs import JobKind, JobRef, OnLostReply, job_kind
from airflow_provider_suno.api.text import excerpt
from airflow_provider_suno.exceptions import (
    SunoError,
    SunoJobFailedError,
    SunoJournalError,
    SunoUnavailableError,
    SunoValidationError,
)
from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.lineage.openlineage import song_uri
from airflow_provider_suno.operators.journaled import JournaledOperator
from airflow_provider_suno.polling.arguments import DEFAULT_TIMEOUT, check_wait
from airflow_provider_suno.task.arguments import empty_arguments, refuse_empty, refuse_non_flags
from airflow_provider_suno.task.costs import log_warning
from airflow_provider_suno.task.failure import (
    fatal_after_payment,
    raise_for_airflow,
    retry_is_useless,
    with_errors_for_airflow,
)
from airflow_provider_suno.task.keeping import as_template, keep_result, keep_usable_part
from airflow_provider_suno.task.names import default_of
from airflow_provider_suno.task.waiting import CALLED_BACK_KEY, WaitingTask

if TYPE_CHECKING:
    from typing import TypedDict

    from airflow.sdk import Context, XComArg

    from airflow_provider_suno.api.request import JobRequest
    from airflow_provider_suno.hooks.storage import Destination
    from airflow_provider_suno.journal.entry import Entry
    from airflow_provider_suno.polling.outcome import Outcome
    from airflow_provider_suno.polling.wait import Wait
    from airflow_provider_suno.task.parameters import OperatorArguments
    from airflow_provider_suno.triggers.job import JobTrigger

    class SubmitArguments(OperatorArguments, total=False):
        """The parameters of every operator that submits a job."""

        suno_conn_id: str | XComArg
        wait_for_completion: bool
        deferrable: bool
        wait_timeout: float | timedelta | XComArg
        poll_interval: float | XComArg | None
        on_lost_reply: OnLostReply | XComArg

    class JobArguments(SubmitArguments, total=False):
        """The parameters of every operator that submits a job of another kind than music."""

        job_id: str | XComArg | None

    class KeepArguments(TypedDict, total=False):
        """The parameter of every operator whose result is a file, besides the others."""

        keep_at: Destination | XComArg | None


DEFERRABLE_BY_DEFAULT = conf.getboolean("operators", "default_deferrable", fallback=False)

_FLAGS = ("wait_for_completion", "deferrable")
_WAIT_ARGUMENTS = ("suno_conn_id", "wait_timeout", "poll_interval", "until", "keep_at", "on_lost_reply")


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
    - A *kill*, also by marking the task, ends the wait, not the job: the API cannot cancel jobs. The log names the id,
      and a clear resumes the job.
    - A *timeout* (``wait_timeout``, or ``execution_timeout``, which also holds while deferred) ends the try. The next
      try resumes the job with a new deadline.

    Before Airflow 3.3 there is no journal. Every error after the submission is fatal and names the id. A retry after a
    lost worker pays again, and a clear submits a new job.

    Each field of ``request_type`` is a parameter.

    :param job_id: a job that is already paid for, to resume it: nothing is submitted. Operators that make music call
        it ``music_task_id``.
    :param suno_conn_id: the connection.
    :param wait_for_completion: wait for the job, and push its record as an XCom.
    :param deferrable: wait in the triggerer instead of the worker.
    :param wait_timeout: seconds from the start of this try's wait to
        :class:`~airflow_provider_suno.exceptions.SunoJobTimeoutError`, which is retried.
    :param poll_interval: the longest gap between two polls, in seconds; ``None`` is adaptive.
    :param on_lost_reply: what to do when the reply to the submission is lost, so that it may have been charged:
        ``fail``, or ``resubmit`` once per try, a minute later, which may pay twice.
    :param callback_url: the URL to which the service posts progress; ``None``: the connection's. The journal's token is
        added to its query as ``suno_submission``, a signed one as ``suno_token``.
    :param extra_fields: further fields under the API's own names, sent unchecked.
    :param keep_at: only of operators whose result is a file: the folder or object store to keep the job's files in (a
        local path, an ``ObjectStoragePath`` or its URL), as
        :meth:`~airflow_provider_suno.hooks.suno.SunoHook.keep_files` does it. It is opened before anything is paid
        for. The task then waits, keeps the files and pushes ``files`` before it succeeds: ``[{"uri", "audio_id",
        "title", "size" (bytes), "sha256", "media_type", "duration" (s), "part"}]``, without ``part`` for tracks.
        ``wait_timeout`` does not bound the fetching; a kill or an ``execution_timeout`` ends it. If a file cannot be
        kept, a retry or a clear resumes the job and fetches what is missing: nothing is paid again (before Airflow 3.3
        the task fails for good, and the error says how to go on without paying).
    """

    request_type: ClassVar[type[JobRequest]]
    id_parameter: ClassVar[str] = "job_id"
    keep_at: Any = None

    template_fields: Sequence[str] = ("suno_conn_id", "wait_timeout", "poll_interval", "on_lost_reply")
    template_fields_renderers: ClassVar[dict[str, str]] = {"extra_fields": "json"}
    also_checked = ("task_id", *_FLAGS)
    other_types: ClassVar[Mapping[str, Any]] = {"keep_at": "Destination"}

    def __init__(
        self,
        *,
        suno_conn_id: str | XComArg = SunoHook.default_conn_name,
        wait_for_completion: bool = True,
        deferrable: bool = DEFERRABLE_BY_DEFAULT,
        wait_timeout: float | timedelta | XComArg = DEFAULT_TIMEOUT,
        poll_interval: float | XComArg | None = None,
        on_lost_reply: OnLostReply | XComArg = "fail",
        **arguments: Any,
    ) -> None:
        if (keep_at := arguments.get("keep_at")) is not None:
            arguments["keep_at"] = as_template(keep_at)
            # Not "or": a wrong flag must stay what it is, to be refused.
            wait_for_completion = True if wait_for_completion is False else wait_for_completion
        self.wait_for_completion = wait_for_completion
        self.deferrable = deferrable
        self.wait_timeout = wait_timeout
        self.poll_interval = poll_interval
        self.on_lost_reply: OnLostReply = on_lost_reply  # type: ignore[assignment]  # once rendered
        self._submitted_at: float | None = None
        self._old_result: str | None = None
        self._paid_through: str | None = None
        self._called_back: str | None = None
        super().__init__(suno_conn_id=suno_conn_id, **arguments)

    @classmethod
    def fields(cls) -> dict[str, Any]:
        """Return the fields of the request, the parameter for the id of a job to resume, and perhaps ``keep_at``."""
        return {**super().fields(), cls.id_parameter: None, **({"keep_at": None} if cls.makes_files() else {})}

    @classmethod
    def makes_files(cls) -> bool:
        """Return whether the job's result is a file or several, so that ``keep_at`` is a parameter."""
        return job_kind(cls.request_type.kind).makes_files

    @property
    def job_kind(self) -> JobKind:
        """The kind of job to submit."""
        return job_kind(self.request_type.kind)

    def returned(self, outcome: Outcome) -> Any:
        """Return the task's result for the outcome of a finished job."""
        return outcome.result().result()

    def hand_on(self, context: Context, job: JobRef) -> str:
        """Return the task's result for a job that it does not wait for."""
        del context
        return job.id

    def push(self, context: Context, outcome: Outcome) -> None:
        """Push the record of a finished job, and put what was made into the events of the task's outlets."""
        from airflow_provider_suno.lineage.outlets import add_to_outlet_events

        context["ti"].xcom_push(key=self.job_kind.record_key, value=outcome.result().pushed())
        add_to_outlet_events(context, self.outlet_extra(outcome), self.log)

    def outlet_extra(self, outcome: Outcome) -> dict[str, Any]:
        """Return the ``extra`` of the outlets' events."""
        return {"kind": outcome.job.kind.name, "job_id": outcome.job.id}

    def push_partial_result(self, context: Context, outcome: Outcome) -> None:
        """Push the tracks (or other parts) of a failed job that can be used, and keep their files if asked to."""
        super().push_partial_result(context, outcome)
        if self.keep_at is not None:
            keep_usable_part(context, self.open_hook(self.paid_through()), outcome, self.keep_at)

    @with_errors_for_airflow
    def execute(self, context: Context) -> Any:
        """Resume the job that is given or that an earlier try paid for, else submit one; wait for it if asked to."""
        hook = self.open_hook()
        empty = empty_arguments(self, context, optional_texts=self.request_type.optional_texts())
        try:
            # The request itself is checked in _submit: a wrong one must not stop a retry from resuming a paid job.
            wait_arguments = {*_WAIT_ARGUMENTS, self.id_parameter}
            refuse_empty({name: empty[name] for name in empty if name in wait_arguments or not self._submits})
            self.check_parameters({name: getattr(self, name) for name in (*self.template_fields, *_FLAGS)})
            self.check_surroundings()
        except SunoValidationError as problem:
            from airflow_provider_suno.journal.submission import with_paid_job_hint

            with suppress(SunoJournalError):
                problem = with_paid_job_hint(problem, self.open_journal(context).read())
            raise problem from None
        if self._submits:
            entry = self.submit(context, hook, empty)
            job = entry.job_ref
            if job is None:
                raise AssertionError("the entry of a submitted job names it")
            hook = self._hook_of_the_job(hook, entry, job)
        else:
            job = self._given_job(context, hook)
            self.log.info("%s was given, so nothing is submitted: resuming %s", self.id_parameter, job)
        self._paid_through = hook.suno_conn_id
        self.note_job(job)
        with self._fatal_without_journal(job.id):
            context["ti"].xcom_push(key=self.id_parameter, value=job.id)
            if self._called_back is not None:
                context["ti"].xcom_push(key=CALLED_BACK_KEY, value=job.id)
            result = self._wait(context, hook, job) if self.wait_for_completion else self.hand_on(context, job)
            self.stop_if_killed()
        return result

    def trigger_for(self, wait: Wait, suno_conn_id: str, try_number: int | None, heard: str | None) -> JobTrigger:
        """Return the trigger that continues a wait."""
        from airflow_provider_suno.triggers.music_task import trigger_for

        return trigger_for(wait, suno_conn_id, try_number, heard)

    @with_errors_for_airflow
    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Resume after a deferral, also when Airflow ended it without an event."""
        return super().resume_execution(next_method, next_kwargs, context)

    @contextmanager
    def resumed_job(self, context: Context) -> Iterator[str | None]:
        """Resume with the same protection of the paid job as before the deferral."""
        if self._submits:
            self.journal = self.open_journal(context)
        with self._fatal_without_journal(None):
            ti = context["ti"]
            pulled = ti.xcom_pull(task_ids=ti.task_id, key=self.id_parameter, map_indexes=ti.map_index)
            self._job_id = pulled or self._journaled_id()
            if self._job_id:
                self.note_job(JobRef(self.job_kind, self._job_id))
            yield self._job_id

    def note_job(self, job: JobRef) -> None:
        """Note the song that the job is made from, if there is one, for the task's lineage."""
        del job
        source = None if self.id_parameter == "music_task_id" else getattr(self, "music_task_id", None)
        if source:
            self.add_lineage(used=[song_uri(self.paid_through(), source)])

    def _journaled_id(self) -> str | None:
        """Return the id that the journal knows, for a task whose XCom was deleted while it was deferred."""
        with suppress(SunoJournalError):
            entry = None if self.journal is None else self.journal.read()
            return None if entry is None or entry.job_ref is None else entry.job_ref.id
        return None

    def what_continues(self) -> str:
        """Return that the job continues, if there is one."""
        job = None if self.journal is None else self.journal.submitted_job
        if self._job_id is not None:
            job = JobRef(self.job_kind, self._job_id)
        if job is None:
            return f"Nothing more is sent. If the XCom {self.id_parameter} names a job, it continues at the service."
        return f"The API cannot cancel jobs: {job} continues at the service. {job.resume_hint}"

    @property
    def _given_id(self) -> Any:
        return blank_is_none(getattr(self, self.id_parameter))

    @property
    def _submits(self) -> bool:
        return self._given_id is None

    def _given_job(self, context: Context, hook: SunoHook) -> JobRef:
        """Return the job that the user gave. Without a wait, its record is read once to refuse a wrong id."""
        from airflow_provider_suno.journal.submission import mark_clear_used

        job = JobRef(self.job_kind, checked_id(self.id_parameter, self._given_id))
        mark_clear_used(self.open_journal(context), self.job_kind)
        if not self.wait_for_completion:
            from airflow_provider_suno.polling.worker import poll_until_known

            record = poll_until_known(hook.client, job, self.log)
            self.log.info("%s is known to the service: %s", job, record.status)
        return job

    @classmethod
    def check_literals(cls, known: Mapping[str, Any], later: Collection[str]) -> None:
        """Check the arguments that are known when the Dag is parsed."""
        cls.check_parameters(known)
        waits = known.get("wait_for_completion", default_of(cls, "wait_for_completion"))
        waits = waits or known.get("keep_at") is not None or "keep_at" in later
        if "task_id" in known and known.get("deferrable") and not waits and not DEFERRABLE_BY_DEFAULT:
            warnings.warn(
                f"{known['task_id']}: deferrable=True has no effect, since this task does not wait. Set "
                "wait_for_completion=True, or put a sensor with deferrable=True after it.",
                stacklevel=5,
            )
        if cls.id_parameter in later or blank_is_none(known.get(cls.id_parameter)) is not None:
            return  # nothing is submitted
        fields = cls.request_type.field_names()
        cls.request_type.check_known(
            {name: known[name] for name in fields if name in known}, [name for name in fields if name in later]
        )

    @classmethod
    def check_parameters(cls, known: Mapping[str, Any]) -> None:
        """
        Check the known arguments that are not fields of the request.

        :raises SunoValidationError: names the wrong argument.
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
        if known.get("keep_at") is not None:
            from airflow_provider_suno.hooks.storage import check_destination

            check_destination(known["keep_at"], "keep_at")

    def check_surroundings(self) -> None:
        """
        Open the store that the task will need, before anything is paid for.

        :raises SunoError: when it cannot be opened.
        """
        if self.keep_at is not None:
            from airflow_provider_suno.hooks.storage import open_folder

            open_folder(self.keep_at, "keep_at")

    def paid_through(self) -> str:
        """Return the connection that the job was submitted through."""
        if self._paid_through is None and self.journal is not None:
            with suppress(SunoJournalError):
                entry = self.journal.read()
                self._paid_through = None if entry is None else entry.suno_conn_id
        return self._paid_through or self.suno_conn_id

    @property
    def longest_wait(self) -> float:
        """The timeout of a wait, in seconds."""
        return checked_seconds("wait_timeout", self.wait_timeout, zero=True)

    def build_request(self, hook: SunoHook) -> JobRequest:
        """Return the checked request; submits nothing."""
        return hook.build(self.request_type, self.request_fields())

    def _hook_of_the_job(self, hook: SunoHook, entry: Entry, job: JobRef) -> SunoHook:
        """Return a hook for the connection that the job was submitted through."""
        same = entry.suno_conn_id in (None, self.suno_conn_id)
        hook = hook if same else self.open_hook(entry.suno_conn_id)
        try:
            _ = hook.settings
        except (AirflowNotFoundException, SunoError) as problem:
            raise SunoValidationError(
                f"{job.named} is paid for, but the connection it was submitted through, {hook.suno_conn_id!r}, cannot "
                f"be used any more ({problem}). Fix it and clear this task, or set {job.as_parameter} with another "
                "connection to the same account; neither is charged."
            ) from problem
        return hook

    def submit(self, context: Context, hook: SunoHook, empty: Mapping[str, str]) -> Entry:
        """Return the job of this task instance, submitted now or by an earlier try."""
        from airflow_provider_suno.journal.submission import Submission, submit_once
        from airflow_provider_suno.task.callbacks import CallbackSigner, a_sensor_follows

        self.journal = self.open_journal(context)
        request: JobRequest | SunoError
        try:
            refuse_empty(empty)
            request = self.build_request(hook)
        except SunoError as problem:
            request = problem
        except AirflowNotFoundException as missing:
            request = SunoUnavailableError(f"There is no connection {self.suno_conn_id!r}. ({missing})")
        log_warning(self.log, context)
        hook.shows_balance = True
        signer = None
        if not isinstance(request, SunoError):
            waits = self.wait_for_completion or a_sensor_follows(self)
            signer = CallbackSigner.of(context, hook, request, waits=waits)
        submission = Submission(self.job_kind, request, self.suno_conn_id, self.on_lost_reply, signer, self._old_result)
        try:
            entry = submit_once(self.journal, submission, hook)
        except SunoJournalError as problem:
            if problem.job_id is not None:
                self._push_unknown_job(context, problem.job_id)
            raise
        self._submitted_at = entry.at.timestamp()
        self._old_result = entry.old_result
        self._called_back = entry.token if entry.called_back else None
        return entry

    def _push_unknown_job(self, context: Context, job_id: str) -> None:
        """Push the id of a job that could not be journaled, unless a newer try has pushed its own."""
        ti = context["ti"]
        try:
            if ti.xcom_pull(task_ids=ti.task_id, key=self.id_parameter, map_indexes=ti.map_index) is None:
                ti.xcom_push(key=self.id_parameter, value=job_id)
        except Exception as problem:  # noqa: BLE001  # the journal's error matters more
            self.log.warning("the XCom %s could not be pushed: %r", self.id_parameter, problem)

    def _wait(self, context: Context, hook: SunoHook, job: JobRef) -> Any:
        from airflow_provider_suno.polling.outcome import Outcome
        from airflow_provider_suno.polling.wait import Wait
        from airflow_provider_suno.polling.worker import log_progress, poll_once, wait_in_worker

        wait = Wait.begin(
            self.job_kind,
            job.id,
            now=time.time(),
            timeout=self.wait_timeout,
            timeout_name="wait_timeout",
            until=self.until,
            poll_interval=self.poll_interval,
            submitted_at=self._submitted_at,
            old_result=self._old_result,
        )
        outcome: Outcome | None = None
        heard = self._heard(job)
        if not hook.settings.callbacks.secrets:  # switched off since it was submitted
            self._called_back = None
        if self.deferrable:
            wait = replace(wait, expects_callback=self._called_back is not None and heard is None)
        if not self.deferrable:
            outcome = wait_in_worker(hook.client, wait, self.log)
            self.stop_if_killed()
        elif heard is not None or wait.next_poll_at() <= time.time():
            step = poll_once(hook.client, wait)
            if isinstance(step, Outcome):
                outcome = step
            else:
                log_progress(self.log, step)
                wait = step.wait
        if outcome is None:
            self.defer_wait(wait, context, hook.suno_conn_id, heard)
        return self.deliver(context, outcome)

    def _heard(self, job: JobRef) -> str | None:
        """Return the stage that a callback has told of already, if this task would be resumed by it."""
        from airflow_provider_suno.api.callback import Stage

        hint = None if self.journal is None else self.journal.hint(self._called_back)
        if (
            hint is None
            or hint.job_id != job.id
            or not (hint.stage is Stage.COMPLETE or (hint.stage is Stage.FIRST and self.until == "first"))
        ):
            return None
        return hint.stage.value

    def deliver(self, context: Context, outcome: Outcome) -> Any:
        """Push the record of a finished job and return the task's result, or raise the outcome's error."""
        from airflow_provider_suno.polling.worker import log_finished

        if outcome.error is not None:
            if outcome.is_refunded and self.journal is not None:
                self.journal.drop()
            self.push_partial_result(context, outcome)
            if outcome.record_failed or isinstance(outcome.error, SunoJobFailedError):
                raise_for_airflow(outcome.error, fatal=retry_is_useless(outcome, submitted_here=self._submits))
            raise outcome.error
        log_finished(self.log, outcome)
        self.push(context, outcome)
        if self.keep_at is not None:
            journaled = self.journal is None or self.journal.persistent
            way_on = "A retry or a clear resumes this job and keeps it; nothing is charged again." if journaled else ""
            hook = self.open_hook(self.paid_through())
            keep_result(context, hook, self.job_kind, outcome.result(), self.keep_at, way_on=way_on)
        return self.returned(outcome)

    @contextmanager
    def _fatal_without_journal(self, job_id: str | None) -> Iterator[None]:
        """Without a journal, make every error within the block fatal, since a retry would pay again."""
        self._job_id = job_id
        journaled = self.journal is None or self.journal.persistent
        with fatal_after_payment(journaled=journaled, id_argument=self._id_argument):
            yield

    def _id_argument(self) -> str:
        return f"{self.id_parameter}={self._job_id!r}" if self._job_id else f"{self.id_parameter}=... (see its XCom)"
