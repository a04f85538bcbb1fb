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
from collections.abc import Callable
from functools import partial

from airflow_provider_suno.api.budget import WINDOW, Budget
from airflow_provider_suno.api.expectation import Expectation
from airflow_provider_suno.api.models import MusicTask
from airflow_provider_suno.api.outcomes import Outcome
from airflow_provider_suno.api.polling import SHORTEST_GAP, Look, LookAgain, Wait
from airflow_provider_suno.api.shown import shown
from airflow_provider_suno.api.turns import Turn, Turns
from airflow_provider_suno.exceptions import (
    SunoAuthError,
    SunoError,
    SunoMaintenanceError,
    SunoRateLimitError,
    SunoUnavailableError,
    SunoValidationError,
)
from airflow_provider_suno.hooks.connection import ConnectionSettings
from airflow_provider_suno.triggers.account import Account, UnknownConnectionError, account_settings, start

log = logging.getLogger(__name__)

_UNKNOWN_GRACE = 60.0
"""Seconds for which a connection may be unknown: Airflow says so, too, when it could not be asked."""

_CLOCK_SLACK = 1.0
"""Seconds that the clock may be set back unnoticed."""

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
        self._account: Account | None = None
        self._budget: Budget | None = None
        self._refused_key: SunoAuthError | None = None
        self._key_confirmed_at: float | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._connect_from = -math.inf
        self._unknown_since: float | None = None
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._clocks_apart = time.time() - time.monotonic()
        self._figures = _Figures()

    def add(self, wait: Wait) -> tuple[Turn, Mailbox]:
        """Take in one more."""
        turn, mailbox = self._turns.add(wait), Mailbox()
        self._mailboxes[turn] = mailbox
        if self._task is None or self._task.done():
            self._task = start(self._run())
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
        self._figures = _Figures()
        try:
            while self._mailboxes:
                self._wake.clear()
                self._mind_the_clock()
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
            self._tell_all(_broke(f"The poller of {self._suno_conn_id}", broke))

    def _mind_the_clock(self) -> None:
        apart = time.time() - time.monotonic()
        if apart < self._clocks_apart - _CLOCK_SLACK:
            self._turns.set_back(self._clocks_apart - apart)
        self._clocks_apart = apart

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
        if (reached := self._reached()) is None:
            return self._connect_from if self._connecting is None else math.inf
        account, budget = reached
        return budget.ready_at(clock) if budget.in_flight < account.threads else math.inf

    def _reached(self) -> tuple[Account, Budget] | None:
        """Return the account and its budget, unless the connection has to be looked up first."""
        if self._account is None or self._budget is None or self._refused_key is not None:
            return None
        return self._account, self._budget

    def _send(self, now: float) -> None:
        """Send what the budget allows."""
        while self._turns.has_turn(now) and self._ready_at(clock := time.monotonic()) <= clock:
            if (reached := self._reached()) is None:
                self._connecting = start(self._connect())
                return
            turn = self._turns.next(now)
            if turn is None:
                return
            account, budget = reached
            reading = account.look(turn.wait.music_task_id)
            budget.sent(clock)
            self._figures.reads += 1
            reading.add_done_callback(partial(self._looked, turn, account, clock))

    def _looked(self, turn: Turn, account: Account, sent_at: float, done: asyncio.Future[Look]) -> None:
        """Take in what a look has found, or how it broke."""
        self._wake.set()
        bug = asyncio.CancelledError() if done.cancelled() else done.exception()
        broken = _broke("A look", bug) if bug else None
        look = broken or done.result()
        try:
            refused_all_round = self._count(look, sent_at)
            if turn not in self._turns:
                return
            if broken is not None:
                self._tell(turn, broken)
            elif isinstance(look, SunoAuthError):
                self._turns.again(turn, time.time())
                self._key_was_refused(look, account, sent_at)
            elif isinstance(look, SunoRateLimitError) and not refused_all_round:
                self._turns.again(turn, time.time())  # it is about the account, not about this one
            else:
                self._key_confirmed_at = None
                self._decide(turn, look)
        except Exception as error:
            log.exception("A look at music task %s broke", turn.wait.music_task_id)
            if turn in self._turns:
                self._tell(turn, _broke("A look", error))

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
            self._budget.failed(clock, retry_after=look.retry_after)
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

    def _key_was_refused(self, refusal: SunoAuthError, account: Account, sent_at: float) -> None:
        """Look the connection up again; end all waits if the very key that it still holds is refused once more."""
        if account is not self._account:
            return
        if self._key_confirmed_at is None:
            self._refused_key = refusal
        elif sent_at > self._key_confirmed_at:
            for turn in list(self._mailboxes):
                self._decide(turn, refusal)

    async def _connect(self) -> None:
        """Look the connection up."""
        try:
            settings = await account_settings(self._suno_conn_id)
        except UnknownConnectionError as error:
            clock = time.monotonic()
            self._unknown_since = self._unknown_since or clock
            if clock - self._unknown_since >= _UNKNOWN_GRACE:
                self._tell_all(SunoValidationError(error.message))
            else:
                self._decide_all_in_line(error)
        except SunoUnavailableError as error:
            self._decide_all_in_line(error)
        except SunoError as error:
            self._tell_all(error)
        else:
            self._unknown_since = None
            self._connected(settings)
        finally:
            self._connecting = None
            self._connect_from = time.monotonic() + SHORTEST_GAP
            self._wake.set()

    def _decide_all_in_line(self, look: Look) -> None:
        now = time.time()
        while (turn := self._turns.next(now)) is not None:
            self._decide(turn, look)

    def _connected(self, settings: ConnectionSettings) -> None:
        if not self._mailboxes:
            return
        refused, self._refused_key = self._refused_key, None
        if refused is not None and self._account is not None and self._account.client.settings == settings.client:
            self._key_confirmed_at = time.monotonic()
            return
        self._disconnect()
        self._account = Account(settings)
        self._budget = self._budget or Budget(settings.poll_limit)
        self._budget.allow(settings.poll_limit)

    def _disconnect(self) -> None:
        self._refused_key = self._key_confirmed_at = None
        if self._account is not None:
            self._account.close()
            self._account = None


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


def _broke(what: str, why: BaseException | str) -> SunoUnavailableError:
    return SunoUnavailableError(
        f"{what} broke: {shown(why, 300)}. The job goes on at the service; the next try takes it up."
    )


_pollers: dict[asyncio.AbstractEventLoop, dict[str, AccountPoller]] = {}


def _poller_of(suno_conn_id: str) -> AccountPoller:
    """Return the poller of an account on this event loop; it outlives its waiters, since the budget does."""
    loop = asyncio.get_running_loop()
    if loop not in _pollers:
        for closed in [other for other in _pollers if other.is_closed()]:
            del _pollers[closed]
        _pollers[loop] = {}
    pollers = _pollers[loop]
    if suno_conn_id not in pollers:
        pollers[suno_conn_id] = AccountPoller(suno_conn_id)
    return pollers[suno_conn_id]
