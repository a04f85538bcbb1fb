"""
Poll the jobs of an account from the triggerer: one poller serves all who wait there.

A poller sends as many reads as the account's rate limit allows, from its own threads. On the triggerer's event loop it
is one timer, however many waiters there are. It runs when the timer fires, when a poll or a look-up of the connection
ends, and when a waiter comes, and then sets the timer anew. When the last waiter has left, it closes the connection,
the threads and the timer.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
import time
from collections.abc import Callable
from contextvars import Context, copy_context
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from airflow_provider_suno.api.jobs import JobRef
from airflow_provider_suno.exceptions import SunoAuthError, SunoError, SunoRateLimitError, SunoUnavailableError
from airflow_provider_suno.polling import limits
from airflow_provider_suno.polling.completion import Expectation
from airflow_provider_suno.polling.outcome import Outcome, OutcomeKind
from airflow_provider_suno.polling.rate_limit import WINDOW, RateLimit
from airflow_provider_suno.polling.ready_queue import ReadyQueue, Waiter
from airflow_provider_suno.polling.wait import PollAgain, PollResult, Wait
from airflow_provider_suno.triggers.account import AccountReader, start, unexpected_failure
from airflow_provider_suno.triggers.credentials import Credentials, KeyRefusal

log = logging.getLogger(__name__)

_CLOCK_TOLERANCE = 1.0
"""Seconds that the clock may be set back unnoticed."""

_RATE_REFUSALS_OF_ONE_JOB = 3
"""Polls of a job in a row that may be refused for the account's rate; further refusals are about that job."""


async def wait_for_outcome(suno_conn_id: str, wait: Wait, report: Callable[[PollAgain], None]) -> Outcome:
    """
    Wait for a job, by the poller that all waits on this account in this triggerer share.

    :param suno_conn_id: the connection.
    :param wait: the wait.
    :param report: called when there is progress to log, in this context.
    :raises SunoError: when the connection cannot be used.
    """
    poller = _poller_of(suno_conn_id)
    end: asyncio.Future[Outcome | SunoError] = asyncio.get_running_loop().create_future()
    waiter = poller.add(wait, _Listener(end, report, copy_context()))
    try:
        outcome = await end
    finally:
        poller.remove(waiter)
    if isinstance(outcome, SunoError):  # raised as a copy, since other waiters get the same one
        raise type(outcome)(outcome.message, code=outcome.code, retry_after=outcome.retry_after) from outcome
    return outcome


class _Listener(NamedTuple):
    end: asyncio.Future[Outcome | SunoError]
    report: Callable[[PollAgain], None]
    context: Context


