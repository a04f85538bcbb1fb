"""The trigger for a job of any kind: it waits in the triggerer and yields one event."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

from airflow.providers.common.compat.sdk import conf
from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_suno.api.jobs import JobRef, Until, job_kind
from airflow_provider_suno.api.text import excerpt
from airflow_provider_suno.exceptions import SunoError, SunoUnavailableError
from airflow_provider_suno.polling.arguments import DEFAULT_TIMEOUT

if TYPE_CHECKING:
    from airflow_provider_suno.polling.outcome import Outcome
    from airflow_provider_suno.polling.wait import Wait

_SHORTEST_DEFERRAL = 7.0
_WORKER_EXIT_MARGIN = 2.0
_DEFERRAL_MARGIN = 120.0

_STORED = (
    "suno_conn_id",
    "until",
    "submitted_at",
    "deadline",
    "poll_interval",
    "history",
    "try_number",
    "expects_callback",
    "heard",
)


class JobTrigger(BaseTrigger):
    """
    Wait for a job without holding a worker, and yield one event.

    The event is ``{"status": "finished" | "failed" | "timeout" | "gave_up", "job_id", KIND: dict | None, "error":
    {"type", "message", "code", "retry_after"} | None}``, where ``KIND`` is the name of the kind and holds the record.
    Beside an error, it holds only the part of a failed job that can be used. The event comes at least 7 s after the
    trigger started: the scheduler fails a task that resumes before its worker has exited.

    Clearing or killing the task cancels the trigger. The job continues at the service, which cannot cancel it.

    :param kind: the name of the kind of job.
    :param job_id: the job.
    :param suno_conn_id: the connection; the key itself never travels.
    :param until: the whole result, or the ``first`` part of it that can be used.
    :param submitted_at: when it was submitted, in epoch seconds, if that is known.
    :param deadline: when to give up, in epoch seconds; by default 20 minutes from now.
    :param poll_interval: the longest gap between two polls, in seconds; ``None`` is adaptive.
    :param history: what the worker's polls have seen, as :meth:`Wait.history` returns it.
    :param try_number: the task's try; when given, the event repeats it, so that a later try can tell an old event.
    :param expects_callback: whether a callback will resume the task; then polls are rare.
    :param heard: the stage of the callback that has resumed the task last, which does not resume it again.
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
        expects_callback: bool = False,
        heard: str | None = None,
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
        self.expects_callback = expects_callback
        self.heard = heard

    @classmethod
    def for_wait(cls, wait: Wait, suno_conn_id: str, try_number: int | None = None, heard: str | None = None) -> Self:
        """Return the trigger that continues a worker's wait."""
        return cls(
            **cls._job_arguments(wait.job),
            suno_conn_id=suno_conn_id,
            until=wait.until,
            submitted_at=wait.submitted_at,
            deadline=wait.deadline,
            poll_interval=wait.poll_interval,
            history=wait.history(),
            try_number=try_number,
            expects_callback=wait.expects_callback,
            heard=heard,
        )

    @classmethod
    def _job_arguments(cls, job: JobRef) -> dict[str, Any]:
        return {"kind": job.kind.name, "job_id": job.id}

    @property
    def job(self) -> JobRef:
        """The job; raises a :class:`SunoValidationError` when there is no such kind."""
        return JobRef(job_kind(self.kind), self.job_id)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and its arguments, as Airflow stores them."""
        arguments = {**self._job_arguments(self.job), **{name: getattr(self, name) for name in _STORED}}
        return f"{type(self).__module__}.{type(self).__qualname__}", arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, then yield the one event; it carries errors, too, since one raised here would fail the task unread."""
        from airflow_provider_suno.polling.worker import log_remark

        not_before = time.monotonic() + shortest_deferral()
        try:
            outcome = await self._outcome()
            log_remark(self.log, outcome)
            await asyncio.sleep(max(0.0, not_before - time.monotonic()))
        except asyncio.CancelledError:
            # With a callback, that is most likely how the task was resumed.
            log = self.log.info if self.expects_callback or self.heard else self.log.warning
            log(
                "This trigger no longer waits for %s (the task was resumed by a callback, cleared or ended, or the "
                "triggerer stops). The job continues at the service, which cannot cancel it.",
                self.job,
            )
            raise
        event = outcome.to_event()
        if self.try_number is not None:
            event["try_number"] = self.try_number
        yield TriggerEvent(event)  # type: ignore[no-untyped-call]

    def wait(self) -> Wait:
        """Return the wait, as the worker left it."""
        from airflow_provider_suno.polling.wait import Wait

        return Wait.from_arguments(self.job, vars(self), time.time())

    async def _outcome(self) -> Outcome:
        from airflow_provider_suno.polling.outcome import Outcome, OutcomeKind

        try:
            # Imported late: it loads requests, which the scheduler does not need to import the trigger.
            from airflow_provider_suno.polling.worker import log_progress
            from airflow_provider_suno.triggers.account_poller import wait_for_outcome

            return await wait_for_outcome(self.suno_conn_id, self.wait(), lambda step: log_progress(self.log, step))
        except SunoError as error:
            return Outcome(OutcomeKind.GAVE_UP, self.job, error=error)
        except Exception as error:  # whatever it is, the task must get an event
            self.log.exception("The wait for %s failed unexpectedly", self.job)
            unexpected = self.job.error(
                SunoUnavailableError,
                f"The wait for {self.job} failed unexpectedly in the triggerer ({excerpt(error, 300)}). The job goes "
                f"on at the service. {self.job.resume_hint}",
            )
            return Outcome(OutcomeKind.GAVE_UP, self.job, error=unexpected)

    def airflow_timeout(self) -> timedelta:
        """Return Airflow's timeout for the deferral: later than the deadline, in case the triggerer is down."""
        return timedelta(seconds=max(0.0, self.deadline - time.time()) + shortest_deferral() + _DEFERRAL_MARGIN)


def shortest_deferral() -> float:
    """Return for how many seconds an event is held back, so that the deferring worker has exited."""
    heartbeat: int = conf.getint("workers", "min_heartbeat_interval", fallback=5)
    return max(_SHORTEST_DEFERRAL, heartbeat + _WORKER_EXIT_MARGIN)
