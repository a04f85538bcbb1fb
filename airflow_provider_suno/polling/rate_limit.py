"""How many record reads an account may make, and when the next one may be sent: pure, the clock is passed in."""

from __future__ import annotations

import math
from collections import deque

from airflow_provider_suno.http.retry import LONGEST_SERVER_DELAY

WINDOW = 10.0
"""Seconds over which the service counts."""

_BURST = 1.0
"""Seconds' worth of reads that may be sent at once after a time in which nobody wanted any."""

_SLOWER = 0.9
_RECOVERY = 20.0
"""Seconds after a refusal until as much is tried again; doubled each time that the service refuses no less."""

_LONGEST_RECOVERY = 160.0
_MOST_RECOVERIES = 8.0
"""So many of these times are enough to try the whole limit, however little was allowed."""

_NO_LESS = 0.95
"""The part of what was taken before the last refusal that is no less than that: a few may be counted elsewhere."""

_REFUSED_PAUSE = 1.0
"""Seconds after a refusal; doubled each time that a read sent after the pause is refused too."""

_FAILURES_BEFORE_PAUSE = 8
"""Reads in a row that fail before it is put down to the service, not to a music task."""

_LONGEST_FAILURE_PAUSE = 8.0
_FEWEST = 2.0
"""Reads in a window, however often the service refuses."""


class RateLimit:
    """
    Pace the reads of one account.

    A read counts from the moment it is sent until a window after its answer, and no more than the allowed number count
    at any time: so wherever the service's own windows begin, and however long a request is on its way, none of them
    sees more. Within that, reads are spread evenly.

    A refusal lowers what is allowed to a little under what the service has just taken. It may be a stray one, so in
    some seconds as much is tried as before, and then ever more. Only when the service refuses again, and has taken no
    less until then, this is its limit, and is touched ever more seldom. Refusals of reads that were on their way
    already tell nothing new; one of the first read after the pause only makes the pause longer: it tells nothing of how
    many would be taken.

    :param limit: the most reads in a window.
    """

    def __init__(self, limit: int) -> None:
        self.limit = float(limit)
        self.allowed = self.limit
        """Reads in a window, just now."""
        self.in_flight = 0
        self._counting: deque[tuple[float, bool]] = deque()
        """When each read that has ended stops counting, and whether the service took it."""
        self._due = -math.inf
        """When the next read were due if they came evenly."""
        self._paused_until = -math.inf
        self._failed = 0
        self._refused = 0
        """Refusals in a row, each of a read that was sent after the one before."""
        self._refused_at = -math.inf
        """When the last of these was."""
        self._taken = 0
        """How many the service had taken in the window before the last refusal that lowered what is allowed."""
        self._raises_from = -math.inf
        self._lowered_to = self._lowered_from = self.limit
        self._recovers_in = _RECOVERY

    def allow(self, limit: int) -> None:
        """Take another limit."""
        if limit != self.limit:
            self.limit = self.allowed = self._lowered_to = self._lowered_from = float(limit)

    def ready_at(self, now: float) -> float:
        """
        Return when the next read may be sent, ``math.inf`` if only an answer can tell.

        :param now: seconds on a clock that never goes back.
        """
        self._forget(now)
        ready = max(now, self._paused_until, self._due - _BURST)
        too_many = self.in_flight + len(self._counting) + 1 - int(self.allowed)
        if too_many <= 0:
            return ready
        if too_many > len(self._counting):
            return math.inf
        return max(ready, self._counting[too_many - 1][0])

    def sent(self, now: float) -> None:
        """Count a read that is sent now."""
        self.in_flight += 1
        self._due = max(self._due, now) + WINDOW / self.allowed
        if self._counting and self.in_flight + len(self._counting) >= int(self.allowed):
            # What has to wait for a window to end has earned no burst.
            self._due = max(self._due, self._counting[0][0] + _BURST)

    def answered(self, now: float, *, sent_at: float = math.inf) -> None:
        """
        Count an answer.

        :param sent_at: when the read was sent: one that was sent before a refusal tells nothing of what came after.
        """
        self._end(now, taken=True)
        self._failed = 0
        if sent_at > self._refused_at:
            self._refused = 0
        self._raise(now)

    def failed(self, now: float, *, retry_after: float | None = None) -> None:
        """
        Count a read that failed; after several in a row, pause for ever longer.

        :param retry_after: seconds that the service asked to wait.
        """
        self._end(now, taken=True)
        self._failed += 1
        times, rest = divmod(self._failed, _FAILURES_BEFORE_PAUSE)
        pause = 0.0 if rest else min(2.0 ** min(times - 1, 10), _LONGEST_FAILURE_PAUSE)
        self._pause(now, max(pause, retry_after or 0.0))

    def refused(self, now: float, *, sent_at: float, retry_after: float | None) -> None:
        """
        Count a refusal; those of reads that were sent before the last one are about the same excess.

        :param sent_at: when the read was sent.
        :param retry_after: seconds that the service asked to wait.
        """
        self._end(now, taken=False)
        if sent_at > self._refused_at:
            if self._refused:
                self._lowered_from = self._lowered_to  # that was no stray one
            else:
                self._lower()
            self._refused += 1
            self._refused_at = now
        pause = min(_REFUSED_PAUSE * 2.0 ** min(max(0, self._refused - 1), 10), LONGEST_SERVER_DELAY)
        self._pause(self._refused_at if retry_after is None else now, retry_after or pause)
        self._raises_from = self._paused_until

    def _lower(self) -> None:
        taken = sum(was_taken for _, was_taken in self._counting)
        is_its_limit = taken >= _NO_LESS * self._taken > 0
        self._recovers_in = min(2 * self._recovers_in, _LONGEST_RECOVERY) if is_its_limit else _RECOVERY
        self._taken, self._lowered_from = taken, self.allowed
        # What was taken tells little of what would have been while there was little to ask.
        enough = max(taken, self.allowed / 2)
        self.allowed = self._lowered_to = max(min(_FEWEST, self.limit), _SLOWER * min(self.allowed, enough))

    def _raise(self, now: float) -> None:
        """Allow as much as before in a while, and twice as fast for each further while."""
        if self.allowed < self.limit:
            whiles = min(max(0.0, now - self._raises_from) / self._recovers_in, _MOST_RECOVERIES)
            more = max(self._lowered_from / self._lowered_to, 1 / _SLOWER) ** (2.0**whiles - 1)
            self.allowed = min(self.limit, max(self.allowed, self._lowered_to * more))

    def _pause(self, now: float, seconds: float) -> None:
        if seconds <= 0:
            return
        self._paused_until = max(self._paused_until, now + min(seconds, LONGEST_SERVER_DELAY))
        self._due = max(self._due, self._paused_until + _BURST)

    def _end(self, now: float, *, taken: bool) -> None:
        self._forget(now)
        self.in_flight -= 1
        self._counting.append((now + WINDOW, taken))

    def _forget(self, now: float) -> None:
        while self._counting and self._counting[0][0] <= now:
            self._counting.popleft()
