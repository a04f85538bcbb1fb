"""How a task hands its wait to the triggerer, resumes after it, and delivers what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.providers.common.compat.sdk import AirflowTaskTimeout, BaseOperator

from airflow_provider_suno.api.jobs import JobKind, JobRef
from airflow_provider_suno.compat import TaskDeferralError, TaskDeferralTimeout
from airflow_provider_suno.exceptions import SunoError, SunoUnavailableError
from airflow_provider_suno.polling.outcome import Outcome, OutcomeKind
from airflow_provider_suno.task.cancellation import SunoTask

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_suno.polling.wait import Wait
    from airflow_provider_suno.triggers.job import JobTrigger


class WaitingTask(SunoTask):
    """Wait for a job, if need be in the triggerer."""

    until: Any = "all"

    @property
    def job_kind(self) -> JobKind:
        """The kind of job to wait for."""
        raise NotImplementedError

    @property
    def longest_wait(self) -> float:
        """The seconds that a wait lasts at most."""
        raise NotImplementedError

    def deliver(self, context: Context, outcome: Outcome) -> Any:
        """
        Push the result of a wait and return what the task returns, or raise its error.

        :param context: the try's context.
        :param outcome: how the wait ended.
        """
        raise NotImplementedError

    def resumed_job(self, context: Context) -> AbstractContextManager[str | None]:
        """
        Enter the rest of a try after its deferral, with the id of the job that it waited for, if that is known.

        :param context: the try's context.
        """
        raise NotImplementedError

    def trigger_for(self, wait: Wait, suno_conn_id: str, try_number: int | None) -> JobTrigger:
        """
        Return the trigger that goes on with a wait.

        :param wait: the wait.
        :param suno_conn_id: the connection.
        :param try_number: the task's try.
        """
        if self.job_kind.name == "music":
            from airflow_provider_suno.triggers.music_task import MusicTaskTrigger

            return MusicTaskTrigger.for_wait(wait, suno_conn_id, try_number)
        from airflow_provider_suno.triggers.job import JobTrigger

        return JobTrigger.for_wait(wait, suno_conn_id, try_number)

    def defer_wait(self, wait: Wait, context: Context, suno_conn_id: str) -> NoReturn:
        """
        Leave the worker until the wait has ended, or the task's ``execution_timeout``, which Airflow forgets meanwhile.

        :param wait: the wait.
        :param context: the try's context.
        :param suno_conn_id: the connection.
        """
        self.stop_if_killed()
        started = context["ti"].start_date
        if self.execution_timeout is not None and started is not None:
            wait = replace(wait, deadline=min(wait.deadline, (started + self.execution_timeout).timestamp()))
        self.log.info("waiting for %s in the triggerer; the job does not depend on this task", wait.job)
        trigger = self.trigger_for(wait, suno_conn_id, context["ti"].try_number)
        self.defer(trigger=trigger, method_name="execute_complete", timeout=trigger.net_timeout())

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Resume after a deferral; one that Airflow itself ended is an outcome like any other."""
        if _is_of_another_try(next_kwargs, context):
            return self.execute(context)
        with self.resumed_job(context) as job_id:
            try:
                result = BaseOperator.resume_execution(self, next_method, next_kwargs, context)
            except (TaskDeferralTimeout, TaskDeferralError) as problem:
                return self.deliver(context, _failed_deferral(problem, JobRef(self.job_kind, str(job_id))))
            self.stop_if_killed()
            return result

    def execute_complete(self, context: Context, event: Any = None) -> Any:
        """Go on after the trigger's event; anything that is not such an event is an error."""
        return self.complete(context, event, None)

    def complete(self, context: Context, event: Any, job_id: str | None) -> Any:
        """
        Deliver what an event says.

        :param context: the try's context.
        :param event: what Airflow handed to the resumed task.
        :param job_id: the job that was waited for, if it is known.
        """
        self.stop_if_killed()
        try:
            outcome = Outcome.from_event(event, self.job_kind, job_id, "first" if self.until == "first" else "all")
        except SunoError as error:
            outcome = Outcome(OutcomeKind.GAVE_UP, JobRef(self.job_kind, str(job_id)), error=error)
        limit = self.execution_timeout
        if outcome.kind is OutcomeKind.TIMEOUT and limit is not None and limit.total_seconds() < self.longest_wait:
            raise AirflowTaskTimeout(f"execution_timeout ({limit}) ended the wait. {outcome.error}")
        return self.deliver(context, outcome)


def _is_of_another_try(next_kwargs: Mapping[str, Any] | None, context: Context) -> bool:
    """
    Return whether Airflow resumes a try with the event of an earlier one, so that it must start from the beginning.

    Airflow 3.0 does that: a task that failed after its deferral keeps the event for its retry.
    """
    event = (next_kwargs or {}).get("event")
    try_number = event.get("try_number") if isinstance(event, Mapping) else None
    return try_number is not None and try_number != context["ti"].try_number


def _failed_deferral(problem: TaskDeferralTimeout | TaskDeferralError, job: JobRef) -> Outcome:
    """Return what a deferral came to that Airflow ended without an event of the trigger."""
    if isinstance(problem, TaskDeferralTimeout):
        said = f"No event about {job} came from the triggerer, even past the deadline. Is a triggerer running?"
        return Outcome(OutcomeKind.TIMEOUT, job, error=job.error(job.kind.timed_out, said))
    error = job.error(SunoUnavailableError, f"The trigger of {job} failed: {problem}")
    return Outcome(OutcomeKind.GAVE_UP, job, error=error)
