"""Look at music tasks from the triggerer: the seam behind which all waiting there happens."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

from airflow.providers.common.compat.connection import get_async_connection, get_async_extra_dejson
from airflow.providers.common.compat.sdk import AirflowNotFoundException

from airflow_provider_suno.api.outcomes import Outcome
from airflow_provider_suno.api.polling import LookAgain, Wait
from airflow_provider_suno.api.shown import shown
from airflow_provider_suno.client import SunoClient
from airflow_provider_suno.exceptions import SunoUnavailableError, SunoValidationError
from airflow_provider_suno.hooks.connection import read_connection
from airflow_provider_suno.transport import ClientSettings
from airflow_provider_suno.waiting import look_once

_THREADS = 8


async def wait_for_outcome(suno_conn_id: str, wait: Wait, report: Callable[[LookAgain], None]) -> Outcome:
    """
    Look at a music task until its wait ends.

    The connection is looked up on the event loop; the threads that read get plain settings and never call Airflow.

    :param suno_conn_id: the connection.
    :param wait: what is waited for.
    :param report: called on the event loop after each look that did not end the wait.
    :raises SunoError: when the connection cannot be used.
    """
    client: SunoClient | None = None
    try:
        while True:
            await asyncio.sleep(max(0.0, wait.next_look_at() - time.time()))
            try:
                client = client or SunoClient(await _settings(suno_conn_id))
                step = await asyncio.get_running_loop().run_in_executor(_threads(), look_once, client, wait)
            except SunoUnavailableError as error:
                step = wait.after_look(error, now=time.time(), jitter=random.random())
            if isinstance(step, Outcome):
                return step
            report(step)
            wait = step.wait
    finally:
        if client is not None:
            client.close()


async def _settings(suno_conn_id: str) -> ClientSettings:
    """
    Look the connection up.

    :raises SunoError: when the connection cannot be used.
    """
    # No variable holds the connection: an error keeps what its frames hold.
    return read_connection(*await _look_up(suno_conn_id)).client


async def _look_up(suno_conn_id: str) -> tuple[Any, Mapping[str, Any]]:
    """
    Return the connection and its extras.

    :raises SunoValidationError: when the triggerer does not know it.
    :raises SunoUnavailableError: when it could not be asked for just now, as it happens while the API server restarts.
    """
    try:
        connection = await get_async_connection(suno_conn_id)
        return connection, await get_async_extra_dejson(connection)
    except AirflowNotFoundException as error:
        raise SunoValidationError(
            f"The triggerer does not know the connection {suno_conn_id!r}: is it set only where tasks run? ({error})"
        ) from error
    except Exception as error:
        raise SunoUnavailableError(
            f"The connection {suno_conn_id!r} cannot be read just now: {shown(error, 300)}."
        ) from error


@lru_cache(maxsize=1)
def _threads() -> ThreadPoolExecutor:
    """Return the threads that read, one pool for the process: the event loop must never block."""
    return ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="suno-poller")
