"""Poll a job, or wait for it in this process; :mod:`airflow_provider_suno.polling.wait` decides what a poll means."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_suno.exceptions import SunoError
from airflow_provider_suno.polling import limits
from airflow_provider_suno.polling.outcome import Outcome
from airflow_provider_suno.polling.wait import PollAgain, PollResult, Wait

if TYPE_CHECKING:
    from airflow_provider_suno.api.jobs import JobRef
    from airflow_provider_suno.api.record import JobRecord
    from airflow_provider_suno.http.client import SunoClient


class Log(Protocol):
    """What a task's and a trigger's ``self.log`` have in common."""

    def info(self, msg: str, /, *args: Any) -> Any:
        """Log progress."""

    def warning(self, msg: str, /, *args: Any) -> Any:
        """Log what is unusual."""


def poll_once(client: SunoClient, wait: Wait) -> Outcome | PollAgain:
    """Read the record once and decide what it means."""
    return wait.after_poll(poll_job(client, wait.job), now=time.time(), jitter=random.random())


def poll_job(client: SunoClient, job: JobRef) -> PollResult:
    """Read the record once; return an error instead of raising it."""
    try:
        return client.get_record(job, resend=False)
    except SunoError as error:
        return error


def wait_in_worker(client: SunoClient, wait: Wait, log: Log) -> Outcome | None:
    """
    Poll in this process until the wait ends; return ``None`` when the task is killed meanwhile.

    :param client: its cancellation ends the wait.
    :param log: the task's: progress on a change of status, else once a minute.
    """
    while True:
        client.cancellation.pause(wait.next_poll_at() - time.time())
        if client.cancellation.requested:
            return None
        step = poll_once(client, wait)
        if isinstance(step, Outcome):
            return step
        log_progress(log, step)
        wait = step.wait


def poll_until_known(client: SunoClient, job: JobRef, log: Log) -> JobRecord:
    """
    Return the record; while the service does not know the id, poll until the grace for new ids is over.

    :param client: repeats failed reads; cancelling it ends the wait.
    :raises SunoNotFoundError: when the service still does not know the id after the grace.
    """
    now, grace = time.time(), limits.DEFAULT.unknown_id_grace
    wait = Wait(job=job, started_at=now, deadline=now + 2 * grace)
    while (record := client.get_record(job)) is None:
        step = wait.after_poll(None, now=time.time(), jitter=random.random())
        if isinstance(step, Outcome):
            return step.result()
        if wait.poll_at is None:
            log.info("the service does not know %s (yet): polling for up to %.0f s", job, grace)
        wait = step.wait
        client.cancellation.pause(step.at - time.time())
    return record


def log_progress(log: Log, step: PollAgain) -> None:
    """Log the progress that a poll found, if there is any."""
    if step.progress:
        (log.warning if step.is_warning else log.info)("%s", step.progress)


def log_finished(log: Log, outcome: Outcome) -> None:
    """Log a finished wait."""
    log.info("%s is finished:%s", outcome.job, outcome.result().result_summary())
    log_remark(log, outcome)


def log_remark(log: Log, outcome: Outcome) -> None:
    """Log what is unusual about an outcome, in the process that polled: an event does not carry it."""
    if outcome.remark:
        log.warning("%s: %s", outcome.job, outcome.remark)
