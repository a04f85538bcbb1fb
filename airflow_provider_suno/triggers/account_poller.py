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
from airflow_provider_suno.polling.rate_limit import WINDOW, RateLimit
from airflow_provider_suno.polling.ready_queue import ReadyQueue, Waiter
from airflow_provider_suno.polling.wait import PollAgain, PollResult, Wait
from airflow_provider_suno.triggers.account import THREADS, AccountReader, start, unexpected_failure
from airflow_provider_suno.triggers.credentials import Credentials, KeyRefusal

log = logging.getLogger(__name__)

_CLOCK_SLACK = 1.0
"""Seconds that the clock may be set back unnoticed."""

_REPORT_EVERY = 60.0

_OWN_REFUSALS = 3
"""Looks in a row at one music task that are refused for the account's rate before it is put down to that one."""

_MOST_FAILING = THREADS // 2
"""Looks on their way at once at music tasks whose last look failed, as these may hang; more when all of them fail."""


async def wait_for_outcome(suno_conn_id: str, wait: Wait, report: Callable[[PollAgain], None]) -> Outcome:
    """
    Wait, with all who wait for music tasks of the same account in this triggerer.

    :param suno_conn_id: the connection.
    :param wait: what is waited for.
    :param report: called after a look that did not end the wait and that is worth a line in the log.
    :raises SunoError: when the connection cannot be used.
    """
    poller = _poller_of(suno_conn_id)
    waiter, mailbox = poller.add(wait)
    try:
        while not isinstance(step := await mailbox.next(), Outcome):
            report(step)
        return step
    finally:
        poller.remove(waiter)


