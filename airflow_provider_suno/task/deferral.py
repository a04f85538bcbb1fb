"""Hand a wait to the triggerer: the one place where a task of this provider defers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from airflow.providers.common.compat.sdk import AirflowTaskTimeout

from airflow_provider_suno.compat import TaskDeferralError, TaskDeferralTimeout
from airflow_provider_suno.exceptions import SunoError, SunoUnavailableError
from airflow_provider_suno.polling.outcome import Outcome, OutcomeKind

if TYPE_CHECKING:
    from datetime import timedelta

    from airflow.sdk import Context
    from airflow.triggers.base import BaseTrigger

    from airflow_provider_suno.api.jobs import JobKind
    from airflow_provider_suno.polling.wait import Wait


class Deferrable(Protocol):
    """A task that resumes in ``execute_complete``."""

    suno_conn_id: str
    execution_timeout: timedelta | None

    @property
    def log(self) -> Any:
        """The task's log."""

    def trigger_for(self, wait: Wait, suno_conn_id: str, try_number: int | None) -> Any:
        """Return the trigger that goes on with a wait."""

    def stop_if_killed(self) -> None:
        """Raise when Airflow has asked the task to end."""

    def defer(self, *, trigger: BaseTrigger, method_name: str, timeout: timedelta) -> NoReturn:
        """Leave the worker until the trigger's event."""


def is_of_another_try(next_kwargs: Mapping[str, Any] | None, context: Context) -> bool:
    """
    Return whether Airflow resumes a try with the event of an earlier one.

    Airflow 3.0 does: a task that failed after its deferral keeps the event, and its retry goes on with it. Such a try
    has to start from the beginning.

    :param next_kwargs: what the task is resumed with.
    :param context: the try's context.
    """
    event = (next_kwargs or {}).get("event")
    try_number = event.get("try_number") if isinstance(event, Mapping) else None
    return try_number is not None and try_number != context["ti"].try_number


def defer_wait(task: Deferrable, wait: Wait, context: Context, *, suno_conn_id: str | None = None) -> NoReturn:
    """
    Leave the worker until the wait has ended, or the task's ``execution_timeout`` has, which Airflow forgets meanwhile.

    :param task: who waits.
    :param wait: what is waited for.
    :param context: the try's context.
    :param suno_conn_id: another connection than the task's own.
    """
    task.stop_if_killed()
    started = context["ti"].start_date
    if task.execution_timeout is not None and started is not None:
        wait = replace(wait, deadline=min(wait.deadline, (started + task.execution_timeout).timestamp()))
    task.log.info("waiting for %s in the triggerer; it goes on at the service whatever becomes of this task", wait.job)
    trigger = task.trigger_for(wait, suno_conn_id or task.suno_conn_id, context["ti"].try_number)
    task.defer(trigger=trigger, method_name="execute_complete", timeout=trigger.net_timeout())


def stop_if_execution_timed_out(task: Deferrable, outcome: Outcome, patience: float) -> None:
    """
    Raise Airflow's own error when the deferred wait ended by the task's ``execution_timeout``.

    :param task: who waited.
    :param outcome: how the wait ended.
    :param patience: the seconds that the wait would have lasted otherwise.
    """
    limit = task.execution_timeout
    if outcome.kind is OutcomeKind.TIMEOUT and limit is not None and limit.total_seconds() < patience:
        raise AirflowTaskTimeout(f"execution_timeout ({limit}) ended the wait. {outcome.error}")


def error_of_deferral(problem: TaskDeferralTimeout | TaskDeferralError, kind: JobKind, job_id: str | None) -> SunoError:
    """
    Return in our words, which name the job, what went wrong with a deferral.

    :param problem: as Airflow says it.
    :param kind: the kind of job.
    :param job_id: its id, if it is known.
    """
    if isinstance(problem, TaskDeferralTimeout):
        return kind.timed_out(
            f"No word of {kind.noun} {job_id} from the triggerer, even past the deadline: is one running?",
            job_id=job_id,
        )
    return SunoUnavailableError(f"The trigger of {kind.noun} {job_id} failed: {problem}", job_id=job_id)
