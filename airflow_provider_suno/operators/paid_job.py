"""The base of operators that have a paid job: wait for it in the worker or the triggerer, and deliver its result."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_suno.api.fields import blank_is_none, checked_seconds
from airflow_provider_suno.api.jobs import JobKind, JobRef, job_kind
from airflow_provider_suno.exceptions import SunoJobFailedError, SunoJournalError
from airflow_provider_suno.lineage.openlineage import song_uri
from airflow_provider_suno.operators.journaled import JournaledOperator
from airflow_provider_suno.task.failure import (
    fatal_after_payment,
    raise_for_airflow,
    retry_is_useless,
    with_errors_for_airflow,
)
from airflow_provider_suno.task.keeping import keep_result
from airflow_provider_suno.task.waiting import WaitingTask

if TYPE_CHECKING:
    from airflow.sdk import Context, XComArg

    from airflow_provider_suno.api.request import JobRequest
    from airflow_provider_suno.hooks.suno import SunoHook
    from airflow_provider_suno.polling.outcome import Outcome
    from airflow_provider_suno.polling.wait import Wait
    from airflow_provider_suno.triggers.job import JobTrigger


class PaidJobOperator(WaitingTask, JournaledOperator):
    """
    Wait for a job that is paid for, and deliver what it has made.

    A subclass says how the task comes by its job, and takes the parameters of the wait.
    """

    request_type: ClassVar[type[JobRequest]]
    id_parameter: ClassVar[str] = "job_id"

    deferrable: bool
    wait_timeout: float | timedelta | XComArg
    poll_interval: Any
    _submitted_at: float | None = None
    _old_result: str | None = None
    _paid_through: str | None = None
    _called_back: str | None = None

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
        from airflow_provider_suno.assets.suno import job_extra
        from airflow_provider_suno.lineage.outlets import add_to_outlet_events
        from airflow_provider_suno.links.pushing import push_record_links

        record = outcome.result()
        context["ti"].xcom_push(key=self.job_kind.record_key, value=record.pushed())
        push_record_links(context, record, self.log)
        add_to_outlet_events(context, job_extra(outcome.job, record), self.log)

    def wait(self, context: Context, hook: SunoHook, job: JobRef) -> Any:
        """Wait for the job in the worker or in the triggerer, and return the task's result."""
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
        if self.submits:
            self.journal = self.open_journal(context)
        with self.fatal_without_journal(None):
            ti = context["ti"]
            pulled = ti.xcom_pull(task_ids=ti.task_id, key=self.id_parameter, map_indexes=ti.map_index)
            self._job_id = pulled or self._journaled_id()
            if self._job_id:
                self.note_job(JobRef(self.job_kind, self._job_id))
            yield self._job_id

    def _journaled_id(self) -> str | None:
        """Return the id that the journal knows, for a task whose XCom was deleted while it was deferred."""
        with suppress(SunoJournalError):
            entry = None if self.journal is None else self.journal.read()
            return None if entry is None or entry.job_ref is None else entry.job_ref.id
        return None

    def deliver(self, context: Context, outcome: Outcome) -> Any:
        """Push the record of a finished job and return the task's result, or raise the outcome's error."""
        from airflow_provider_suno.polling.worker import log_finished

        if outcome.error is not None:
            if outcome.is_refunded and self.journal is not None:
                self.journal.drop()
            self.push_partial_result(context, outcome)
            kept = self.journal is not None and self.journal.persistent
            if kept and outcome.record_failed and outcome.record is not None:
                from airflow_provider_suno.journal.messages import HOW_TO_PAY_AGAIN

                self.log.warning("a clear of this task delivers the same failed job again; %s", HOW_TO_PAY_AGAIN)
            if outcome.record_failed or isinstance(outcome.error, SunoJobFailedError):
                raise_for_airflow(outcome.error, fatal=retry_is_useless(outcome, submitted_here=self.submits))
            raise outcome.error
        log_finished(self.log, outcome)
        self.push(context, outcome)
        if self.keep_at is not None:
            journaled = self.journal is None or self.journal.persistent
            way_on = "A retry or a clear resumes this job and keeps it; nothing is charged again." if journaled else ""
            hook = self.open_hook(self.paid_through())
            keep_result(context, hook, self.job_kind, outcome.result(), self.keep_at, way_on=way_on)
        return self.returned(outcome)

    def note_job(self, job: JobRef) -> None:
        """Note the song that the job is made from, if there is one, for the task's lineage."""
        del job
        source = None if self.id_parameter == "music_task_id" else getattr(self, "music_task_id", None)
        if source:
            self.add_lineage(used=[song_uri(self.paid_through(), source)])

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

    @property
    def given_id(self) -> Any:
        """The id of the job to resume; ``None`` if none is given."""
        return blank_is_none(getattr(self, self.id_parameter))

    @property
    def submits(self) -> bool:
        """Whether the task submits a job, unless an earlier try did."""
        return self.given_id is None

    def what_continues(self) -> str:
        """Return that the job continues, if there is one."""
        job = None if self.journal is None else self.journal.submitted_job
        if self._job_id is not None:
            job = JobRef(self.job_kind, self._job_id)
        if job is None:
            return f"Nothing more is sent. If the XCom {self.id_parameter} names a job, it continues at the service."
        return f"The API cannot cancel jobs: {job} continues at the service. {job.resume_hint}"

    @contextmanager
    def fatal_without_journal(self, job_id: str | None) -> Iterator[None]:
        """Without a journal, make every error within the block fatal, since a retry would pay again."""
        self._job_id = job_id
        journaled = self.journal is None or self.journal.persistent
        with fatal_after_payment(journaled=journaled, id_argument=self._id_argument):
            yield

    def _id_argument(self) -> str:
        return f"{self.id_parameter}={self._job_id!r}" if self._job_id else f"{self.id_parameter}=... (see its XCom)"
