"""
Look at the music tasks of an account from the triggerer: one poller for all who wait there.

A poller sends as many reads as the account's budget allows, each to where an end is likeliest, from a few threads of
its own. On the triggerer's event loop it is one timer, whatever the number of waiters: it goes on when that goes off,
when a look is answered or the connection was looked up, and when somebody comes; each time it sets the timer anew. When
the last waiter has gone it lets go of the connection, the threads and the timer.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
import time
from collections.abc import Callable
from contextvars import Context
from functools import partial

from airflow_provider_suno.api.jobs import JobRef
from airflow_provider_suno.exceptions import SunoAuthError, SunoError, SunoRateLimitError, SunoUnavailableError
from airflow_provider_suno.polling.completion import Expectation
from airflow_provider_suno.polling.outcome import Outcome, OutcomeKind
from airflow_provider_suno.polling.rate_limit import WINDOW, Budget
from airflow_provider_suno.polling.ready_queue import Turn, Turns
from airflow_provider_suno.polling.wait import Look, LookAgain, Wait
from airflow_provider_suno.triggers.account import THREADS, Account, broke, start
from airflow_provider_suno.triggers.credentials import Access, Ends

log = logging.getLogger(__name__)

_CLOCK_SLACK = 1.0
"""Seconds that the clock may be set back unnoticed."""

_REPORT_EVERY = 60.0

_OWN_REFUSALS = 3
"""Looks in a row at one music task that are refused for the account's rate before it is put down to that one."""

