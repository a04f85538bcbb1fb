"""Reach an account from the triggerer: its connection, looked up on the event loop, and threads that read."""

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
from airflow_provider_suno.polling.wait import PollResult
from airflow_provider_suno.polling.worker import poll_job

THREADS = 64
"""Looks on their way at once; threads are begun as they are needed, which takes a few while replies are prompt."""

_LOOK_UP_PATIENCE = 30.0
"""Seconds after which a look-up of the connection is taken for stuck."""

T = TypeVar("T")


class UnknownConnectionError(SunoUnavailableError):
    """The triggerer does not know the connection; Airflow says the same when it could not be asked for just now."""


class AccountReader:
    """
    An account that can be reached.

    :param settings: of its connection.
    """

    def __init__(self, settings: ConnectionSettings) -> None:
        self.threads = THREADS
        self.client = SunoClient(settings.client, new_session=partial(BoundedSession, connections=self.threads))
        self._threads = ThreadPoolExecutor(self.threads, thread_name_prefix="suno-poller")

    def poll(self, job: JobRef, then: Callable[[PollResult, BaseException | None], None]) -> None:
        """
        Look at a music task from a thread.

        :param then: called on the event loop with what was seen, and, if the look broke, with what broke it.
        :raises RuntimeError: when no thread is to be had just now; the look is not made.
        """
        loop = asyncio.get_running_loop()
        claim = Lock()

        def poll_once_claimed() -> None:
            if not claim.acquire(blocking=False):
                return
            result, bug = _attempt(self.client, job)
            with suppress(RuntimeError):  # the loop is closed: nobody wants to know any more
                loop.call_soon_threadsafe(then, result, bug, context=Context())

        try:
            self._threads.submit(poll_once_claimed)
        except RuntimeError:
            # It stays in the pool's queue, and a thread that was busy may have found it there.
            if claim.acquire(blocking=False):
                raise

    def close(self) -> None:
        """Send nothing any more; what is on its way ends by itself."""
        self._threads.shutdown(wait=False)
        self.client.close()


def _attempt(client: SunoClient, job: JobRef) -> tuple[PollResult, BaseException | None]:
    try:
        return poll_job(client, job), None
    except BaseException as bug:  # noqa: BLE001  # whatever it is, those who wait are told
        return None, bug


def unexpected_failure(what: str, bug: BaseException) -> SunoUnavailableError:
    """
    Return what those who wait are told when something broke that should not.

    :param what: what broke.
    :param bug: how.
    """
    return SunoUnavailableError(
        f"{what} broke: {excerpt(bug, 300)}. The job goes on at the service; the next try takes it up."
    )


async def account_settings(suno_conn_id: str) -> ConnectionSettings:
    """
    Look the connection up.

    :raises UnknownConnectionError: when the triggerer does not know it.
    :raises SunoUnavailableError: when it could not be asked for just now, as it happens while the API server restarts.
    :raises SunoError: when the connection cannot be used.
    """
    # One that is stuck is left alone: to cancel it would put Airflow's own conversation out of step.
    asked = start(_settings(suno_conn_id))
    done, _ = await asyncio.wait({asked}, timeout=_LOOK_UP_PATIENCE)
    if not done:
        raise SunoUnavailableError(
            f"The connection {suno_conn_id!r} cannot be read just now: there is no answer for {_LOOK_UP_PATIENCE:g} s."
        )
    return asked.result()


def start(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """Start a task in an empty context: in that of the first waiter, its log would land in that one's."""
    return asyncio.get_running_loop().create_task(work, context=Context())


async def _settings(suno_conn_id: str) -> ConnectionSettings:
    # No variable holds the connection: an error keeps what its frames hold.
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
