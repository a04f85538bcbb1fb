"""Reach an account from the triggerer: look up its connection on the event loop, and poll from threads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import Context
from functools import partial
from threading import Lock
from typing import Any, TypeVar

from airflow.providers.common.compat.connection import get_async_connection, get_async_extra_dejson
from airflow.providers.common.compat.sdk import AirflowNotFoundException

from airflow_provider_suno.api.jobs import JobRef
from airflow_provider_suno.api.text import excerpt
from airflow_provider_suno.exceptions import SunoUnavailableError
from airflow_provider_suno.hooks.connection import ConnectionSettings, read_connection
from airflow_provider_suno.http.client import SunoClient
from airflow_provider_suno.http.session import BoundedSession
from airflow_provider_suno.polling import limits
from airflow_provider_suno.polling.wait import PollResult
from airflow_provider_suno.polling.worker import poll_job

T = TypeVar("T")


class UnknownConnectionError(SunoUnavailableError):
    """Airflow does not know the connection; it says the same when it cannot read connections for the moment."""


class AccountReader:
    """Poll jobs of one account from a pool of threads."""

    def __init__(self, settings: ConnectionSettings) -> None:
        self.threads = limits.DEFAULT.threads
        self.client = SunoClient(settings.client, new_session=partial(BoundedSession, connections=self.threads))
        self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="suno-poller")

    def poll(self, job: JobRef, callback: Callable[[PollResult, BaseException | None], None]) -> None:
        """
        Poll a job from a thread.

        :param callback: called on the event loop with the result, and with the exception if there is none.
        :raises RuntimeError: when no thread can be started; then nothing is sent.
        """
        loop = asyncio.get_running_loop()
        claim = Lock()

        def poll_once_claimed() -> None:
            if not claim.acquire(blocking=False):
                return
            result, bug = _attempt(self.client, job)
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(callback, result, bug, context=Context())

        try:
            self._pool.submit(poll_once_claimed)
        except RuntimeError:
            # The work stays in the pool's queue; a thread that was busy may have taken it already.
            if claim.acquire(blocking=False):
                raise

    def close(self) -> None:
        """Send nothing any more; polls in flight end by themselves."""
        self._pool.shutdown(wait=False)
        self.client.close()


def _attempt(client: SunoClient, job: JobRef) -> tuple[PollResult, BaseException | None]:
    try:
        return poll_job(client, job), None
    except BaseException as bug:  # noqa: BLE001  # whatever it is, the waiters get it
        return None, bug


def unexpected_failure(what: str, bug: BaseException) -> SunoUnavailableError:
    """Return the error of waits that end because of a bug."""
    return SunoUnavailableError(
        f"{what} failed unexpectedly: {excerpt(bug, 300)}. The job continues at the service; the next try resumes it."
    )


async def account_settings(suno_conn_id: str) -> ConnectionSettings:
    """
    Look up the connection.

    :raises UnknownConnectionError: when Airflow does not know it.
    :raises SunoUnavailableError: when it cannot be read for the moment, as while the API server restarts.
    :raises SunoError: when its settings are wrong.
    """
    timeout = limits.DEFAULT.connection_timeout
    # One that hangs is left alone: cancelling it would corrupt Airflow's channel to its own process.
    look_up = start(_settings(suno_conn_id))
    done, _ = await asyncio.wait({look_up}, timeout=timeout)
    if not done:
        raise SunoUnavailableError(
            f"The connection {suno_conn_id!r} cannot be read just now: there is no answer for {timeout:g} s."
        )
    return look_up.result()


def start(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """Start a task in an empty context, so that its log lines do not go to the first waiter's log."""
    return asyncio.get_running_loop().create_task(work, context=Context())


async def _settings(suno_conn_id: str) -> ConnectionSettings:
    # No variable holds the connection: tracebacks keep locals alive, and it holds the key.
    return read_connection(*await _look_up(suno_conn_id))


async def _look_up(suno_conn_id: str) -> tuple[Any, Mapping[str, Any]]:
    try:
        connection = await get_async_connection(suno_conn_id)
        return connection, await get_async_extra_dejson(connection)
    except AirflowNotFoundException as error:
        raise UnknownConnectionError(
            f"The triggerer does not know the connection {suno_conn_id!r}: is it set only where tasks run? ({error})"
        ) from error
    except Exception as error:
        raise SunoUnavailableError(
            f"The connection {suno_conn_id!r} cannot be read just now: {excerpt(error, 300)}."
        ) from error
