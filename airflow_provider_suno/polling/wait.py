"""
Decide after each poll of a job: finished, failed, give up, or when to poll again.

The worker, the sensor and the trigger call the same functions; they differ only in how they read and sleep. All times
are epoch seconds and are passed in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from airflow_provider_suno.api.fields import checked_id, checked_seconds
from airflow_provider_suno.api.jobs import RUNNING, JobKind, JobRef, JobState, Until, Verdict
from airflow_provider_suno.api.parsing import LONGEST_STATUS
from airflow_provider_suno.api.text import excerpt, printable
from airflow_provider_suno.exceptions import (
    SunoError,
    SunoNotFoundError,
    SunoProtocolError,
    SunoUnavailableError,
    SunoValidationError,
)
from airflow_provider_suno.http import retry
from airflow_provider_suno.polling import limits
from airflow_provider_suno.polling.arguments import check_wait
from airflow_provider_suno.polling.completion import Curve, Expectation
from airflow_provider_suno.polling.outcome import Outcome, OutcomeKind

if TYPE_CHECKING:
    from airflow_provider_suno.api.record import JobRecord

NOT_VISIBLE = "not visible yet"

PollResult: TypeAlias = "JobRecord | SunoError | None"
"""The result of a poll: the record; an error if the poll failed; ``None`` when the service does not know the id."""

NOTHING_LEARNED = Expectation()
"""What is expected in a process that polls too few jobs to learn from them."""

_LONGEST_ERROR = 300
_TIMES = ("started_at", "known_at", "failing_since", "stuck_since", "reported_at", "poll_at")
_TEXTS = {"status": LONGEST_STATUS, "old_result": LONGEST_STATUS, "last_error": _LONGEST_ERROR}
_HISTORY = (*_TIMES, *_TEXTS, "failed_polls")
_LONGEST_REMARK = 4000
_NO_OTHER_RESULT = "its result is the same as before the request, so the service may have made no other one"
_LATEST_TIME = 250_000_000_000.0


@dataclass(frozen=True)
class Wait:
    """
    One try's wait for a job: what the user asked for, and what the polls have seen so far.

    :param job: the job.
    :param started_at: when this try's wait started.
    :param deadline: when it ends at the latest.
    :param until: the whole result, or the ``first`` part of it that can be used.
    :param submitted_at: when the job was submitted, if that is known.
    :param poll_interval: the longest gap between two polls, never under 2 s; ``None`` is adaptive.
    :param shortest_gap: the shortest gap between two adaptive polls; never under 2 s.
    :param known_at: when the service last knew the id.
    :param failing_since: when the first of the latest polls, which all failed, ended.
    :param failed_polls: how many polls have failed in a row.
    :param stuck_since: since when the record is in a state that no job stays in.
    :param status: the status last seen.
    :param reported_at: when progress was last logged.
    :param poll_at: when the next poll is due.
    :param expects_callback: whether a callback will resume the task, so that polls are only for the case that it fails
        to come: the first one at twice the usual duration, then one a minute.
    :param old_result: a digest of the result that the record showed before the submission, where the job existed then
        and the record has not changed since.
    :param last_error: why the last poll failed, if it did; used in messages only.
    """

    job: JobRef
    started_at: float
    deadline: float
    until: Until = "all"
    submitted_at: float | None = None
    poll_interval: float | None = None
    shortest_gap: float = 0.0
    known_at: float | None = None
    failing_since: float | None = None
    failed_polls: int = 0
    stuck_since: float | None = None
    status: str | None = None
    reported_at: float | None = None
    poll_at: float | None = None
    expects_callback: bool = False
    old_result: str | None = None
    last_error: str | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        """Raise a :class:`SunoValidationError` for a wait that would never end, or that has wrong options."""
        check_wait(timeout=0, until=self.until)
        if self.poll_interval is not None:
            object.__setattr__(self, "poll_interval", checked_seconds("poll_interval", self.poll_interval))
        for name in ("started_at", "deadline", "submitted_at"):
            value = getattr(self, name)
            if not (_is_time(value) or (value is None and name == "submitted_at")):
                raise SunoValidationError(f"{name}: must be a time in epoch seconds, got {excerpt(value)}.")

    @classmethod
    def begin(
        cls,
        kind: JobKind,
        job_id: Any,
        *,
        now: float,
        timeout: Any,
        timeout_name: str = "timeout",
        until: Any = "all",
        poll_interval: Any = None,
        interval_name: str = "poll_interval",
        submitted_at: float | None = None,
        shortest_gap: float = 0.0,
        old_result: str | None = None,
    ) -> Wait:
        """
        Start a wait with a user's options, which templates may have turned into text.

        :param timeout: seconds (or a timedelta) from ``now`` to the deadline.
        :param timeout_name: the user's name for it.
        :param interval_name: the user's name for ``poll_interval``.
        :raises SunoValidationError: names the parameter that is wrong.
        """
        return cls(
            job=JobRef(kind, checked_id(kind.id_parameter, job_id)),
            started_at=now,
            deadline=now + checked_seconds(timeout_name, timeout, zero=True),
            until=until,
            submitted_at=submitted_at,
            poll_interval=None if poll_interval is None else checked_seconds(interval_name, poll_interval),
            shortest_gap=shortest_gap,
            old_result=old_result,
        )

    @classmethod
    def from_arguments(cls, job: JobRef, arguments: Mapping[str, Any], now: float) -> Wait:
        """
        Return the wait that a trigger has stored as its arguments, with its history.

        :raises SunoValidationError: when it cannot be one.
        """
        names = ("deadline", "until", "submitted_at", "poll_interval")
        wait = cls(job=job, started_at=now, **{name: arguments[name] for name in names})
        wait = replace(wait, expects_callback=arguments.get("expects_callback") is True)
        return wait.with_history(arguments.get("history"))

    def age(self, now: float) -> float:
        """Return the seconds since the job was submitted or, if that is not known, since the wait started."""
        begin = self.started_at if self.submitted_at is None else self.submitted_at
        return max(0.0, now - begin)  # another machine's clock may be ahead

    def history(self) -> dict[str, Any]:
        """Return what the polls have seen as a plain dict, for a wait that goes on in another process."""
        return {name: value for name, value in asdict(self).items() if name in _HISTORY and value is not None}

    def with_history(self, history: Any) -> Wait:
        """Return this wait with the history of an earlier process of the same try; what is malformed is left out."""
        if not isinstance(history, dict):
            return self
        known: dict[str, Any] = {name: history[name] for name in _TIMES if _is_time(history.get(name))}
        failed_polls = history.get("failed_polls")
        if isinstance(failed_polls, int) and failed_polls > 0:
            known["failed_polls"] = failed_polls
        for name, longest in _TEXTS.items():
            if isinstance(text := history.get(name), str):
                known[name] = printable(text, longest)
        if "poll_at" in known:
            known["poll_at"] = min(known["poll_at"], self.deadline)
        return replace(self, **known)

    def next_poll_at(self) -> float:
        """Return when the next poll is due; the first one as soon as the job can have a result."""
        if self.poll_at is not None:
            return self.poll_at
        age = self.age(self.started_at)
        too_early = 0.0 if self.submitted_at is None else max(0.0, self.job.kind.no_result_before - age)
        if self.expects_callback:
            too_early = max(too_early, self._callback_due_at() - age)
        return min(self.deadline, self.started_at + self._within_poll_interval(too_early))

    def curve(self, expectation: Expectation = NOTHING_LEARNED) -> Curve:
        """Return when the job is likely to end, by its age and the status last seen."""
        age_is_known = self.submitted_at is not None
        status = None if self.status == NOT_VISIBLE else self.status
        return expectation.curve(self.job.kind, self.until, age_is_known=age_is_known, status=status)

    def after_poll(
        self, result: PollResult, now: float, jitter: float, *, expectation: Expectation = NOTHING_LEARNED
    ) -> Outcome | PollAgain:
        """
        Decide what a poll means.

        :param result: what it returned.
        :param now: when it ended.
        :param jitter: a random number from 0 to 1, so that many waits do not poll in step.
        :param expectation: what was learned from the account's jobs.
        """
        if isinstance(result, SunoError):
            return self._after_failed_poll(result, now, jitter)
        if result is None:
            return replace(self, failing_since=None, failed_polls=0)._after_unknown(now, jitter)
        if result.id != self.job.id:
            other = SunoProtocolError(f"The record is that of another {self.job.kind.noun}, {result.id}.")
            return self._after_failed_poll(other, now, jitter)
        verdict = self.job.kind.judge(result, self.until)
        if verdict.state is JobState.RUNNING and verdict.error is not None:
            return self._after_failed_poll(verdict.error, now, jitter, record_was_read=True)
        read = replace(self, failing_since=None, failed_polls=0)
        return read._after_verdict(result, verdict, now, jitter, expectation)

    def timed_out(self) -> Outcome:
        """Return the outcome of a wait whose deadline has passed."""
        last = f"its last status was {self.status}" if self.status else "it was not polled yet"
        advice = f"The job continues at the service. {self.job.resume_hint}"
        if self.last_error is not None:
            last = f"the last poll failed: {self.last_error}"
        elif self.status == NOT_VISIBLE:
            last = "the service did not know it at the last poll"
            advice = "Check the id, and that it is one of this kind of job and of the connection's account."
        deadline = datetime.fromtimestamp(self.deadline, UTC)
        error = self.job.error(
            self.job.kind.timed_out,
            f"{self.job.named} did not finish by the deadline, {deadline:%Y-%m-%d %H:%M:%S} UTC; {last}. {advice}",
        )
        return Outcome(OutcomeKind.TIMEOUT, self.job, error=error)

    def _after_verdict(
        self, record: JobRecord, verdict: Verdict, now: float, jitter: float, expectation: Expectation
    ) -> Outcome | PollAgain:
        is_old = verdict.state is not JobState.RUNNING and record.result_digest() == self.old_result
        if is_old and self.age(now) < limits.DEFAULT.old_result_grace:
            verdict = RUNNING
        if verdict.state is JobState.FINISHED:
            remarks = (*verdict.remarks, _NO_OTHER_RESULT) if is_old else verdict.remarks
            remark = printable("; ".join(remarks), _LONGEST_REMARK) or None
            return Outcome(OutcomeKind.FINISHED, self.job, record=verdict.record, remark=remark)
        if verdict.state is JobState.FAILED and verdict.error is not None:
            return Outcome(OutcomeKind.FAILED, self.job, record=verdict.record, error=verdict.error)
        stuck_since = (self.stuck_since or now) if verdict.error_if_it_stays is not None else None
        if stuck_since is not None and now - stuck_since >= limits.DEFAULT.stuck_grace:
            return Outcome(OutcomeKind.GAVE_UP, self.job, record=verdict.record, error=verdict.error_if_it_stays)
        read = replace(self, known_at=now, stuck_since=stuck_since, old_result=self.old_result if is_old else None)
        curve = replace(read, status=record.status).curve(expectation)
        return read._poll_again(record.status, now, gap=self._adaptive_gap(curve, now, jitter))

    def _after_unknown(self, now: float, jitter: float) -> Outcome | PollAgain:
        since = self.known_at or self.submitted_at or self.started_at
        grace = limits.DEFAULT.unknown_id_grace
        if now - since < grace:
            gap = max(self.shortest_gap, _jittered(limits.DEFAULT.unknown_id_gap, jitter))
            return self._poll_again(NOT_VISIBLE, now, gap=self._within_poll_interval(gap))
        return self._gave_up(
            SunoNotFoundError,
            f"The service does not know {self.job}, and did not for {grace:g} s. Check that it is the id of a "
            f"{self.job.kind.noun}, and that the connection is for the account that made it.",
        )

    def _after_failed_poll(
        self, error: SunoError, now: float, jitter: float, *, record_was_read: bool = False
    ) -> Outcome | PollAgain:
        details = {"code": error.code, "retry_after": error.retry_after}
        if error.fatal and not error.may_pass:
            message = f"{self.job.named} cannot be read: {error.message} The job continues at the service."
            return self._gave_up(type(error), message, **details)
        since = self.failing_since or now
        failed = replace(self, failing_since=since, failed_polls=self.failed_polls + 1)
        grace_is_over = now - since >= limits.DEFAULT.failed_reads_grace
        if now < self.deadline and grace_is_over and failed.failed_polls >= limits.DEFAULT.fewest_failed_polls:
            happened, advice = "could not be read", "The job itself continues at the service."
            if record_was_read:
                happened, advice = "has shown no result", f"It is paid for. {self.job.resume_hint}"
            message = f"{self.job.named} {happened} for {now - since:.0f} s; last: {error.message} {advice}"
            return self._gave_up(SunoUnavailableError, message, **details)
        doubled = limits.DEFAULT.shortest_gap * 2.0 ** min(failed.failed_polls, 10)
        backoff = _jittered(min(limits.DEFAULT.longest_backoff, doubled), jitter)
        if self.poll_interval is None:
            backoff = max(backoff, self.shortest_gap)
        asked = min(error.retry_after or 0.0, retry.RETRY_LIMITS.longest_server_delay) * (1 + jitter / 4)
        return failed._poll_again(self.status, now, gap=max(backoff, asked), error=error.message)

    def _poll_again(
        self, status: str | None, now: float, *, gap: float, error: str | None = None
    ) -> Outcome | PollAgain:
        wait = replace(self, status=status, last_error=error)
        if now >= self.deadline:
            return wait.timed_out()
        first_failure = error is not None and self.failed_polls == 1
        log_gap_is_over = now - (self.reported_at or 0.0) >= limits.DEFAULT.progress_log_gap
        report = first_failure or status != self.status or log_gap_is_over
        return PollAgain(
            wait=replace(wait, reported_at=now if report else self.reported_at, poll_at=min(now + gap, self.deadline)),
            progress=wait._progress(now) if report else None,
            is_warning=error is not None or wait._status_is_undocumented,
        )

    def _adaptive_gap(self, curve: Curve, now: float, jitter: float) -> float:
        """Poll again when the curve says so, not before a result can be there, and within ``poll_interval``."""
        age = self.age(now)
        gap = _jittered(curve.next_poll_in(age), jitter)
        if self.submitted_at is not None:
            gap = max(gap, (self.job.kind.no_result_before - age) * (1 + jitter / 4))
        if self.expects_callback:
            gap = max(gap, self._callback_due_at() - age, limits.DEFAULT.callback_gap)
        return self._within_poll_interval(max(self.shortest_gap, limits.DEFAULT.shortest_gap, gap))

    def callback_is_late(self, now: float) -> bool:
        """Return whether a callback was expected and should have come by now."""
        return self.expects_callback and self.age(now) >= self._callback_due_at()

    def without_callback(self, curve: Curve, now: float, jitter: float) -> Wait:
        """Return this wait for a time in which callbacks fail to come: polled by its curve."""
        wait = replace(self, expects_callback=False)
        return replace(wait, poll_at=min(now + wait._adaptive_gap(curve, now, jitter), self.deadline))

    def _callback_due_at(self) -> float:
        """Return the age by which a callback should have come."""
        return limits.DEFAULT.callback_patience * self.job.kind.usual_duration[self.until]

    def _within_poll_interval(self, gap: float) -> float:
        gap = min(gap, limits.DEFAULT.longest_gap)
        return gap if self.poll_interval is None else min(gap, max(self.poll_interval, limits.DEFAULT.shortest_gap))

    def _progress(self, now: float) -> str:
        if self.last_error is not None:
            return f"{self.job}: poll failed, trying again: {self.last_error}"
        age = self.age(now)
        left = self.job.kind.usual_duration[self.until] - age
        expected = f"about {left:.0f} s left" if left > 0 else "longer than usual"
        since = f"{age:.0f} s old" if self.submitted_at is not None else f"waited {age:.0f} s"
        status = f"{self.status} (an undocumented status)" if self._status_is_undocumented else self.status
        return f"{self.job}: {status}, {since}, {expected}"

    @property
    def _status_is_undocumented(self) -> bool:
        return self.status not in (None, NOT_VISIBLE) and self.status not in self.job.kind.statuses

    def _gave_up(self, error_class: type[SunoError], message: str, **details: Any) -> Outcome:
        return Outcome(OutcomeKind.GAVE_UP, self.job, error=self.job.error(error_class, message, **details))


@dataclass(frozen=True)
class PollAgain:
    """
    Poll again later.

    :param wait: the wait with what the poll has seen.
    :param progress: what to log now: on a change of status, on a first failed poll, and once a minute.
    :param is_warning: whether ``progress`` is about a failed poll or an undocumented status.
    """

    wait: Wait
    progress: str | None = None
    is_warning: bool = False

    @property
    def at(self) -> float:
        """When to poll, never after the deadline."""
        return self.wait.next_poll_at()


def _jittered(gap: float, jitter: float) -> float:
    return gap * (0.75 + jitter / 2)


def _is_time(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= _LATEST_TIME
