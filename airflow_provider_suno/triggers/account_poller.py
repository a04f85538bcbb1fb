"""Look at music tasks from the triggerer: the seam behind which all waiting there happens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

from airflow.providers.common.compat.connection import get_async_connection, get_async_extra_dejson

from airflow_provider_suno.api.outcomes import Outcome
from airflow_provider_suno.api.polling import LookAgain, Wait
from airflow_provider_suno.client import SunoClient
from airflow_provider_suno.hooks.connection import read_connection
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
    connection = await get_async_connection(suno_conn_id)
    settings = read_connection(connection, await get_async_extra_dejson(connection))
    with SunoClient(settings.client) as client:
        at = wait.first_look_at()
        while True:
            await asyncio.sleep(max(0.0, at - time.time()))
            step = await asyncio.get_running_loop().run_in_executor(_threads(), look_once, client, wait)
            if isinstance(step, Outcome):
                return step
            report(step)
            wait, at = step.wait, step.at


@lru_cache(maxsize=1)
def _threads() -> ThreadPoolExecutor:
    """Return the threads that read, one pool for the process: the event loop must never block."""
    return ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="suno-poller")
