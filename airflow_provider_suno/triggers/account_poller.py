"""
Look at the music tasks of an account from the triggerer: one poller for all who wait there.

A poller is one task on the triggerer's event loop, whatever the number of waiters: it sends as many reads as the
account's budget allows, each to where a look is worth most, from a few threads of its own. It begins with its first
waiter and ends with the last one.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
import math
import random
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from airflow.providers.common.compat.connection import get_async_connection, get_async_extra_dejson
from airflow.providers.common.compat.sdk import AirflowNotFoundException

from airflow_provider_suno.api.budget import WINDOW, Budget
from airflow_provider_suno.api.models import MusicTask
from airflow_provider_suno.api.outcomes import Outcome
from airflow_provider_suno.api.polling import LookAgain, Wait
from airflow_provider_suno.api.shown import shown
from airflow_provider_suno.client import SunoClient
from airflow_provider_suno.exceptions import (
    SunoAuthError,
    SunoError,
    SunoMaintenanceError,
    SunoRateLimitError,
    SunoUnavailableError,
    SunoValidationError,
)
from airflow_provider_suno.hooks.connection import ConnectionSettings, read_connection

log = logging.getLogger(__name__)

Look = MusicTask | SunoError | None

_THREADS = 8
_RANKED = 64
"""How many are put in order at once."""

_RANKED_FOR = 1.0
"""Seconds for which the order holds."""

_LAST_LOOK = 2.0
"""Seconds before its deadline in which a waiter goes before all others."""

_REPORT_EVERY = 60.0


async def wait_for_outcome(suno_conn_id: str, wait: Wait, report: Callable[[LookAgain], None]) -> Outcome:
    """
    Wait, with all who wait for music tasks of the same account in this triggerer.

    :param suno_conn_id: the connection.
    :param wait: what is waited for.
    :param report: called after a look that did not end the wait and that is worth a line in the log.
    :raises SunoError: when the connection cannot be used.
    """
    poller = _poller_of(suno_conn_id)
    waiter = poller.add(wait)
    try:
        while True:
            step = await waiter.news()
            if isinstance(step, Outcome):
                return step
            report(step)
    finally:
        poller.remove(waiter)


class Waiter:
    """
    One who waits.

    :param wait: what for.
    """

    __slots__ = ("_future", "_news", "look_from", "looked_at", "wait")

    def __init__(self, wait: Wait) -> None:
        self.wait = wait
        self.look_from = wait.next_look_at()
        """When a look is worth a request, in epoch seconds."""
        self.looked_at: float | None = None
        """When the last look that did not fail ended."""
        self._news: deque[LookAgain | Outcome | SunoError] = deque()
        self._future: asyncio.Future[None] | None = None

    def worth_of_a_look(self, now: float) -> float:
        """Return how much a look is worth, beside those of others."""
        if self.wait.deadline - now <= _LAST_LOOK:
            return math.inf
        return self.wait.worth_of_a_look(now, looked_at=self.looked_at)

    def goes_on(self, step: LookAgain, now: float, *, failed: bool) -> None:
        """
        Go on after a look.

        :param step: what it came to.
        :param now: when it ended.
        :param failed: whether it failed.
        """
        self.wait = step.wait
        self.look_from = step.at if failed else min(step.at, now + self.wait.gap_worth_a_look(now))
        if not failed:
            self.looked_at = now

    async def news(self) -> LookAgain | Outcome:
        """
        Wait for what happens next.

        :raises SunoError: when the connection cannot be used.
        """
        if not self._news:
            self._future = asyncio.get_running_loop().create_future()
            await self._future
        step = self._news.popleft()
        if isinstance(step, SunoError):  # which others are told too
            raise type(step)(step.message, code=step.code, retry_after=step.retry_after) from step
        return step

    def tell(self, step: LookAgain | Outcome | SunoError) -> None:
        """Tell what happened."""
        self._news.append(step)
        if self._future is not None and not self._future.done():
            self._future.set_result(None)


class AccountPoller:
    """
    Look for all who wait for music tasks of one account in this process.

    :param suno_conn_id: the connection, which is looked up when there is somebody to look for, and again when the key
        is refused.
    """

    def __init__(self, suno_conn_id: str) -> None:
        self._suno_conn_id = suno_conn_id
        self._waiting: dict[Waiter, None] = {}
        self._later: list[tuple[float, int, Waiter]] = []
        self._deadlines: list[tuple[float, int, Waiter]] = []
        self._ready: dict[Waiter, None] = {}
        self._order: list[Waiter] = []
        self._ordered_until = 0.0
        self._numbers = itertools.count()
        self._budget: Budget | None = None
        self._client: SunoClient | None = None
        self._refused_key: SunoAuthError | None = None
        self._threads: ThreadPoolExecutor | None = None
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._figures = _Figures()

    def add(self, wait: Wait) -> Waiter:
        """Take in one more."""
        waiter = Waiter(wait)
        self._waiting[waiter] = None
        self._push(self._later, waiter.look_from, waiter)
        self._push(self._deadlines, wait.deadline, waiter)
        if self._task is None or self._task.done():
            # In the context of the first waiter, the lines of the poller's log would land in that one's.
            self._task = asyncio.get_running_loop().create_task(self._run(), context=Context())
        self._wake.set()
        return waiter

    def remove(self, waiter: Waiter) -> None:
        """Let one go."""
        self._waiting.pop(waiter, None)
        self._ready.pop(waiter, None)
        self._wake.set()

    def _push(self, heap: list[tuple[float, int, Waiter]], at: float, waiter: Waiter) -> None:
        if len(heap) > 64 + 2 * len(self._waiting):  # most of them wait no longer
            heap[:] = [entry for entry in heap if entry[2] in self._waiting]
            heapq.heapify(heap)
        heapq.heappush(heap, (at, next(self._numbers), waiter))

    async def _run(self) -> None:
        try:
            while self._waiting:
                self._wake.clear()
                now = time.time()
                self._end_at_deadlines(now)
                self._wake_up(now)
                if self._ready and (self._client is None or self._refused_key is not None):
                    await self._connect()
                self._send(now)
                self._figures.report(now, self._suno_conn_id, self._waiting, self._budget)
                await self._rest(now)
        except Exception as error:
            log.exception("The poller of %s broke", self._suno_conn_id)
            self._tell_all(SunoUnavailableError(f"The poller of {self._suno_conn_id} broke: {shown(error, 300)}."))
        finally:
            self._disconnect()

    async def _rest(self, now: float) -> None:
        """Sleep until there is something to do: a look, a deadline, an answer, somebody new."""
        wake_at = [heap[0][0] for heap in (self._later, self._deadlines) if heap]
        if self._ready and self._budget is not None and not self._is_busy:
            clock = time.monotonic()
            wake_at.append(now + self._budget.ready_at(clock) - clock)
        delay = min(wake_at, default=math.inf) - time.time()
        try:
            async with asyncio.timeout(max(0.0, delay) if delay < math.inf else None):
                await self._wake.wait()
        except TimeoutError:
            return

    def _end_at_deadlines(self, now: float) -> None:
        for waiter in self._due(self._deadlines, now):
            self._end(waiter, waiter.wait.at_deadline())

    def _wake_up(self, now: float) -> None:
        self._ready.update(dict.fromkeys(self._due(self._later, now)))

    def _due(self, heap: list[tuple[float, int, Waiter]], now: float) -> list[Waiter]:
        due = []
        while heap and heap[0][0] <= now:
            waiter = heapq.heappop(heap)[2]
            if waiter in self._waiting:
                due.append(waiter)
        return due

    @property
    def _is_busy(self) -> bool:
        return self._budget is not None and self._budget.in_flight >= _THREADS

    def _send(self, now: float) -> None:
        """Send what the budget allows."""
        if self._client is None or self._budget is None or self._threads is None:
            return
        while not self._is_busy and self._budget.ready_at(clock := time.monotonic()) <= clock:
            waiter = self._choose(now)
            if waiter is None:
                return
            self._budget.sent(clock)
            self._figures.reads += 1
            client = self._client
            reading = asyncio.get_running_loop().run_in_executor(
                self._threads, _look, client, waiter.wait.music_task_id
            )
            reading.add_done_callback(partial(self._looked, waiter, client, clock))

    def _choose(self, now: float) -> Waiter | None:
        """Return where a look is worth most."""
        while self._ready:
            if not self._order or now >= self._ordered_until:
                best = heapq.nlargest(_RANKED, self._ready, key=lambda waiter: waiter.worth_of_a_look(now))
                self._order, self._ordered_until = best[::-1], now + _RANKED_FOR
            waiter = self._order.pop()
            if waiter in self._ready:
                del self._ready[waiter]
                return waiter
        return None

    def _looked(self, waiter: Waiter, client: SunoClient, sent_at: float, done: asyncio.Future[Look]) -> None:
        """Take in what a look has found."""
        self._wake.set()
        bug = done.exception()
        look = None if bug else done.result()
        if self._budget is not None:
            clock = time.monotonic()
            if isinstance(look, SunoRateLimitError):
                self._figures.refusals += 1
                self._budget.refused(clock, sent_at=sent_at, retry_after=look.retry_after)
            elif isinstance(look, (SunoUnavailableError, SunoMaintenanceError)):
                self._budget.failed(clock)
            else:
                self._budget.answered(clock, sent_at=sent_at)
        if waiter not in self._waiting:
            return
        if bug is not None:
            self.remove(waiter)
            waiter.tell(
                SunoUnavailableError(f"A look at music task {waiter.wait.music_task_id} broke: {shown(bug, 300)}.")
            )
            return
        if isinstance(look, SunoAuthError) and client is self._client:
            self._refused_key = look
        if isinstance(look, (SunoAuthError, SunoRateLimitError)):
            self._ready[waiter] = None  # it is about the account, not about this one
        else:
            self._decide(waiter, look)

    def _decide(self, waiter: Waiter, look: Look) -> None:
        now = time.time()
        step = waiter.wait.after_look(look, now=now, jitter=random.random())
        if isinstance(step, Outcome):
            self._end(waiter, step)
            return
        waiter.goes_on(step, now, failed=isinstance(look, SunoError))
        self._push(self._later, waiter.look_from, waiter)
        if step.progress:
            waiter.tell(step)

    def _end(self, waiter: Waiter, outcome: Outcome) -> None:
        self.remove(waiter)
        waiter.tell(outcome)

    def _tell_all(self, error: SunoError) -> None:
        for waiter in list(self._waiting):
            self.remove(waiter)
            waiter.tell(error)

    async def _connect(self) -> None:
        """Look the connection up; if its key was refused, go on only with another one."""
        refused, self._refused_key = self._refused_key, None
        try:
            settings = await _settings(self._suno_conn_id)
        except SunoUnavailableError as error:
            self._refused_key = refused
            for waiter in list(self._ready):
                del self._ready[waiter]
                self._decide(waiter, error)
            return
        except SunoError as error:
            self._tell_all(error)
            return
        if refused is not None and self._client is not None and self._client.settings == settings.client:
            for waiter in list(self._waiting):
                self._decide(waiter, refused)
            return
        self._disconnect()
        self._client = SunoClient(settings.client)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="suno-poller")
        if self._budget is None:
            self._budget = Budget(settings.poll_limit)
        self._budget.allow(settings.poll_limit)

    def _disconnect(self) -> None:
        if self._threads is not None:
            self._threads.shutdown(wait=False)
            self._threads = None
        if self._client is not None:
            self._client.close()
            self._client = None


class _Figures:
    """What a minute of polling came to."""

    def __init__(self) -> None:
        self.reads = 0
        self.refusals = 0
        self._reported_at: float | None = None

    def report(self, now: float, suno_conn_id: str, waiting: Mapping[Waiter, None], budget: Budget | None) -> None:
        """Log a line a minute."""
        self._reported_at = self._reported_at or now
        if now - self._reported_at < _REPORT_EVERY or budget is None or not waiting:
            return
        seconds = now - self._reported_at
        log.info(
            "%s: %d waiting, the oldest for %.0f s; in %.0f s %d reads (%.0f %% of the budget), %d refused",
            suno_conn_id,
            len(waiting),
            now - min(waiter.wait.started_at for waiter in waiting),
            seconds,
            self.reads,
            100 * self.reads * WINDOW / (seconds * budget.limit),
            self.refusals,
        )
        self.reads = self.refusals = 0
        self._reported_at = now


def _look(client: SunoClient, music_task_id: str) -> Look:
    try:
        return client.get_music_task(music_task_id, resend=False)
    except SunoError as error:
        return error


_pollers: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, AccountPoller]] = WeakKeyDictionary()


def _poller_of(suno_conn_id: str) -> AccountPoller:
    """Return the poller of an account on this event loop; it outlives its waiters, since the budget does."""
    pollers = _pollers.setdefault(asyncio.get_running_loop(), {})
    if suno_conn_id not in pollers:
        pollers[suno_conn_id] = AccountPoller(suno_conn_id)
    return pollers[suno_conn_id]


async def _settings(suno_conn_id: str) -> ConnectionSettings:
    """
    Look the connection up.

    :raises SunoError: when the connection cannot be used.
    """
    # No variable holds the connection: an error keeps what its frames hold.
    return read_connection(*await _look_up(suno_conn_id))


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