class Mailbox:
    """Where one who waits hears what became of the looks."""

    __slots__ = ("_arrival", "_news")

    def __init__(self) -> None:
        self._news: list[PollAgain | Outcome | SunoError] = []
        self._arrival: asyncio.Future[None] | None = None

    async def next(self) -> PollAgain | Outcome:
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

    def put(self, step: PollAgain | Outcome | SunoError) -> None:
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
        self._queue = ReadyQueue(Expectation())
        self._mailboxes: dict[Waiter, Mailbox] = {}
        self._credentials = Credentials(suno_conn_id)
        self._rate_limit: RateLimit | None = None
        self._failing_polls = 0
        """Looks on their way at music tasks whose last look failed."""
        self._looking_up: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()
        self._context = Context()  # in that of a waiter, a line in the log would land in that one's
        self._timer: asyncio.TimerHandle | None = None
        self._clocks_apart = time.time() - time.monotonic()
        self._figures = _Figures()

    def add(self, wait: Wait) -> tuple[Waiter, Mailbox]:
        """Take in one more."""
        self._mind_the_clock()
        if not self._mailboxes:
            self._figures = _Figures()
        waiter, mailbox = self._queue.add(wait, time.time()), Mailbox()
        self._mailboxes[waiter] = mailbox
        self._go_on_within(0)
        return waiter, mailbox

    def remove(self, waiter: Waiter) -> None:
        """Let one go."""
        if self._mailboxes.pop(waiter, None) is None:
            return
        self._queue.remove(waiter)
        if not self._queue.waiting_for(waiter.wait.job):
            self._credentials.forget(waiter.wait.job)
        if not self._mailboxes or self._queue.all_fail:
            self._go_on_within(0)

    def close(self) -> None:
        """Let go of the account and of the timer."""
        self._stop_timer()
        self._credentials.close()

    def _go_on(self) -> None:
        """Do what is due."""
        self._stop_timer()
        try:
            if self._mailboxes:
                self._mind_the_clock()
                now = time.time()
                for waiter in self._queue.past_deadline(now):
                    self._tell(waiter, waiter.wait.at_deadline())
                self._send(now)
                self._figures.report(now, self._suno_conn_id, self._queue, self._rate_limit)
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
            self._tell_all(unexpected_failure(f"The poller of {self._suno_conn_id}", bug))
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
            self._queue.set_back(self._clocks_apart - apart)
        self._clocks_apart = apart

    def _rest(self) -> float:
        """Return the seconds until there is something to do: a look, a deadline, a line in the log."""
        now, clock = time.time(), time.monotonic()
        rest = min(self._queue.next_change_at(), self._figures.report_at) - now
        if self._queue.has_ready(now, failing=self._polls_failing):
            rest = min(rest, self._ready_at(clock) - clock)
        return max(0.0, rest)

    @property
    def _looks_up(self) -> bool:
        """Whether the connection is being looked up."""
        return self._looking_up is not None and not self._looking_up.done()

    @property
    def _polls_failing(self) -> bool:
        """Whether a look may be made now at a music task whose last look failed."""
        return self._failing_polls < _MOST_FAILING or self._queue.all_fail

    def _ready_at(self, clock: float) -> float:
        """Return when something can be done for those in line; ``math.inf`` if only an answer can tell."""
        account, rate_limit = self._credentials.account, self._rate_limit
        if account is None or rate_limit is None:
            return math.inf if self._looks_up else self._credentials.look_up_from
        return rate_limit.ready_at(clock) if rate_limit.in_flight < account.threads else math.inf

    def _send(self, now: float) -> None:
        """Send what the budget allows."""
        while (
            self._queue.has_ready(now, failing=self._polls_failing)
            and self._ready_at(clock := time.monotonic()) <= clock
        ):
            account, rate_limit = self._credentials.account, self._rate_limit
            if account is None or rate_limit is None:
                self._looking_up = start(self._look_up())
                return
            waiter = self._queue.next(now, rate_limit.allowed / WINDOW, failing=self._polls_failing)
            if waiter is None:
                return
            job = waiter.wait.job
            rate_limit.sent(clock)
            self._figures.reads += 1
            self._failing_polls += waiter.is_failing
            polled = partial(self._polled, job, account, clock, waiter.is_failing)
            try:
                account.poll(job, polled)
            except RuntimeError as error:  # no thread is to be had just now
                none_made = SunoUnavailableError(f"No look can be made just now: {error}")
                self._loop.call_soon(polled, none_made, context=self._context)

    def _polled(
        self,
        job: JobRef,
        account: AccountReader,
        sent_at: float,
        was_failing: bool,
        result: PollResult,
        bug: BaseException | None = None,
    ) -> None:
        """Take in what a look has found, or how it broke, for all who wait for the music task; then go on."""
        self._mind_the_clock()
        self._failing_polls -= was_failing
        broken = unexpected_failure("A look", bug) if bug else None
        result = broken or result
        waiters = self._queue.waiting_for(job)
        try:
            is_about_the_rate = isinstance(result, SunoRateLimitError) and not self._is_its_own(waiters)
            self._count(result, sent_at, is_about_the_rate=is_about_the_rate)
            ends = self._mind_the_key(result, job, account, sent_at)
            if ends is KeyRefusal.ENDS_ALL_WAITS and len(self._queue):
                log.warning("%s: all %d waits end: %s", self._suno_conn_id, len(self._queue), result)
            for waiter in self._queue.waiting if ends is KeyRefusal.ENDS_ALL_WAITS else waiters:
                if broken is not None:
                    self._tell(waiter, broken)
                elif is_about_the_rate or ends is KeyRefusal.IGNORED:
                    self._queue.again(waiter, time.time())
                else:
                    self._decide(waiter, result)
        except Exception as error:
            log.exception("A look at %s broke", job)
            for waiter in self._queue.waiting_for(job):
                self._tell(waiter, unexpected_failure("A look", error))
        self._go_on()

    def _is_its_own(self, waiters: list[Waiter]) -> bool:
        """Count one more refusal, and tell whether there were so many that it is not about the account."""
        for waiter in waiters:
            waiter.refusals += 1
        return any(waiter.refusals > _OWN_REFUSALS for waiter in waiters)

    def _mind_the_key(
        self, result: PollResult, job: JobRef, account: AccountReader, sent_at: float
    ) -> KeyRefusal | None:
        """Return whose wait a refusal of the key ends; None where it was not refused."""
        if isinstance(result, SunoAuthError) and not result.may_pass:
            return self._credentials.key_was_refused(job, account, sent_at)
        if not isinstance(result, SunoError):
            self._credentials.answered(job)
        return None

    def _count(self, result: PollResult, sent_at: float, *, is_about_the_rate: bool) -> None:
        """Count a look in the budget."""
        rate_limit = self._rate_limit
        if rate_limit is None:
            return
        clock = time.monotonic()
        if isinstance(result, SunoRateLimitError):
            self._figures.refusals += 1
        if not isinstance(result, SunoError) or (result.fatal and not result.may_pass):
            rate_limit.answered(clock, sent_at=sent_at)
        elif not is_about_the_rate:
            rate_limit.failed(clock, retry_after=result.retry_after)
        else:
            before = rate_limit.allowed
            rate_limit.refused(clock, sent_at=sent_at, retry_after=result.retry_after)
            if rate_limit.allowed < before:
                log.warning(
                    "%s: refused, going slower (%.0f reads in %.0f s): %s",
                    self._suno_conn_id,
                    rate_limit.allowed,
                    WINDOW,
                    result.message,
                )

    def _decide(self, waiter: Waiter, result: PollResult) -> None:
        now = time.time()
        if not isinstance(result, SunoRateLimitError):
            waiter.refusals = 0
        step = waiter.wait.after_poll(result, now, random.random(), expectation=self._queue.expectation)
        if isinstance(step, PollAgain):
            self._queue.polled(waiter, step, now)
            if step.progress:
                self._mailboxes[waiter].put(step)
            return
        if step.kind in (OutcomeKind.FINISHED, OutcomeKind.FAILED):
            self._queue.ended(waiter, now)
        self._tell(waiter, step)

    def _tell(self, waiter: Waiter, end: Outcome | SunoError) -> None:
        """Tell one the end, and let it go."""
        mailbox = self._mailboxes[waiter]
        self.remove(waiter)
        mailbox.put(end)

    def _tell_all(self, error: SunoError) -> None:
        for waiter in list(self._mailboxes):
            self._tell(waiter, error)

    async def _look_up(self) -> None:
        """Look the connection up."""
        try:
            found = await self._credentials.look_up()
            if isinstance(found, SunoUnavailableError):
                for waiter in self._queue.take_all(time.time()):
                    self._decide(waiter, found)
            elif isinstance(found, SunoError):
                self._tell_all(found)
            else:
                self._rate_limit = self._rate_limit or RateLimit(found.poll_limit)
                self._rate_limit.allow(found.poll_limit)
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

    def report(self, now: float, suno_conn_id: str, waiters: ReadyQueue, rate_limit: RateLimit | None) -> None:
        """Log a line a minute."""
        self._reported_at = min(self._reported_at, now)  # the clock may have been set back
        seconds = now - self._reported_at
        if seconds < _REPORT_EVERY:
            return
        self._reported_at = now
        if rate_limit is None or not len(waiters):
            return
        log.info(
            "%s: %d waiting, the oldest for %.0f s; in %.0f s %d reads (%.0f %% of the budget), %d refused",
            suno_conn_id,
            len(waiters),
            now - min(waiter.wait.started_at for waiter in waiters.waiting),
            seconds,
            self.reads,
            100 * self.reads * WINDOW / (seconds * rate_limit.limit),
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
