"""Poll a job, and wait for it in this process; :mod:`airflow_provider_suno.polling.wait` decides."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_suno.exceptions import SunoError
from airflow_provider_suno.polling.outcome import Outcome
from airflow_provider_suno.polling.wait import UNKNOWN_ID_GRACE, PollAgain, PollResult, Wait

if TYPE_CHECKING:
    from airflow_provider_suno.api.jobs import JobRef
    from airflow_provider_suno.api.record import JobRecord
    from airflow_provider_suno.http.client import SunoClient


class Log(Protocol):
    """What a task's and a trigger's ``self.log`` have in common."""

    def info(self, msg: str, /, *args: Any) -> Any:
        """Log what happens."""

    def warning(self, msg: str, /, *args: Any) -> Any:
        """Log what is odd."""


def poll_once(client: SunoClient, wait: Wait) -> Outcome | PollAgain:
    """
    Read the record once and decide.

    :param client: who reads.
    :param wait: what is waited for.
    """
    result = poll_job(client, wait.job)
    return wait.after_poll(result, now=time.time(), jitter=random.random())


def poll_job(client: SunoClient, job: JobRef) -> PollResult:
    """
    Read the record once; an error is something seen, too.

    :param client: who reads.
    :param job: the job.
    """
    try:
        return client.get_record(job, resend=False)
    except SunoError as error:
        return error


def wait_in_worker(client: SunoClient, wait: Wait, log: Log) -> Outcome | None:
    """
    Hold this process until the wait ends; return ``None`` when the task was killed meanwhile.

    :param client: who reads.
    :param wait: what is waited for.
    :param log: where progress goes: on a change of status, and at most once a minute.
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
    Return the record; hold this process for the short grace in which a new id may not be visible yet.

    :param client: who reads; failed reads are sent again. To cancel it ends the wait.
    :param job: the job.
    :param log: where it says so when it has to wait.
    :raises SunoNotFoundError: when the service still does not know it after the grace.
    """
    now = time.time()
    wait = Wait(job=job, started_at=now, deadline=now + 2 * UNKNOWN_ID_GRACE)
    while (record := client.get_record(job)) is None:
        step = wait.after_poll(None, now=time.time(), jitter=random.random())
        if isinstance(step, Outcome):
            return step.result()
        if wait.poll_at is None:
            log.info("the service does not know %s (yet): asking again for up to %.0f s", job, UNKNOWN_ID_GRACE)
        wait = step.wait
        client.cancellation.pause(step.at - time.time())
    return record


def log_progress(log: Log, step: PollAgain) -> None:
    """Log what a look found, if it is worth a line."""
    if step.progress:
        (log.warning if step.odd else log.info)("%s", step.progress)


def log_finished(log: Log, outcome: Outcome) -> None:
    """Log a finished wait."""
    log.info("%s is finished:%s", outcome.job, outcome.result().result_in_words())
    log_remark(log, outcome)


def push_partial_result(context: Any, outcome: Outcome, log: Log) -> None:
    """
    Push what can be used of a job that ended badly as an XCom; it may be paid for.

    :param context: the try's context.
    :param outcome: how the wait ended; without such a part nothing happens.
    :param log: the task's.
    """
    record, key = outcome.record, outcome.job.kind.record_key
    if outcome.error is None or record is None:
        return
    try:
        context["ti"].xcom_push(key=key, value=record.to_dict())
    except Exception as problem:  # noqa: BLE001  # the error of the job matters more, and names that part too
        log.warning("what can be used of %s could not be pushed as the XCom %s: %r", outcome.job, key, problem)
    else:
        log.warning("%s: what can be used of it is in the XCom %s", outcome.job, key)


def log_remark(log: Log, outcome: Outcome) -> None:
    """Log what is odd about an outcome, where it was seen: an event does not carry it."""
    if outcome.remark:
        log.warning("%s: %s", outcome.job, outcome.remark)
