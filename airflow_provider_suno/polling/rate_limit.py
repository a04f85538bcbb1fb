"""How many record reads an account may make, and when it may send the next one; the clock is passed in."""

from __future__ import annotations

import math
from collections import deque

from airflow_provider_suno.http import retry
from airflow_provider_suno.polling import limits

WINDOW = 10.0
"""Seconds over which the service counts."""

_BURST = 1.0
"""Seconds' worth of reads that may be sent at once after a time without reads."""

_DECREASE = 0.9
_RECOVERY = 20.0
"""Seconds after a refusal until the former rate is tried again; doubled each time that this confirms the limit."""

_LONGEST_RECOVERY = 160.0
_MOST_RECOVERIES = 8.0
"""After so many recovery times the whole limit is tried, however low the rate was."""

_CONFIRMED_FROM = 0.95
"""A refusal confirms the limit if the service accepted at least this part of what it accepted before the last one."""

_FAILURES_BEFORE_PAUSE = 8
"""Reads in a row that fail before that is taken for an outage of the service, not a problem with one job."""

_LONGEST_FAILURE_PAUSE = 8.0
_LOWEST = 2.0
"""Reads in a window, however often the service refuses."""


class RateLimit:
    """
    Pace the reads of one account.

    A read counts from the moment it is sent until one window after its answer, and no more than ``allowed`` reads count
    at any time. So whenever the service's windows begin, and however long a request takes, none of them sees more.
    Within that, reads are spread evenly.

    A refusal lowers ``allowed`` to a little under what the service has just accepted. It may be a stray one, so
    ``allowed`` soon goes back to its former value, and then up to the limit, ever faster. If the service refuses again,
    having accepted as many reads as before, this is its real limit, and it is tried ever more rarely. Refusals of reads
    that were already in flight are about the same excess. A refusal of the first read after a pause only makes the
    pause longer: it does not tell how many reads would be accepted.

    All times are seconds on a clock that never goes back.

    :param limit: the most reads in a window.
    """

    def __init__(self, limit: int) -> None:
        self.limit = float(limit)
        self.allowed = self.limit
        """Reads in a window, for now."""
        self.in_flight = 0
        self._counting: deque[tuple[float, bool]] = deque()
        """When each answered read stops counting, and whether the service accepted it."""
        self._evenly_at = -math.inf
        """When the next read may be sent if reads are spread evenly."""
        self._paused_until = -math.inf
        self._failures = 0
        self._refusals = 0
        """Refusals in a row, each of a read that was sent after the one before."""
        self._refused_at = -math.inf
        """When the last of these came."""
        self._accepted = 0
        """Reads that the service had accepted in the window before ``allowed`` was last lowered."""
        self._recovering_since = -math.inf
        self._lowered_to = self._lowered_from = self.limit
        self._recovery = _RECOVERY

    def set_limit(self, limit: int) -> None:
        """Change the limit."""
        if limit != self.limit:
            self.limit = self.allowed = self._lowered_to = self._lowered_from = float(limit)

    def ready_at(self, now: float) -> float:
        """Return when the next read may be sent; ``math.inf`` if that depends on an answer in flight."""
        self._expire(now)
        ready = max(now, self._paused_until, self._evenly_at - _BURST)
        too_many = self.in_flight + len(self._counting) + 1 - int(self.allowed)
        if too_many <= 0:
            return ready
        if too_many > len(self._counting):
            return math.inf
        return max(ready, self._counting[too_many - 1][0])

    def sent(self, now: float) -> None:
        """Count a read that is sent now."""
        self.in_flight += 1
        self._evenly_at = max(self._evenly_at, now) + WINDOW / self.allowed
        if self._counting and self.in_flight + len(self._counting) >= int(self.allowed):
            # No burst at the end of a window that was used up.
            self._evenly_at = max(self._evenly_at, self._counting[0][0] + _BURST)

    def answered(self, now: float, *, sent_at: float = math.inf) -> None:
        """
        Count an answer.

        :param sent_at: when the read was sent: if before a refusal, it does not end the row of refusals.
        """
        self._count(now, accepted=True)
        self._failures = 0
        if sent_at > self._refused_at:
            self._refusals = 0
        if self.allowed < self.limit:
            # As many as before the refusal after one recovery time, and ever more with each further one.
            recoveries = min(max(0.0, now - self._recovering_since) / self._recovery, _MOST_RECOVERIES)
            factor = max(self._lowered_from / self._lowered_to, 1 / _DECREASE) ** (2.0**recoveries - 1)
            self.allowed = min(self.limit, max(self.allowed, self._lowered_to * factor))

    def failed(self, now: float, *, retry_after: float | None = None) -> None:
        """
        Count a read that failed; after several in a row, pause, longer each time.

        :param retry_after: seconds that the service asks to wait.
        """
        self._count(now, accepted=True)
        self._failures += 1
        times, rest = divmod(self._failures, _FAILURES_BEFORE_PAUSE)
        pause = 0.0 if rest else min(2.0 ** min(times - 1, 10), _LONGEST_FAILURE_PAUSE)
        if (seconds := max(pause, retry_after or 0.0)) > 0:
            self._pause(now, seconds)

    def refused(self, now: float, *, sent_at: float, retry_after: float | None) -> None:
        """
        Count a refusal for rate.

        :param sent_at: when the read was sent: if before the last refusal, both are about the same excess.
        :param retry_after: seconds that the service asks to wait.
        """
        self._count(now, accepted=False)
        if sent_at > self._refused_at:
            if self._refusals:
                self._lowered_from = self._lowered_to  # two in a row are no stray ones: recover from here
            else:
                self._lower()
            self._refusals += 1
            self._refused_at = now
        pause = limits.DEFAULT.refused_pause * 2.0 ** min(max(0, self._refusals - 1), 10)
        self._pause(self._refused_at if retry_after is None else now, retry_after or pause)
        self._recovering_since = self._paused_until

    def _lower(self) -> None:
        accepted = sum(was_accepted for _, was_accepted in self._counting)
        confirmed = accepted >= _CONFIRMED_FROM * self._accepted > 0
        self._recovery = min(2 * self._recovery, _LONGEST_RECOVERY) if confirmed else _RECOVERY
        self._accepted, self._lowered_from = accepted, self.allowed
        # With few reads to send, few were accepted: that does not make the limit low.
        rate = min(self.allowed, max(accepted, self.allowed / 2))
        self.allowed = self._lowered_to = max(min(_LOWEST, self.limit), _DECREASE * rate)

    def _pause(self, now: float, seconds: float) -> None:
        self._paused_until = max(self._paused_until, now + min(seconds, retry.RETRY_LIMITS.longest_server_delay))
        self._evenly_at = max(self._evenly_at, self._paused_until + _BURST)

    def _count(self, now: float, *, accepted: bool) -> None:
        self._expire(now)
        self.in_flight -= 1
        self._counting.append((now + WINDOW, accepted))

    def _expire(self, now: float) -> None:
        while self._counting and self._counting[0][0] <= now:
            self._counting.popleft()
