"""The base of the operators that submit a job: submit once, push the id, and wait if asked to."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, get_args

from airflow.providers.common.compat.sdk import AirflowNotFoundException, conf

from airflow_provider_suno.api.fields import blank_is_none, checked_id
from airflow_provider_suno.api.jobs import JobRef, OnLostReply, job_kind
from airflow_provider_suno.api.text import excerpt
from airflow_provider_suno.exceptions import (
    SunoError,
    SunoJournalError,
    SunoValidationError,
)
from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.operators.paid_job import PaidJobOperator
from airflow_provider_suno.polling.arguments import DEFAULT_TIMEOUT, check_wait
from airflow_provider_suno.task.arguments import empty_arguments, refuse_empty, refuse_non_flags
from airflow_provider_suno.task.failure import (
    with_errors_for_airflow,
)
from airflow_provider_suno.task.keeping import as_template
from airflow_provider_suno.task.names import default_of
from airflow_provider_suno.task.waiting import CALLED_BACK_KEY

if TYPE_CHECKING:
    from typing import TypedDict

    from airflow.sdk import Context, XComArg

    from airflow_provider_suno.hooks.storage import Destination
    from airflow_provider_suno.journal.entry import Entry
    from airflow_provider_suno.task.parameters import OperatorArguments

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


class SubmitJobOperator(PaidJobOperator):
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

    template_fields: Sequence[str] = ("suno_conn_id", "wait_timeout", "poll_interval", "on_lost_reply")
    template_fields_renderers: ClassVar[dict[str, str]] = {"extra_fields": "json"}
    also_checked = ("task_id", *_FLAGS)
    other_types: ClassVar[Mapping[str, Any]] = {"keep_at": "Destination"}
    apart_from_request: ClassVar[tuple[str, ...]] = (*template_fields, "keep_at")
    """The templated parameters without which the task cannot go on even with a job that is paid for."""

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
        super().__init__(suno_conn_id=suno_conn_id, **arguments)

    @classmethod
    def fields(cls) -> dict[str, Any]:
        """Return the fields of the request, the parameter for the id of a job to resume, and perhaps ``keep_at``."""
        return {**super().fields(), cls.id_parameter: None, **({"keep_at": None} if cls.makes_files() else {})}

    @classmethod
    def makes_files(cls) -> bool:
        """Return whether the job's result is a file or several, so that ``keep_at`` is a parameter."""
        return job_kind(cls.request_type.kind).makes_files

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

    @with_errors_for_airflow
    def execute(self, context: Context) -> Any:
        """Resume the job that is given or that an earlier try paid for, else submit one; wait for it if asked to."""
        from airflow_provider_suno.links.pushing import push_log_link

        hook = self.open_hook()
        empty = empty_arguments(self, context, optional_texts=self.request_type.optional_texts())
        try:
            # The request itself is checked in _submit: a wrong one must not stop a retry from resuming a paid job.
            apart = {*self.apart_from_request, self.id_parameter}
            refuse_empty({name: empty[name] for name in empty if name in apart or not self.submits})
            self.check_parameters({name: getattr(self, name) for name in (*self.template_fields, *_FLAGS)})
            self.check_surroundings()
        except SunoValidationError as problem:
            from airflow_provider_suno.journal.messages import with_paid_job_hint

            with suppress(SunoJournalError):
                problem = with_paid_job_hint(problem, self.open_journal(context).read())
            raise problem from None
        if self.submits:
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
        with self.fatal_without_journal(job.id):
            context["ti"].xcom_push(key=self.id_parameter, value=job.id)
            push_log_link(context, hook.settings.client.log_page, self.log)
            if self._called_back is not None:
                context["ti"].xcom_push(key=CALLED_BACK_KEY, value=job.id)
            result = self.wait(context, hook, job) if self.wait_for_completion else self.hand_on(context, job)
            self.stop_if_killed()
        return result

    def check_surroundings(self) -> None:
        """
        Open the store that the task will need, before anything is paid for.

        :raises SunoError: when it cannot be opened.
        """
        if self.keep_at is not None:
            from airflow_provider_suno.hooks.storage import open_folder

            open_folder(self.keep_at, "keep_at")

    def submit(self, context: Context, hook: SunoHook, empty: Mapping[str, str]) -> Entry:
        """Return the job of this task instance, submitted now or by an earlier try."""
        from airflow_provider_suno.api.request import JobRequest
        from airflow_provider_suno.journal.submission import Submission, submit_once
        from airflow_provider_suno.task.callbacks import CallbackSigner, a_sensor_follows

        self.journal = self.open_journal(context)
        request = self.prepare(context, hook, empty)
        signer = None
        if isinstance(request, JobRequest):
            waits = self.wait_for_completion or a_sensor_follows(self)
            signer = CallbackSigner.of(context, hook, request, waits=waits)
        submission = Submission(self.job_kind, request, self.suno_conn_id, self.on_lost_reply, signer, self._old_result)
        try:
            entry = submit_once(self.journal, submission, hook)
        except SunoJournalError as problem:
            if problem.job_id is not None:
                self._push_unknown_job(context, problem.job_id)
            raise
        self._submitted_at = entry.submitted_at
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

    def _given_job(self, context: Context, hook: SunoHook) -> JobRef:
        """Return the job that the user gave. Without a wait, its record is read once to refuse a wrong id."""
        from airflow_provider_suno.journal.submission import mark_clear_used

        job = JobRef(self.job_kind, checked_id(self.id_parameter, self.given_id))
        mark_clear_used(self.open_journal(context), self.job_kind)
        if not self.wait_for_completion:
            from airflow_provider_suno.polling.worker import poll_until_known

            record = poll_until_known(hook.client, job, self.log)
            self.log.info("%s is known to the service: %s", job, record.status)
        return job
