"""Defer a wait to the triggerer, resume after it, and deliver its outcome."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.providers.common.compat.sdk import AirflowTaskTimeout, BaseOperator

from airflow_provider_suno.api.jobs import JobKind, JobRef
from airflow_provider_suno.compat import TaskDeferralError, TaskDeferralTimeout
from airflow_provider_suno.exceptions import SunoError, SunoUnavailableError
from airflow_provider_suno.links.pushing import push_record_links
from airflow_provider_suno.links.suno import JOB_LINKS
from airflow_provider_suno.task.keeping import keep_usable_part
from airflow_provider_suno.task.suno_task import SunoTask

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_suno.polling.callback_event import CallbackEvent
    from airflow_provider_suno.polling.outcome import Outcome
    from airflow_provider_suno.polling.wait import Wait


CALLED_BACK_KEY = "suno_called_back"
"""The XCom that names a job whose callback comes to this Airflow, for the sensors of the same Dag run."""


class WaitingTask(SunoTask):
    """A task that waits for a job, in the worker or in the triggerer."""

    operator_extra_links = JOB_LINKS

    until: Any = "all"
    keep_at: Any = None
    _job_id: str | None = None

    @property
    def job_kind(self) -> JobKind:
        """The kind of job to wait for."""
        raise NotImplementedError

    @property
    def longest_wait(self) -> float:
        """The timeout of a wait, in seconds."""
        raise NotImplementedError

    def deliver(self, context: Context, outcome: Outcome) -> Any:
        """Push the record of a finished job and return the task's result, or raise the outcome's error."""
        raise NotImplementedError

    def resumed_job(self, context: Context) -> AbstractContextManager[str | None]:
        """Return a context for the rest of a try after its deferral; it yields the job's id, if that is known."""
        raise NotImplementedError

    def paid_through(self) -> str:
        """Return the connection that the job was submitted through."""
        return self.suno_conn_id

    def trigger_for(self, wait: Wait, suno_conn_id: str, try_number: int | None, heard: str | None) -> Any:
        """Return the trigger that continues a wait."""
        raise NotImplementedError

    def defer_wait(self, wait: Wait, context: Context, suno_conn_id: str, heard: str | None = None) -> NoReturn:
        """
        Defer until the wait ends, or until the ``execution_timeout``, which Airflow does not enforce meanwhile.

        :param heard: the stage of the last callback, if one has resumed this try.
        """
        self.stop_if_killed()
        started = context["ti"].start_date
        if self.execution_timeout is not None and started is not None:
            wait = replace(wait, deadline=min(wait.deadline, (started + self.execution_timeout).timestamp()))
        self.log.info("waiting for %s in the triggerer; the job continues even if this task ends", wait.job)
        trigger = self.trigger_for(wait, suno_conn_id, context["ti"].try_number, heard)
        self.defer(trigger=trigger, method_name="execute_complete", timeout=trigger.airflow_timeout())

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Resume after a deferral, also when Airflow ended it without an event."""
        event = (next_kwargs or {}).get("event")
        try_number = event.get("try_number") if isinstance(event, Mapping) else None
        if try_number not in (None, context["ti"].try_number):
            # Airflow 3.0 gives the event of a try that failed after its deferral to the next try, too: start again.
            return self.execute(context)
        with self.resumed_job(context) as job_id:
            try:
                result = BaseOperator.resume_execution(self, next_method, next_kwargs, context)
            except (TaskDeferralTimeout, TaskDeferralError) as problem:
                return self.deliver(context, _without_event(problem, self.job_kind, job_id))
            self.stop_if_killed()
            return result

    def execute_complete(self, context: Context, event: Any = None) -> Any:
        """Continue after the trigger's event; anything else is an error."""
        return self.complete(context, event, self._job_id)

    def complete(self, context: Context, event: Any, job_id: str | None) -> Any:
        """Deliver the outcome that an event carries; ``job_id`` is the job that the task waits for, if known."""
        from airflow_provider_suno.polling.callback_event import CallbackEvent
        from airflow_provider_suno.polling.outcome import Outcome, OutcomeKind

        self.stop_if_killed()
        called_back: CallbackEvent | None = None
        outcome: Outcome | None = None
        try:
            called_back = CallbackEvent.read(event, self.job_kind, job_id, time.time())
            if called_back is None:
                outcome = Outcome.from_event(event, self.job_kind, job_id, "first" if self.until == "first" else "all")
        except SunoError as error:
            outcome = Outcome(OutcomeKind.GAVE_UP, JobRef(self.job_kind, job_id or ""), error=error)
        if outcome is None and called_back is not None:
            job, stage = called_back.wait.job, called_back.stage.value
            self.log.info("a callback says that %s has reached the stage %r: polling", job, stage)
            outcome = self.poll_after_callback(context, called_back)
        if outcome is None:
            raise AssertionError("an event has an outcome, or a callback to poll after")
        limit = self.execution_timeout
        if outcome.kind is OutcomeKind.TIMEOUT and limit is not None and limit.total_seconds() < self.longest_wait:
            raise AirflowTaskTimeout(f"execution_timeout ({limit}) ended the wait. {outcome.error}")
        return self.deliver(context, outcome)

    def poll_after_callback(self, context: Context, called_back: CallbackEvent) -> Outcome:
        """Poll once: return the outcome, or defer again with the same deadline."""
        from airflow_provider_suno.polling.wait import PollAgain
        from airflow_provider_suno.polling.worker import log_progress, poll_once

        wait = called_back.wait
        with self.open_hook(called_back.suno_conn_id).client as client:
            step = poll_once(client, wait)
        self.stop_if_killed()
        if isinstance(step, PollAgain):
            log_progress(self.log, step)
            self.defer_wait(step.wait, context, called_back.suno_conn_id, heard=called_back.stage.value)
        return step

    def push_partial_result(self, context: Context, outcome: Outcome) -> None:
        """Push the tracks (or other parts) of a failed job that can be used, and keep their files if asked to."""
        record, key = outcome.record, outcome.job.kind.record_key
        if outcome.error is None or record is None:
            return
        try:
            context["ti"].xcom_push(key=key, value=record.to_dict())
        except Exception as problem:  # noqa: BLE001  # the job's error matters more, and names these parts, too
            self.log.warning("the usable part of %s could not be pushed as the XCom %s: %r", outcome.job, key, problem)
        else:
            self.log.warning("%s: its usable part is in the XCom %s", outcome.job, key)
        push_record_links(context, record, self.log)
        if self.keep_at is not None:
            keep_usable_part(context, self.open_hook(self.paid_through()), outcome, self.keep_at)


def _without_event(problem: TaskDeferralTimeout | TaskDeferralError, kind: JobKind, job_id: str | None) -> Outcome:
    """Return the outcome of a deferral that Airflow ended without an event of the trigger."""
    from airflow_provider_suno.polling.outcome import Outcome, OutcomeKind

    job = JobRef(kind, job_id or "")
    named = str(job) if job_id else f"the {kind.noun} whose id is in this task's log"
    resume = job.resume_hint if job_id else f"Set {kind.id_parameter}=... to resume it; nothing is charged again."
    if isinstance(problem, TaskDeferralTimeout):
        message = (
            f"No event about {named} came from the triggerer, even past the deadline. Is a triggerer running? The job "
            f"continues at the service. {resume}"
        )
        return Outcome(OutcomeKind.TIMEOUT, job, error=job.error(kind.timed_out, message))
    error = job.error(SunoUnavailableError, f"The trigger of {named} failed: {problem}. {resume}")
    return Outcome(OutcomeKind.GAVE_UP, job, error=error)