class AccountPoller:
    """
    Poll for all who wait for jobs of one account in this process.

    :param suno_conn_id: the connection; looked up when the first waiter comes, and again when the key is refused.
    """

    def __init__(self, suno_conn_id: str) -> None:
        self._suno_conn_id = suno_conn_id
        self._queue = ReadyQueue(Expectation())
        self._listeners: dict[Waiter, _Listener] = {}
        self._credentials = Credentials(suno_conn_id)
        self._rate_limit: RateLimit | None = None
        self._failing_polls = 0
        """Polls in flight of jobs whose last poll failed."""
        self._look_up_task: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()
        self._context = Context()  # with a waiter's, log lines of the poller would go to that waiter's log
        self._timer: asyncio.TimerHandle | None = None
        self._clock_offset = time.time() - time.monotonic()
        self._reads = self._refusals = 0
        self._logged_at = time.time()
        self._callbacks_missed_until = 0.0

    def add(self, wait: Wait, listener: _Listener) -> Waiter:
        """Add a waiter."""
        self._check_clock()
        if not self._listeners:
            self._reads = self._refusals = 0
            self._logged_at = time.time()
        if time.time() < self._callbacks_missed_until:
            wait = replace(wait, expects_callback=False)
        waiter = self._queue.add(wait, time.time())
        self._listeners[waiter] = listener
        self._run_in(0)
        return waiter

    def remove(self, waiter: Waiter) -> None:
        """Remove a waiter, if it is still there."""
        if self._listeners.pop(waiter, None) is None:
            return
        self._queue.remove(waiter)
        if not self._queue.waiters_for(waiter.wait.job):
            self._credentials.forget(waiter.wait.job)
        if not self._listeners or self._queue.all_fail:
            self._run_in(0)

    def close(self) -> None:
        """Close the account and the timer."""
        self._stop_timer()
        self._credentials.close()

    def _run(self) -> None:
        """Do what is due, and set the timer for what is due next."""
        self._stop_timer()
        try:
            if self._listeners:
                self._check_clock()
                now = time.time()
                for waiter in self._queue.check_deadlines(now):
                    self._end(waiter, waiter.wait.timed_out())
                self._send(now)
                self._log_statistics(now)
            if self._listeners:
                self._run_in(self._idle_time())
            else:
                self.close()
        except Exception as error:  # noqa: BLE001  # whatever it is, nobody may wait for ever
            self._fail(error)

    def _fail(self, bug: Exception) -> None:
        """End all waits because of a bug."""
        log.exception("The poller of %s failed unexpectedly", self._suno_conn_id, exc_info=bug)
        try:
            self._end_all(unexpected_failure(f"The poller of {self._suno_conn_id}", bug))
        finally:
            self.close()

    def _run_in(self, seconds: float) -> None:
        """Run in so many seconds, unless the timer fires before."""
        at = self._loop.time() + seconds
        if self._loop.is_closed() or (self._timer is not None and self._timer.when() <= at):
            return
        self._stop_timer()
        self._timer = self._loop.call_at(at, self._run, context=self._context)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _check_clock(self) -> None:
        """Notice a clock that was set back before anything is scheduled by it."""
        offset = time.time() - time.monotonic()
        if offset < self._clock_offset - _CLOCK_TOLERANCE:
            self._queue.clock_was_set_back(self._clock_offset - offset)
        self._clock_offset = offset

    def _idle_time(self) -> float:
        """Return the seconds until a poll, a deadline or a log line is due."""
        now, clock = time.time(), time.monotonic()
        seconds = min(self._queue.next_change_at(), self._logged_at + limits.DEFAULT.statistics_log_gap) - now
        if self._queue.has_ready(now, failing=self._may_poll_failing):
            seconds = min(seconds, self._ready_at(clock) - clock)
        return max(0.0, seconds)

    @property
    def _is_looking_up(self) -> bool:
        return self._look_up_task is not None and not self._look_up_task.done()

    @property
    def _may_poll_failing(self) -> bool:
        """Whether a job whose last poll failed may be polled now."""
        return self._failing_polls < limits.DEFAULT.failing_polls or self._queue.all_fail

    def _ready_at(self, clock: float) -> float:
        """Return when the next poll or look-up may be sent; ``math.inf`` if that depends on an answer in flight."""
        account, rate_limit = self._credentials.account, self._rate_limit
        if account is None or rate_limit is None:
            return math.inf if self._is_looking_up else self._credentials.next_look_up_at
        return rate_limit.ready_at(clock) if rate_limit.in_flight < account.threads else math.inf

    def _send(self, now: float) -> None:
        """Send the polls that the rate limit allows; look up the connection first if that is needed."""
        while (
            self._queue.has_ready(now, failing=self._may_poll_failing)
            and self._ready_at(clock := time.monotonic()) <= clock
        ):
            account, rate_limit = self._credentials.account, self._rate_limit
            if account is None or rate_limit is None:
                self._look_up_task = start(self._look_up())
                return
            waiter = self._queue.pop(now, rate_limit.allowed / WINDOW, failing=self._may_poll_failing)
            if waiter is None:
                return
            job = waiter.wait.job
            rate_limit.sent(clock)
            self._reads += 1
            self._failing_polls += waiter.is_failing
            callback = partial(self._polled, job, account, clock, waiter.is_failing)
            try:
                account.poll(job, callback)
            except RuntimeError as error:  # no thread can be started
                not_sent = SunoUnavailableError(f"No poll can be sent just now: {error}")
                self._loop.call_soon(callback, not_sent, context=self._context)

    def _polled(
        self,
        job: JobRef,
        account: AccountReader,
        sent_at: float,
        was_failing: bool,
        result: PollResult,
        bug: BaseException | None = None,
    ) -> None:
        """Handle the end of a poll for all who wait for the job, then run."""
        self._check_clock()
        self._failing_polls -= was_failing
        failure = unexpected_failure("A poll", bug) if bug else None
        result = failure or result
        waiters = self._queue.waiters_for(job)
        try:
            for waiter in waiters:
                waiter.rate_refusals += isinstance(result, SunoRateLimitError)
            is_about_one_job = any(waiter.rate_refusals > _RATE_REFUSALS_OF_ONE_JOB for waiter in waiters)
            is_about_rate = isinstance(result, SunoRateLimitError) and not is_about_one_job
            self._count(result, sent_at, is_about_rate=is_about_rate)
            refusal = None
            if isinstance(result, SunoAuthError) and not result.may_pass:
                refusal = self._credentials.key_was_refused(job, account, sent_at)
            elif not isinstance(result, SunoError):
                self._credentials.answered(job)
            if refusal is KeyRefusal.ENDS_ALL_WAITS:
                waiters = self._queue.waiters
                if waiters:
                    log.warning("%s: all %d waits end: %s", self._suno_conn_id, len(waiters), result)
            for waiter in waiters:
                if failure is not None:
                    self._end(waiter, failure)
                elif is_about_rate or refusal is KeyRefusal.IGNORED:
                    self._queue.retry(waiter, time.time())
                else:
                    self._decide(waiter, result)
        except Exception as error:
            log.exception("A poll of %s failed unexpectedly", job)
            for waiter in self._queue.waiters_for(job):
                self._end(waiter, unexpected_failure("A poll", error))
        self._run()

    def _count(self, result: PollResult, sent_at: float, *, is_about_rate: bool) -> None:
        """Count the end of a poll in the rate limit."""
        rate_limit = self._rate_limit
        if rate_limit is None:
            return
        clock = time.monotonic()
        self._refusals += isinstance(result, SunoRateLimitError)
        if not isinstance(result, SunoError) or (result.fatal and not result.may_pass):
            rate_limit.answered(clock, sent_at=sent_at)
        elif not is_about_rate:
            rate_limit.failed(clock, retry_after=result.retry_after)
        else:
            before = rate_limit.allowed
            rate_limit.refused(clock, sent_at=sent_at, retry_after=result.retry_after)
            if rate_limit.allowed < before:
                log.warning(
                    "%s: refused for rate, slowing down to %.0f reads in %.0f s: %s",
                    self._suno_conn_id,
                    rate_limit.allowed,
                    WINDOW,
                    result.message,
                )

    def _log_statistics(self, now: float) -> None:
        """Log a line a minute about the account."""
        self._logged_at = min(self._logged_at, now)  # the clock may have been set back
        seconds = now - self._logged_at
        if seconds < limits.DEFAULT.statistics_log_gap:
            return
        self._logged_at = now
        if self._rate_limit is None or not self._listeners:
            return
        log.info(
            "%s: %d waiting, the oldest for %.0f s; in %.0f s %d reads (%.0f %% of the rate limit), %d refused",
            self._suno_conn_id,
            len(self._queue),
            now - min(waiter.wait.started_at for waiter in self._listeners),
            seconds,
            self._reads,
            100 * self._reads * WINDOW / (seconds * self._rate_limit.limit),
            self._refusals,
        )
        self._reads = self._refusals = 0

    def _decide(self, waiter: Waiter, result: PollResult) -> None:
        now = time.time()
        if not isinstance(result, SunoRateLimitError):
            waiter.rate_refusals = 0
        step = waiter.wait.after_poll(result, now, random.random(), expectation=self._queue.expectation)
        if isinstance(step, PollAgain):
            self._queue.polled(waiter, step, now)
            if step.progress:
                listener = self._listeners[waiter]
                self._loop.call_soon(listener.report, step, context=listener.context)
            return
        if step.kind in (OutcomeKind.FINISHED, OutcomeKind.FAILED):
            if waiter.wait.callback_is_late(now):
                self._callback_was_missed(waiter.wait.job, now)
            self._queue.ended(waiter, now)
        self._end(waiter, step)

    def _callback_was_missed(self, job: JobRef, now: float) -> None:
        """Poll all jobs as usual for a while, since a poll found the end of one whose callback should have come."""
        seconds = limits.DEFAULT.callbacks_missed
        self._callbacks_missed_until = now + seconds
        log.warning(
            "%s: no callback told of the end of %s. For %.0f s, jobs are polled as without callbacks. Is the "
            "connection's callback_url an address of this Airflow that the service can reach?",
            self._suno_conn_id,
            job,
            seconds,
        )
        self._queue.callbacks_fail(now, random.random)

    def _end(self, waiter: Waiter, outcome: Outcome | SunoError) -> None:
        """Remove a waiter and give it its outcome."""
        end = self._listeners[waiter].end
        self.remove(waiter)
        if not end.done():  # it may be cancelled
            end.set_result(outcome)

    def _end_all(self, error: SunoError) -> None:
        for waiter in list(self._listeners):
            self._end(waiter, error)

    async def _look_up(self) -> None:
        try:
            found = await self._credentials.look_up()
            if isinstance(found, SunoUnavailableError):
                for waiter in self._queue.pop_all(time.time()):
                    self._decide(waiter, found)
            elif isinstance(found, SunoError):
                self._end_all(found)
            else:
                self._rate_limit = self._rate_limit or RateLimit(found.poll_limit)
                self._rate_limit.set_limit(found.poll_limit)
        except Exception as error:  # noqa: BLE001  # whatever it is, nobody may wait for ever
            self._fail(error)
        finally:
            self._run_in(0)


_pollers: dict[asyncio.AbstractEventLoop, dict[str, AccountPoller]] = {}


def _poller_of(suno_conn_id: str) -> AccountPoller:
    """Return the poller of an account on this event loop; kept without waiters, since earlier polls still count."""
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
