"""The trigger of any job: waits for it in the triggerer and reports once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Self

from airflow.providers.common.compat.sdk import conf
from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_suno.api.jobs import JobRef, Until, job_kind
from airflow_provider_suno.api.text import excerpt
from airflow_provider_suno.exceptions import SunoError, SunoUnavailableError
from airflow_provider_suno.polling.outcome import Outcome, OutcomeKind
from airflow_provider_suno.polling.wait import Wait
from airflow_provider_suno.polling.worker import log_progress, log_remark

DEFAULT_TIMEOUT = 1200.0
_SHORTEST_DEFERRAL = 7.0
_LINGER_MARGIN = 2.0
_NET_MARGIN = 120.0


class JobTrigger(BaseTrigger):
    """
    Wait for a job without holding a worker, and yield one event.

    The event is ``{"status": "finished" | "failed" | "timeout" | "gave_up", "job_id", KIND: dict | None, "error":
    {"type", "message", "code", "retry_after"} | None}``, where ``KIND`` is the name of the kind and holds the record.
    That stands beside an error only with the part that can be used of a job that ended badly. The event comes no sooner
    than about 7 s after the trigger began: the scheduler fails a task that resumes while its worker still winds up.

    A cleared or killed task cancels the trigger; the job goes on at the service, which has no cancel.

    :param kind: the name of the kind of job.
    :param job_id: the job.
    :param suno_conn_id: the connection; the key itself never travels.
    :param until: the whole result, or the ``first`` part of it that can be used.
    :param submitted_at: when it was submitted, in epoch seconds, if that is known.
    :param deadline: when to give up, in epoch seconds; 20 minutes from now by default.
    :param poll_interval: the longest gap between two polls, in seconds; ``None`` is adaptive.
    :param history: what the worker's polls saw: a status, a failure and epoch times, as :meth:`Wait.history` returns
        them.
    :param try_number: the task's try; when given, the event repeats it, so that another try knows it for an old one.
    """

    def __init__(
        self,
        kind: str,
        job_id: str,
        suno_conn_id: str = "suno_default",
        until: Until = "all",
        submitted_at: float | None = None,
        deadline: float | None = None,
        poll_interval: float | None = None,
        history: dict[str, Any] | None = None,
        try_number: int | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kind = kind
        self.job_id = job_id
        self.suno_conn_id = suno_conn_id
        self.until = until
        self.submitted_at = submitted_at
        self.deadline = time.time() + DEFAULT_TIMEOUT if deadline is None else deadline
        self.poll_interval = poll_interval
        self.history = history
        self.try_number = try_number

    @classmethod
    def for_wait(cls, wait: Wait, suno_conn_id: str, try_number: int | None = None) -> Self:
        """Return the trigger that goes on with a wait begun in a worker."""
        return cls(
            **cls._job_arguments(wait.job),
            suno_conn_id=suno_conn_id,
            until=wait.until,
            submitted_at=wait.submitted_at,
            deadline=wait.deadline,
            poll_interval=wait.poll_interval,
            history=wait.history(),
            try_number=try_number,
        )

    @classmethod
    def _job_arguments(cls, job: JobRef) -> dict[str, Any]:
        """Return the arguments that name a job."""
        return {"kind": job.kind.name, "job_id": job.id}

    @property
    def job(self) -> JobRef:
        """
        The job.

        :raises SunoValidationError: when there is no such kind.
        """
        return JobRef(job_kind(self.kind), self.job_id)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class and its arguments, as Airflow stores them."""
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {
                **self._job_arguments(self.job),
                "suno_conn_id": self.suno_conn_id,
                "until": self.until,
                "submitted_at": self.submitted_at,
                "deadline": self.deadline,
                "poll_interval": self.poll_interval,
                "history": self.history,
                "try_number": self.try_number,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, then yield the one event; errors travel in it, since one raised here would only fail the task."""
        report_at = time.monotonic() + shortest_deferral()
        try:
            outcome = await self._outcome()
            log_remark(self.log, outcome)
            await asyncio.sleep(max(0.0, report_at - time.monotonic()))
        except asyncio.CancelledError:
            self.log.warning(
                "This trigger waits for %s no longer (the task was cleared or ended, or the triggerer stops). The API "
                "has no cancel: the job goes on at the service.",
                self.job,
            )
            raise
        event = outcome.to_event()
        if self.try_number is not None:
            event["try_number"] = self.try_number
        yield TriggerEvent(event)  # type: ignore[no-untyped-call]

    def wait(self) -> Wait:
        """Return the wait, gone on with where the worker left it."""
        begun = Wait(
            job=self.job,
            started_at=time.time(),
            deadline=self.deadline,
            until=self.until,
            submitted_at=self.submitted_at,
            poll_interval=self.poll_interval,
        )
        return begun.with_history(self.history)

    async def _outcome(self) -> Outcome:
        try:
            # Loads requests, which importing the trigger has no need of.
            from airflow_provider_suno.triggers.account_poller import wait_for_outcome

            return await wait_for_outcome(self.suno_conn_id, self.wait(), lambda step: log_progress(self.log, step))
        except SunoError as error:
            return Outcome(OutcomeKind.GAVE_UP, self.job, error=error)
        except Exception as error:  # whatever it is, the waiting task must hear of it
            self.log.exception("The wait for %s broke", self.job)
            unexpected_failure = self.job.error(
                SunoUnavailableError,
                f"The wait for {self.job} broke in the triggerer ({excerpt(error, 300)}). It goes on at the service.",
            )
            return Outcome(OutcomeKind.GAVE_UP, self.job, error=unexpected_failure)

    def net_timeout(self) -> timedelta:
        """Return Airflow's own timeout for the deferral: only the net behind the wait's deadline."""
        return timedelta(seconds=max(0.0, self.deadline - time.time()) + shortest_deferral() + _NET_MARGIN)


def shortest_deferral() -> float:
    """Return the seconds an event is held back, so that the deferring worker has surely gone."""
    heartbeat: int = conf.getint("workers", "min_heartbeat_interval", fallback=5)
    return max(_SHORTEST_DEFERRAL, heartbeat + _LINGER_MARGIN)