_MOST_FAILING = THREADS // 2
"""Looks on their way at once at music tasks whose last look failed, as these may hang; more when all of them fail."""


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
        self._access = Access(suno_conn_id)
        self._budget: Budget | None = None
        self._failing_looks = 0
        """Looks on their way at music tasks whose last look failed."""
        self._looking_up: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()
        self._context = Context()  # in that of a waiter, a line in the log would land in that one's
        self._timer: asyncio.TimerHandle | None = None
        self._clocks_apart = time.time() - time.monotonic()
        self._figures = _Figures()

    def add(self, wait: Wait) -> tuple[Turn, Mailbox]:
        """Take in one more."""
        self._mind_the_clock()
        if not self._mailboxes:
            self._figures = _Figures()
        turn, mailbox = self._turns.add(wait, time.time()), Mailbox()
        self._mailboxes[turn] = mailbox
        self._go_on_within(0)
        return turn, mailbox

    def remove(self, turn: Turn) -> None:
        """Let one go."""
        if self._mailboxes.pop(turn, None) is None:
            return
        self._turns.remove(turn)
        if not self._turns.waiting_for(turn.wait.job):
            self._access.forget(turn.wait.job)
        if not self._mailboxes or self._turns.all_fail:
            self._go_on_within(0)

    def close(self) -> None:
        """Let go of the account and of the timer."""
        self._stop_timer()
        self._access.close()

    def _go_on(self) -> None:
        """Do what is due."""
        self._stop_timer()
        try:
            if self._mailboxes:
                self._mind_the_clock()
                now = time.time()
                for turn in self._turns.past_deadline(now):
                    self._tell(turn, turn.wait.at_deadline())
                self._send(now)
                self._figures.report(now, self._suno_conn_id, self._turns, self._budget)
            if self._mailboxes:
                self._go_on_within(self._rest())
            else:
                self.close()
        except Exception as error:
            log.exception("The poller of %s broke", self._suno_conn_id)
            self._give_up(error)

    def _give_up(self, bug: Exception) -> None:
        """Leave nobody waiting for what will not come."""
        try:
            self._tell_all(broke(f"The poller of {self._suno_conn_id}", bug))
        finally:
            self.close()

    def _go_on_within(self, seconds: float) -> None:
        """Go on in so many seconds, or before if that is planned."""
        at = self._loop.time() + seconds
        if self._loop.is_closed() or (self._timer is not None and self._timer.when() <= at):
            return
        self._stop_timer()
        self._timer = self._loop.call_at(at, self._go_on, context=self._context)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _mind_the_clock(self) -> None:
        """Notice a clock that was set back before anything is planned by it."""
        apart = time.time() - time.monotonic()
        if apart < self._clocks_apart - _CLOCK_SLACK:
            self._turns.set_back(self._clocks_apart - apart)
        self._clocks_apart = apart

    def _rest(self) -> float:
        """Return the seconds until there is something to do: a look, a deadline, a line in the log."""
        now, clock = time.time(), time.monotonic()
        rest = min(self._turns.next_change_at(), self._figures.report_at) - now
        if self._turns.has_turn(now, failing=self._looks_at_failing):
            rest = min(rest, self._ready_at(clock) - clock)
        return max(0.0, rest)

    @property
    def _looks_up(self) -> bool:
        """Whether the connection is being looked up."""
        return self._looking_up is not None and not self._looking_up.done()

    @property
    def _looks_at_failing(self) -> bool:
        """Whether a look may be made now at a music task whose last look failed."""
        return self._failing_looks < _MOST_FAILING or self._turns.all_fail

    def _ready_at(self, clock: float) -> float:
        """Return when something can be done for those in line; ``math.inf`` if only an answer can tell."""
        account, budget = self._access.account, self._budget
        if account is None or budget is None:
            return math.inf if self._looks_up else self._access.look_up_from
        return budget.ready_at(clock) if budget.in_flight < account.threads else math.inf

    def _send(self, now: float) -> None:
        """Send what the budget allows."""
        while (
            self._turns.has_turn(now, failing=self._looks_at_failing)
            and self._ready_at(clock := time.monotonic()) <= clock
        ):
            account, budget = self._access.account, self._budget
            if account is None or budget is None:
                self._looking_up = start(self._look_up())
                return
            turn = self._turns.next(now, budget.allowed / WINDOW, failing=self._looks_at_failing)
            if turn is None:
                return
            job = turn.wait.job
            budget.sent(clock)
            self._figures.reads += 1
            self._failing_looks += turn.is_failing
            looked = partial(self._looked, job, account, clock, turn.is_failing)
            try:
                account.look(job, looked)
            except RuntimeError as error:  # no thread is to be had just now
                none_made = SunoUnavailableError(f"No look can be made just now: {error}")
                self._loop.call_soon(looked, none_made, context=self._context)

    def _looked(
        self,
        job: JobRef,
        account: Account,
        sent_at: float,
        was_failing: bool,
        look: Look,
        bug: BaseException | None = None,
    ) -> None:
        """Take in what a look has found, or how it broke, for all who wait for the music task; then go on."""
        self._mind_the_clock()
        self._failing_looks -= was_failing
        broken = broke("A look", bug) if bug else None
        look = broken or look
        turns = self._turns.waiting_for(job)
        try:
            is_about_the_rate = isinstance(look, SunoRateLimitError) and not self._is_its_own(turns)
            self._count(look, sent_at, is_about_the_rate=is_about_the_rate)
            ends = self._mind_the_key(look, job, account, sent_at)
            if ends is Ends.ALL and len(self._turns):
                log.warning("%s: all %d waits end: %s", self._suno_conn_id, len(self._turns), look)
            for turn in self._turns.waiting if ends is Ends.ALL else turns:
                if broken is not None:
                    self._tell(turn, broken)
                elif is_about_the_rate or ends is Ends.NOBODYS:
                    self._turns.again(turn, time.time())
                else:
                    self._decide(turn, look)
        except Exception as error:
            log.exception("A look at %s broke", job)
            for turn in self._turns.waiting_for(job):
                self._tell(turn, broke("A look", error))
        self._go_on()

    def _is_its_own(self, turns: list[Turn]) -> bool:
        """Count one more refusal, and tell whether there were so many that it is not about the account."""
        for turn in turns:
            turn.refusals += 1
        return any(turn.refusals > _OWN_REFUSALS for turn in turns)

    def _mind_the_key(self, look: Look, job: JobRef, account: Account, sent_at: float) -> Ends | None:
        """Return whose wait a refusal of the key ends; None where it was not refused."""
        if isinstance(look, SunoAuthError) and not look.may_pass:
            return self._access.key_was_refused(job, account, sent_at)
        if not isinstance(look, SunoError):
            self._access.answered(job)
        return None

    def _count(self, look: Look, sent_at: float, *, is_about_the_rate: bool) -> None:
        """Count a look in the budget."""
        budget = self._budget
        if budget is None:
            return
        clock = time.monotonic()
        if isinstance(look, SunoRateLimitError):
            self._figures.refusals += 1
        if not isinstance(look, SunoError) or (look.fatal and not look.may_pass):
            budget.answered(clock, sent_at=sent_at)
        elif not is_about_the_rate:
            budget.failed(clock, retry_after=look.retry_after)
        else:
            before = budget.allowed
            budget.refused(clock, sent_at=sent_at, retry_after=look.retry_after)
            if budget.allowed < before:
                log.warning(
                    "%s: refused, going slower (%.0f reads in %.0f s): %s",
                    self._suno_conn_id,
                    budget.allowed,
                    WINDOW,
                    look.message,
                )

    def _decide(self, turn: Turn, look: Look) -> None:
        now = time.time()
        if not isinstance(look, SunoRateLimitError):
            turn.refusals = 0
        step = turn.wait.after_look(look, now, random.random(), expectation=self._turns.expectation)
        if isinstance(step, LookAgain):
            self._turns.looked(turn, step, now)
            if step.progress:
                self._mailboxes[turn].put(step)
            return
        if step.kind in (OutcomeKind.FINISHED, OutcomeKind.FAILED):
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

    async def _look_up(self) -> None:
        """Look the connection up."""
        try:
            found = await self._access.look_up()
            if isinstance(found, SunoUnavailableError):
                for turn in self._turns.take_all(time.time()):
                    self._decide(turn, found)
            elif isinstance(found, SunoError):
                self._tell_all(found)
            else:
                self._budget = self._budget or Budget(found.poll_limit)
                self._budget.allow(found.poll_limit)
        except Exception as error:
            log.exception("The poller of %s broke", self._suno_conn_id)
            self._give_up(error)
        finally:
            self._go_on_within(0)


class _Figures:
    """What a minute of polling came to."""

    def __init__(self) -> None:
        self.reads = 0
        self.refusals = 0
        self._reported_at = time.time()

    @property
    def report_at(self) -> float:
        """When the next line is due, in epoch seconds."""
        return self._reported_at + _REPORT_EVERY

    def report(self, now: float, suno_conn_id: str, turns: Turns, budget: Budget | None) -> None:
        """Log a line a minute."""
        self._reported_at = min(self._reported_at, now)  # the clock may have been set back
        seconds = now - self._reported_at
        if seconds < _REPORT_EVERY:
            return
        self._reported_at = now
        if budget is None or not len(turns):
            return
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


_pollers: dict[asyncio.AbstractEventLoop, dict[str, AccountPoller]] = {}


def _poller_of(suno_conn_id: str) -> AccountPoller:
    """Return the poller of an account on this event loop; it outlives its waiters, since the budget does."""
    loop = asyncio.get_running_loop()
    if loop not in _pollers:
        for closed in [other for other in _pollers if other.is_closed()]:
            for poller in _pollers.pop(closed).values():
                poller.close()
        _pollers[loop] = {}
    pollers = _pollers[loop]
    if suno_conn_id not in pollers:
        pollers[suno_conn_id] = AccountPoller(suno_conn_id)
    return pollers[suno_conn_id]
