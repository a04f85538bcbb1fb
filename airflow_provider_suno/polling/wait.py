"""Decide after each poll of a job: finished, failed, give up, or poll again when?

The worker, the sensor and the trigger call the same function; they differ only in how they read and sleep. All times
are epoch seconds and are passed in.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias, get_args

from airflow_provider_suno.api.fields import checked_id, checked_seconds
from airflow_provider_suno.api.jobs import JobKind, JobRef, JobState, Until, Verdict
from airflow_provider_suno.api.parsing import LONGEST_STATUS
from airflow_provider_suno.api.text import excerpt, printable
from airflow_provider_suno.exceptions import (
    SunoError,
    SunoJobTimeoutError,
    SunoNotFoundError,
    SunoProtocolError,
    SunoUnavailableError,
    SunoValidationError,
)
from airflow_provider_suno.http.retry import LONGEST_SERVER_DELAY
from airflow_provider_suno.polling.completion import Curve, Expectation
from airflow_provider_suno.polling.outcome import Outcome, OutcomeKind

if TYPE_CHECKING:
    from airflow_provider_suno.api.record import JobRecord

UNKNOWN_ID_GRACE = 60.0
FAILED_READS_GRACE = 600.0
FEWEST_FAILED_POLLS = 10
"""Looks in a row that fail before a wait is given up: where thousands wait, three may be bad luck within minutes."""

STUCK_GRACE = 600.0
"""Seconds for which a record may stay in a state that no job stays in, such as ``CALLBACK_EXCEPTION``."""

SHORTEST_GAP = 2.0
LONGEST_BACKOFF = 30.0
"""Seconds between two polls that fail, give or take a quarter."""

UNKNOWN_ID_GAP = 7.5
"""Seconds between two polls of an id that the service does not know yet, give or take a quarter."""

PROGRESS_LOG_GAP = 60.0

NOT_VISIBLE = "not visible yet"

PollResult: TypeAlias = "JobRecord | SunoError | None"
"""What a look sees: the record; an error if it failed; ``None`` when the service does not know the id."""

NOTHING_LEARNED = Expectation()
"""What is expected in a process that has polled too few jobs to learn from them."""

_TIMES = ("started_at", "known_at", "failing_since", "stuck_since", "reported_at", "poll_at")
_MEMORY = (*_TIMES, "failed_polls", "status", "trouble")
_LONGEST_TROUBLE = 300
_LONGEST_REMARK = 4000
_LATEST_TIME = 250_000_000_000.0


def check_wait(
    *,
    timeout: Any,
    timeout_name: str = "timeout",
    until: Any = "all",
    poll_interval: Any = None,
    interval_name: str = "poll_interval",
) -> None:
    """
    Check how a user wants to wait.

    :param timeout: seconds, or a timedelta.
    :param timeout_name: what the user calls it.
    :param interval_name: what the user calls the longest gap.
    :raises SunoValidationError: names the parameter that is wrong.
    """
    checked_seconds(timeout_name, timeout, zero=True)
    if not isinstance(until, str) or until not in get_args(Until):
        raise SunoValidationError(f"until: must be 'all' or 'first', got {excerpt(until)}.")
    if poll_interval is not None:
        checked_seconds(interval_name, poll_interval)


@dataclass(frozen=True)
class Wait:
    """
    One try's wait for a job: what is asked for, and what was seen so far.

    :param job: the job.
    :param started_at: when this try's wait began.
    :param deadline: when it ends at the latest.
    :param until: the whole result, or the ``first`` part of it that can be used.
    :param submitted_at: when it was submitted, if that is known.
    :param poll_interval: the longest gap between two looks, never under 2 s; ``None`` is adaptive.
    :param shortest_gap: the shortest gap that adaptive looking chooses.
    :param known_at: when the service last knew the id; until then, since when it may be unknown.
    :param failing_since: since when every look has failed.
    :param failed_polls: how many looks have failed in a row.
    :param stuck_since: since when the record is in a state that no job stays in.
    :param status: the status last seen.
    :param reported_at: when progress was last reported.
    :param look_at: when to look next, after a look.
    :param trouble: why the last look failed, if it did; changes nothing but what is said.
    """

    job: JobRef
    started_at: float
    deadline: float
    until: Until = "all"
    submitted_at: float | None = None
    poll_interval: float | None = None
    shortest_gap: float = SHORTEST_GAP
    known_at: float | None = None
    failing_since: float | None = None
    failed_polls: int = 0
    stuck_since: float | None = None
    status: str | None = None
    reported_at: float | None = None
    poll_at: float | None = None
    trouble: str | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        """
        Refuse a wait that would never end, or knows no when and until.

        :raises SunoValidationError: names what is wrong.
        """
        if not isinstance(self.until, str) or self.until not in get_args(Until):
            raise SunoValidationError(f"until: must be 'all' or 'first', got {excerpt(self.until)}.")
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
        shortest_gap: float = SHORTEST_GAP,
    ) -> Wait:
        """
        Check what a user gave, which templates may have turned into text, and begin a wait.

        :param kind: the kind of job.
        :param job_id: its id.
        :param timeout: seconds (or a timedelta) from ``now`` to the deadline.
        :param timeout_name: what the user calls it.
        :param interval_name: what the user calls the longest gap.
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
        )

    @property
    def patience(self) -> float:
        """How long the wait lasts at most, in seconds from its beginning."""
        return self.deadline - self.started_at

    def history(self) -> dict[str, Any]:
        """Return what was seen so far as a plain dict, for a wait that goes on in another process."""
        return {name: value for name, value in asdict(self).items() if name in _MEMORY and value is not None}

    def with_history(self, history: Any) -> Wait:
        """Return this wait with what an earlier process of the same try saw; strange memories are forgotten."""
        if not isinstance(history, dict):
            return self
        known: dict[str, Any] = {name: history[name] for name in _TIMES if _is_time(history.get(name))}
        failed_polls, status, trouble = (history.get(name) for name in ("failed_polls", "status", "trouble"))
        if isinstance(failed_polls, int) and failed_polls > 0:
            known["failed_polls"] = failed_polls
        if isinstance(status, str):
            known["status"] = printable(status, LONGEST_STATUS)
        if isinstance(trouble, str):
            known["trouble"] = printable(trouble, _LONGEST_TROUBLE)
        if "poll_at" in known:
            known["poll_at"] = min(known["poll_at"], self.deadline)
        return replace(self, **known)

    def next_poll_at(self) -> float:
        """Return when to look: at once, unless that was decided already, or the job was submitted just now."""
        if self.poll_at is not None:
            return self.poll_at
        age = max(0.0, self.started_at - self._age_from())
        too_early = 0.0 if self.submitted_at is None else max(0.0, self.job.kind.no_result_before - age)
        return min(self.deadline, self.started_at + self._no_longer_than_wished(too_early))

    def at_deadline(self) -> Outcome:
        """Return the end of a wait whose deadline has come between two looks."""
        return Outcome(OutcomeKind.TIMEOUT, self.job, error=self._timeout())

    def curve(self, expectation: Expectation = NOTHING_LEARNED) -> Curve:
        """
        Return when the job is likely to end, by age and by the status last seen.

        :param expectation: what was learned of such jobs.
        """
        age_is_known = self.submitted_at is not None
        status = None if self.status == NOT_VISIBLE else self.status
        return expectation.of(self.job.kind, self.until, age_is_known=age_is_known, status=status)

    def after_poll(
        self, result: PollResult, now: float, jitter: float, *, expectation: Expectation = NOTHING_LEARNED
    ) -> Outcome | PollAgain:
        """
        Decide what a look means.

        :param look: what it has seen.
        :param now: when the look ended.
        :param jitter: a random number from 0 to 1, so that many waits do not look in step.
        :param expectation: what was learned of such jobs.
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
            return self._after_failed_poll(verdict.error, now, jitter, shows_no_result=True)
        seen = replace(self, failing_since=None, failed_polls=0)
        return seen._after_verdict(result, verdict, now, jitter, expectation)

    def _after_verdict(
        self, record: JobRecord, verdict: Verdict, now: float, jitter: float, expectation: Expectation
    ) -> Outcome | PollAgain:
        if verdict.state is JobState.FINISHED:
            remark = printable("; ".join(verdict.remarks), _LONGEST_REMARK) or None
            return Outcome(OutcomeKind.FINISHED, self.job, record=verdict.record, remark=remark)
        if verdict.state is JobState.FAILED and verdict.error is not None:
            return Outcome(OutcomeKind.FAILED, self.job, record=verdict.record, error=verdict.error)
        stuck_since = (self.stuck_since or now) if verdict.error_if_it_stays is not None else None
        if stuck_since is not None and now - stuck_since >= STUCK_GRACE:
            return Outcome(OutcomeKind.GAVE_UP, self.job, record=verdict.record, error=verdict.error_if_it_stays)
        seen = replace(self, known_at=now, stuck_since=stuck_since)
        curve = replace(seen, status=record.state_word).curve(expectation)
        return seen._poll_again(record.state_word, now, gap=self._gap(curve, now, jitter))

    def _after_unknown(self, now: float, jitter: float) -> Outcome | PollAgain:
        since = self.known_at or self.submitted_at or self.started_at
        if now - since < UNKNOWN_ID_GRACE:
            gap = max(self.shortest_gap, UNKNOWN_ID_GAP * _spread(jitter))
            return self._poll_again(NOT_VISIBLE, now, gap=self._no_longer_than_wished(gap))
        return self._gave_up(
            SunoNotFoundError,
            f"The service does not know {self.job}, and did not for {UNKNOWN_ID_GRACE:g} s. Check the id, and that the "
            "connection is for the account that made it.",
        )

    def _after_failed_poll(
        self, error: SunoError, now: float, jitter: float, *, shows_no_result: bool = False
    ) -> Outcome | PollAgain:
        told = {"code": error.code, "retry_after": error.retry_after}
        if error.fatal and not error.may_pass:
            message = f"{self.job.named} cannot be read: {error.message} The job goes on at the service."
            return self._gave_up(type(error), message, **told)
        since = self.failing_since or now
        if now < self.deadline and now - since >= FAILED_READS_GRACE and self.failed_polls + 1 >= FEWEST_FAILED_POLLS:
            happened, way_on = "could not be read", "The job itself goes on at the service."
            if shows_no_result:
                happened, way_on = "has shown no result", f"It is paid for. {self.job.resume_hint}"
            message = f"{self.job.named} {happened} for {now - since:.0f} s; last: {error.message} {way_on}"
            return self._gave_up(SunoUnavailableError, message, **told)
        failed = replace(self, failing_since=since, failed_polls=self.failed_polls + 1)
        backed_off = min(LONGEST_BACKOFF, SHORTEST_GAP * 2.0 ** min(failed.failed_polls, 10)) * _spread(jitter)
        if self.poll_interval is None:
            backed_off = max(backed_off, self.shortest_gap)
        asked = min(error.retry_after or 0.0, LONGEST_SERVER_DELAY) * (1 + jitter / 4)
        return failed._poll_again(self.status, now, gap=max(backed_off, asked), trouble=error.message)

    def _poll_again(
        self, status: str | None, now: float, *, gap: float, trouble: str | None = None
    ) -> Outcome | PollAgain:
        if now >= self.deadline:
            return replace(self, status=status, trouble=trouble).at_deadline()
        changed = status != self.status
        began_to_fail = trouble is not None and self.failed_polls == 1
        report = began_to_fail or changed or now - (self.reported_at or 0.0) >= PROGRESS_LOG_GAP
        wait = replace(
            self,
            status=status,
            reported_at=now if report else self.reported_at,
            poll_at=min(now + gap, self.deadline),
            trouble=trouble,
        )
        return PollAgain(
            wait=wait,
            progress=wait._progress(now) if report else None,
            odd=trouble is not None or wait._status_is_odd,
        )

    def _gap(self, curve: Curve, now: float, jitter: float) -> float:
        """Poll again when the curve says so, not before a result can be there, and in time for ``poll_interval``."""
        age = max(0.0, now - self._age_from())  # another machine's clock may be ahead
        gap = curve.next_poll_in(age) * _spread(jitter)
        if self.submitted_at is not None:
            gap = max(gap, (self.job.kind.no_result_before - age) * (1 + jitter / 4))
        return self._no_longer_than_wished(max(self.shortest_gap, gap))

    def _no_longer_than_wished(self, gap: float) -> float:
        return gap if self.poll_interval is None else min(gap, max(self.poll_interval, SHORTEST_GAP))

    def _age_from(self) -> float:
        return self.submitted_at if self.submitted_at is not None else self.started_at

    def _progress(self, now: float) -> str:
        age = now - self._age_from()
        if self.trouble is not None:
            return f"{self.job}: a look failed, trying again: {self.trouble}"
        left = self.job.kind.usual_duration[self.until] - age
        expected = f"about {left:.0f} s left" if left > 0 else "longer than usual"
        since = f"{age:.0f} s old" if self.submitted_at is not None else f"waited {age:.0f} s"
        status = f"{self.status} (a status that is not documented)" if self._status_is_odd else self.status
        return f"{self.job}: {status}, {since}, {expected}"

    @property
    def _status_is_odd(self) -> bool:
        return self.status not in (None, NOT_VISIBLE) and self.status not in self.job.kind.statuses

    def _timeout(self) -> SunoJobTimeoutError:
        last = f"its last status was {self.status}" if self.status else "it was not seen yet"
        if self.trouble is not None:
            last = f"the last look failed: {self.trouble}"
        deadline = datetime.fromtimestamp(self.deadline, UTC)
        return self.job.error(
            self.job.kind.timed_out,
            f"{self.job.named} did not finish by the deadline, {deadline:%Y-%m-%d %H:%M:%S} UTC; {last}. The job goes "
            f"on at the service. {self.job.resume_hint}",
        )

    def _gave_up(self, error_class: type[SunoError], message: str, **known: Any) -> Outcome:
        return Outcome(OutcomeKind.GAVE_UP, self.job, error=self.job.error(error_class, message, **known))


@dataclass(frozen=True)
class PollAgain:
    """
    Look again later.

    :param wait: the wait with what has been seen since.
    :param progress: what to log now: on a change of status, after a failed look, and at most once a minute.
    :param odd: whether ``progress`` tells of something odd: a failed look, a status that nobody documents.
    """

    wait: Wait
    progress: str | None = None
    odd: bool = False

    @property
    def at(self) -> float:
        """When to look, never after the deadline."""
        return self.wait.next_poll_at()


def _spread(jitter: float) -> float:
    """Return by what to multiply a gap, so that many waits do not poll in step."""
    return 0.75 + jitter / 2


def _is_time(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= _LATEST_TIME
