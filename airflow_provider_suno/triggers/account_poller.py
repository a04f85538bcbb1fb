"""
Look at the music tasks of an account from the triggerer: one poller for all who wait there.

A poller is one task on the triggerer's event loop, whatever the number of waiters: it sends as many reads as the
account's budget allows, each to where an end is likeliest, from a few threads of its own. It begins with its first
waiter and ends with the last one.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
import time
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from airflow.providers.common.compat.connection import get_async_connection, get_async_extra_dejson
from airflow.providers.common.compat.sdk import AirflowNotFoundException

from airflow_provider_suno.api.budget import WINDOW, Budget
from airflow_provider_suno.api.expectation import Expectation
from airflow_provider_suno.api.models import MusicTask
from airflow_provider_suno.api.outcomes import Outcome, OutcomeKind
from airflow_provider_suno.api.polling import SHORTEST_GAP, LookAgain, Wait
from airflow_provider_suno.api.shown import shown
from airflow_provider_suno.api.turns import Turn, Turns
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

_FEWEST_THREADS = 8
_MOST_THREADS = 64
_SLOWEST_REPLY = 0.5
"""Seconds that replies may take while the budget can still be used up."""

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
    turn, mailbox = poller.add(wait)
    try:
        while not isinstance(step := await mailbox.next(), Outcome):
            report(step)
        return step
    finally:
        poller.remove(turn)


class Mailbox:
    """Where one who waits hears what became of the looks."""

    __slots__ = ("_arrival", "_news")

    def __init__(self) -> None:
        self._news: list[LookAgain | Outcome | SunoError] = []
        self._arrival: asyncio.Future[None] | None = None

    async def next(self) -> LookAgain | Outcome:
        """
        Wait for what happens next.

        :raises SunoError: when the connection cannot be used.
        """
        if not self._news:
            self._arrival = asyncio.get_running_loop().create_future()
            await self._arrival
        step = self._news.pop(0)
        if isinstance(step, SunoError):  # which others are told too
            raise type(step)(step.message, code=step.code, retry_after=step.retry_after) from step
        return step

    def put(self, step: LookAgain | Outcome | SunoError) -> None:
        """Tell what happened."""
        self._news.append(step)
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)


class AccountPoller:
    """
    Look for all who wait for music tasks of one account in this process.

    :param suno_conn_id: the connection, which is looked up when there is somebody to look for, and again when the key
        is refused.
    """

    def __init__(self, suno_conn_id: str) -> None:
        self._suno_conn_id = suno_conn_id
        self._turns = Turns(Expectation())
        self._mailboxes: dict[Turn, Mailbox] = {}
        self._account: _Account | None = None
        self._budget: Budget | None = None
        self._refused_key: SunoAuthError | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._connect_from = -math.inf
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._figures = _Figures()

    def add(self, wait: Wait) -> tuple[Turn, Mailbox]:
        """Take in one more."""
        turn, mailbox = self._turns.add(wait), Mailbox()
        self._mailboxes[turn] = mailbox
        if self._task is None or self._task.done():
            self._task = _start(self._run())
        self._wake.set()
        return turn, mailbox

    def remove(self, turn: Turn) -> None:
        """Let one go."""
        self._turns.remove(turn)
        self._mailboxes.pop(turn, None)
        if not self._mailboxes:
            self._wake.set()

    async def _run(self) -> None:
        broke: BaseException | str = "it was ended"
        try:
            while self._mailboxes:
                self._wake.clear()
                now = time.time()
                for turn in self._turns.past_deadline(now):
                    self._tell(turn, turn.wait.at_deadline())
                self._send(now)
                self._figures.report(now, self._suno_conn_id, self._turns, self._budget)
                await self._rest()
        except Exception as error:
            log.exception("The poller of %s broke", self._suno_conn_id)
            broke = error
        finally:
            self._disconnect()
            # Only if it broke, or somebody else ended it.
            self._tell_all(SunoUnavailableError(f"The poller of {self._suno_conn_id} broke: {shown(broke, 300)}."))

    async def _rest(self) -> None:
        """Sleep until there is something to do: a look, a deadline, an answer, somebody new."""
        now, clock = time.time(), time.monotonic()
        delay = min(self._turns.next_change_at() - now, _REPORT_EVERY)
        if self._turns.has_turn(now):
            delay = min(delay, self._ready_at(clock) - clock)
        try:
            async with asyncio.timeout(max(0.0, delay)):
                await self._wake.wait()
        except TimeoutError:
            return

    def _ready_at(self, clock: float) -> float:
        """Return when something can be done for those in line; ``math.inf`` if only an answer can tell."""
        if self._account is None or self._budget is None or self._refused_key is not None:
            return self._connect_from if self._connecting is None else math.inf
        return self._budget.ready_at(clock) if self._budget.in_flight < self._account.threads else math.inf

    def _send(self, now: float) -> None:
        """Send what the budget allows."""
        while self._turns.has_turn(now) and self._ready_at(clock := time.monotonic()) <= clock:
            if self._account is None or self._budget is None or self._refused_key is not None:
                self._connecting = _start(self._connect())
                return
            turn = self._turns.next(now)
            if turn is None:
                return
            self._budget.sent(clock)
            self._figures.reads += 1
            reading = self._account.look(turn.wait.music_task_id)
            reading.add_done_callback(partial(self._looked, turn, self._account, clock))

    def _looked(self, turn: Turn, account: _Account, sent_at: float, done: asyncio.Future[Look]) -> None:
        """Take in what a look has found."""
        self._wake.set()
        bug = done.exception()
        broken = SunoUnavailableError(f"A look at it broke: {shown(bug, 300)}.") if bug else None
        look = broken or done.result()
        refused_all_round = self._count(look, sent_at)
        if turn not in self._turns:
            return
        if broken is not None:
            self._tell(turn, Outcome(OutcomeKind.GAVE_UP, turn.wait.music_task_id, error=broken))
        elif isinstance(look, SunoAuthError):  # it is about the account, not about this one
            if account is self._account:
                self._refused_key = look
            self._turns.again(turn, time.time())
        elif isinstance(look, SunoRateLimitError) and not refused_all_round:
            self._turns.again(turn, time.time())
        else:
            self._decide(turn, look)

    def _count(self, look: Look, sent_at: float) -> bool:
        """Count a look in the budget, and return whether the service refuses them all."""
        if self._budget is None:
            return False
        clock = time.monotonic()
        if isinstance(look, SunoRateLimitError):
            self._figures.refusals += 1
            before = self._budget.allowed
            self._budget.refused(clock, sent_at=sent_at, retry_after=look.retry_after)
            if self._budget.allowed < before:
                log.warning(
                    "%s: refused, going slower (%.0f reads in %.0f s): %s",
                    self._suno_conn_id,
                    self._budget.allowed,
                    WINDOW,
                    look.message,
                )
        elif isinstance(look, (SunoUnavailableError, SunoMaintenanceError)):
            self._budget.failed(clock)
        else:
            self._budget.answered(clock)
        return self._budget.refuses_all

    def _decide(self, turn: Turn, look: Look) -> None:
        now = time.time()
        step = turn.wait.after_look(look, now=now, jitter=random.random())
        if isinstance(step, LookAgain):
            self._turns.looked(turn, step, now)
            if step.progress:
                self._mailboxes[turn].put(step)
            return
        if isinstance(look, MusicTask):
            self._turns.ended(turn, now)
        self._tell(turn, step)

    def _tell(self, turn: Turn, end: Outcome | SunoError) -> None:
        """Tell one the end, and let it go."""
        mailbox = self._mailboxes[turn]
        self.remove(turn)
        mailbox.put(end)

    def _tell_all(self, error: SunoError) -> None:
        for turn in list(self._mailboxes):
            self._tell(turn, error)

    async def _connect(self) -> None:
        """Look the connection up; if its key was refused, go on only with another one."""
        try:
            settings = await _settings(self._suno_conn_id)
        except SunoUnavailableError as error:
            now = time.time()
            while (turn := self._turns.next(now)) is not None:
                self._decide(turn, error)
        except SunoError as error:
            self._tell_all(error)
        else:
            self._connected(settings)
        finally:
            self._connecting = None
            self._connect_from = time.monotonic() + SHORTEST_GAP
            self._wake.set()

    def _connected(self, settings: ConnectionSettings) -> None:
        refused = self._refused_key
        if refused is not None and self._account is not None and self._account.client.settings == settings.client:
            self._refused_key = None
            for turn in list(self._mailboxes):
                self._decide(turn, refused)
        elif self._mailboxes:
            self._disconnect()
            self._account = _Account(settings)
            self._budget = self._budget or Budget(settings.poll_limit)
            self._budget.allow(settings.poll_limit)

    def _disconnect(self) -> None:
        self._refused_key = None
        if self._account is not None:
            self._account.close()
            self._account = None


class _Account:
    """
    An account that can be reached.

    :param settings: of its connection.
    """

    def __init__(self, settings: ConnectionSettings) -> None:
        self.client = SunoClient(settings.client)
        wanted = math.ceil(settings.poll_limit / WINDOW * _SLOWEST_REPLY)
        self.threads = min(max(wanted, _FEWEST_THREADS), _MOST_THREADS)
        self._threads = ThreadPoolExecutor(self.threads, thread_name_prefix="suno-poller")

    def look(self, music_task_id: str) -> asyncio.Future[Look]:
        """Look at a music task from a thread."""
        return asyncio.get_running_loop().run_in_executor(self._threads, _look, self.client, music_task_id)

    def close(self) -> None:
        """Send nothing any more; what is on its way ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self.client.close()


class _Figures:
    """What a minute of polling came to."""

    def __init__(self) -> None:
        self.reads = 0
        self.refusals = 0
        self._reported_at: float | None = None

    def report(self, now: float, suno_conn_id: str, turns: Turns, budget: Budget | None) -> None:
        """Log a line a minute."""
        self._reported_at = self._reported_at or now
        if now - self._reported_at < _REPORT_EVERY or budget is None or not len(turns):
            return
        seconds = now - self._reported_at
        log.info(
            "%s: %d waiting, the oldest for %.0f s; in %.0f s %d reads (%.0f %% of the budget), %d refused",
            suno_conn_id,
            len(turns),
            now - min(turn.wait.started_at for turn in turns.waiting),
            seconds,
            self.reads,
            100 * self.reads * WINDOW / (seconds * budget.limit),
            self.refusals,
        )
        self.reads = self.refusals = 0
        self._reported_at = now


def _start(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """Start a task in an empty context: in that of the first waiter, its log would land in that one's."""
    return asyncio.get_running_loop().create_task(work, context=Context())


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
