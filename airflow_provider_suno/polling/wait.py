"""Decide after each look at a music task: finished, failed, give up, or look again when?

The worker, the sensor and the trigger call the same function; they differ only in how they look and sleep. All times
are epoch seconds and are passed in.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias, get_args

from airflow_provider_suno.api.fields import checked_id, checked_seconds
from airflow_provider_suno.api.parsing import LONGEST_STATUS
from airflow_provider_suno.api.endpoints.music import MusicStatus
from airflow_provider_suno.api.jobs import Until
from airflow_provider_suno.api.text import plain, shown
from airflow_provider_suno.exceptions import (
    SunoError,
    SunoMusicTaskFailedError,
    SunoMusicTaskTimeoutError,
    SunoNotFoundError,
    SunoProtocolError,
    SunoUnavailableError,
    SunoValidationError,
)
from airflow_provider_suno.http.retry import LONGEST_SERVER_DELAY
from airflow_provider_suno.polling.outcome import Outcome, OutcomeKind

if TYPE_CHECKING:
    from airflow_provider_suno.api.endpoints.music import MusicTask

UNKNOWN_ID_GRACE = 60.0
FAILED_READS_GRACE = 600.0
FEWEST_FAILED_LOOKS = 10
"""Looks in a row that fail before a wait is given up: where thousands wait, three may be bad luck within minutes."""

CALLBACK_EXCEPTION_GRACE = 600.0
SHORTEST_GAP = 2.0
LONGEST_GAP = 30.0
PROGRESS_LOG_GAP = 60.0
NO_RESULT_BEFORE = 20.0
USUAL_DURATION: dict[Until, float] = {"all": 120.0, "first": 60.0}

NOT_VISIBLE = "not visible yet"
NO_AUDIO_YET = (
    "The record says SUCCESS, but no track of it has an address that can be used: audioUrl, sourceAudioUrl and "
    "streamAudioUrl are empty or placeholders."
)

Look: TypeAlias = "MusicTask | SunoError | None"
"""What a look sees: the record; an error if it failed; ``None`` when the service does not know the id."""

_TIMES = ("started_at", "known_at", "failing_since", "exception_since", "reported_at", "look_at")
_MEMORY = (*_TIMES, "failed_looks", "status", "trouble")
_LONGEST_TROUBLE = 300
_LONGEST_REMARK = 4000
_LATEST_TIME = 250_000_000_000.0


@dataclass(frozen=True)
class Wait:
    """
    One try's wait for a music task: what is asked for, and what was seen so far.

    :param music_task_id: the music task.
    :param started_at: when this try's wait began.
    :param deadline: when it ends at the latest.
    :param until: ``all`` tracks, or the ``first`` that has its audio file.
    :param submitted_at: when it was submitted, if that is known.
    :param poll_interval: the longest gap between two looks, never under 2 s; ``None`` is adaptive.
    :param shortest_gap: the shortest gap that adaptive looking chooses.
    :param known_at: when the service last knew the id; until then, since when it may be unknown.
    :param failing_since: since when every look has failed.
    :param failed_looks: how many looks have failed in a row.
    :param exception_since: since when the record says ``CALLBACK_EXCEPTION``.
    :param status: the status last seen.
    :param reported_at: when progress was last reported.
    :param look_at: when to look next, after a look.
    :param trouble: why the last look failed, if it did; changes nothing but what is said.
    """

    music_task_id: str
    started_at: float
    deadline: float
    until: Until = "all"
    submitted_at: float | None = None
    poll_interval: float | None = None
    shortest_gap: float = SHORTEST_GAP
    known_at: float | None = None
    failing_since: float | None = None
    failed_looks: int = 0
    exception_since: float | None = None
    status: str | None = None
    reported_at: float | None = None
    look_at: float | None = None
    trouble: str | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        """
        Refuse a wait that would never end, or knows no when and until.

        :raises SunoValidationError: names what is wrong.
        """
        if not isinstance(self.until, str) or self.until not in get_args(Until):
            raise SunoValidationError(f"until: must be 'all' or 'first', got {shown(self.until)}.")
        if self.poll_interval is not None:
            object.__setattr__(self, "poll_interval", checked_seconds("poll_interval", self.poll_interval))
        for name in ("started_at", "deadline", "submitted_at"):
            value = getattr(self, name)
            if not (_is_time(value) or (value is None and name == "submitted_at")):
                raise SunoValidationError(f"{name}: must be a time in epoch seconds, got {shown(value)}.")

    @classmethod
    def begin(
        cls,
        music_task_id: Any,
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

        :param timeout: seconds (or a timedelta) from ``now`` to the deadline.
        :param timeout_name: what the user calls it.
        :param interval_name: what the user calls the longest gap.
        :raises SunoValidationError: names the parameter that is wrong.
        """
        return cls(
            music_task_id=checked_id("music_task_id", music_task_id),
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

    def memory(self) -> dict[str, Any]:
        """Return what was seen so far as a plain dict, for a wait that goes on in another process."""
        return {name: value for name, value in asdict(self).items() if name in _MEMORY and value is not None}

    def remembering(self, memory: Any) -> Wait:
        """Return this wait with what an earlier process of the same try saw; strange memories are forgotten."""
        if not isinstance(memory, dict):
            return self
        known: dict[str, Any] = {name: memory[name] for name in _TIMES if _is_time(memory.get(name))}
        failed_looks, status, trouble = (memory.get(name) for name in ("failed_looks", "status", "trouble"))
        if isinstance(failed_looks, int) and failed_looks > 0:
            known["failed_looks"] = failed_looks
        if isinstance(status, str):
            known["status"] = plain(status, LONGEST_STATUS)
        if isinstance(trouble, str):
            known["trouble"] = plain(trouble, _LONGEST_TROUBLE)
        if "look_at" in known:
            known["look_at"] = min(known["look_at"], self.deadline)
        return replace(self, **known)

    def next_look_at(self) -> float:
        """Return when to look: at once, unless that was decided already, or the job was submitted just now."""
        if self.look_at is not None:
            return self.look_at
        age = max(0.0, self.started_at - self._born())
        too_early = 0.0 if self.submitted_at is None else max(0.0, NO_RESULT_BEFORE - age)
        return min(self.deadline, self.started_at + self._no_longer_than_wished(too_early))

    def at_deadline(self) -> Outcome:
        """Return the end of a wait whose deadline has come between two looks."""
        return self._ended(OutcomeKind.TIMEOUT, self._timeout())

    def after_look(self, look: Look, now: float, jitter: float) -> Outcome | LookAgain:
        """
        Decide what a look means.

        :param look: what it has seen.
        :param now: when the look ended.
        :param jitter: a random number from 0 to 1, so that many waits do not look in step.
        """
        if look is not None and not isinstance(look, SunoError):
            if look.music_task_id != self.music_task_id:
                look = SunoProtocolError(f"The record is that of another music task, {look.music_task_id}.")
            elif look.says_success_without_audio:
                return self._after_failed_look(SunoProtocolError(NO_AUDIO_YET), now, jitter, shows_no_audio=True)
        if isinstance(look, SunoError):
            return self._after_failed_look(look, now, jitter)
        seen = replace(self, failing_since=None, failed_looks=0)
        if look is None:
            return seen._after_unknown(now, jitter)
        return seen._after_record(look, now, jitter)

    def _after_record(self, record: MusicTask, now: float, jitter: float) -> Outcome | LookAgain:
        failure = record.failure()
        if failure is not None and not (self.until == "first" and record.playable):
            return self._ended(OutcomeKind.FAILED, failure, record)
        finished = self._finished(record)
        if finished is not None:
            return finished
        exception_since = (self.exception_since or now) if record.callback_failed else None
        if exception_since is not None and now - exception_since >= CALLBACK_EXCEPTION_GRACE:
            error = SunoMusicTaskFailedError(
                f"Music task {self.music_task_id} ended as CALLBACK_EXCEPTION (its callback was not delivered) and "
                f"its audio did not appear within {CALLBACK_EXCEPTION_GRACE:g} s. {_said_of_playable(record)}Look at "
                "the service's own log page before paying again; "
                f"music_task_id={self.music_task_id!r} takes it up.",
                music_task_id=self.music_task_id,
            )
            return self._ended(OutcomeKind.GAVE_UP, error, record)
        seen = replace(self, known_at=now, exception_since=exception_since)
        return seen._look_again(record.status, now, jitter)

    def _finished(self, record: MusicTask) -> Outcome | None:
        if not record.finished(self.until):
            return None
        enough = record.with_complete_tracks()
        remarks = enough.remarks()
        if record.failure() is not None:
            why = plain(record.error_message or "no reason given", _LONGEST_TROUBLE)
            remarks.append(
                f"it ended as {record.status} (error code {record.error_code}: {why}). {record.playable_in_words()} "
                "That is enough for until='first'; look at your balance to see whether it was charged"
            )
        elif record.callback_failed:
            remarks.append("the service could not deliver its callback (CALLBACK_EXCEPTION), but the audio is there")
        elif record.status == MusicStatus.SUCCESS and not record.complete:
            remarks.append(f"only {len(enough.tracks)} of {len(record.tracks)} tracks have an audio file")
        remark = plain("; ".join(remarks), _LONGEST_REMARK) or None
        return Outcome(OutcomeKind.FINISHED, self.music_task_id, music_task=enough, remark=remark)

    def _after_unknown(self, now: float, jitter: float) -> Outcome | LookAgain:
        since = self.known_at or self.submitted_at or self.started_at
        if now - since < UNKNOWN_ID_GRACE:
            return self._look_again(NOT_VISIBLE, now, jitter)
        return self._ended(
            OutcomeKind.GAVE_UP,
            SunoNotFoundError(
                f"The service does not know music task {self.music_task_id}, and did not for "
                f"{UNKNOWN_ID_GRACE:g} s. Check the id, and that the connection is for the account that made it.",
                music_task_id=self.music_task_id,
            ),
        )

    def _after_failed_look(
        self, error: SunoError, now: float, jitter: float, *, shows_no_audio: bool = False
    ) -> Outcome | LookAgain:
        if error.fatal and not error.may_pass:
            hopeless = type(error)(
                f"Music task {self.music_task_id} cannot be read: {error.message} The job goes on at the service.",
                code=error.code,
                music_task_id=self.music_task_id,
                retry_after=error.retry_after,
            )
            return self._ended(OutcomeKind.GAVE_UP, hopeless)
        since = self.failing_since or now
        if now < self.deadline and now - since >= FAILED_READS_GRACE and self.failed_looks + 1 >= FEWEST_FAILED_LOOKS:
            happened, way_on = "could not be read", "The job itself goes on at the service."
            if shows_no_audio:
                happened = "has shown no audio"
                way_on = f"It is paid for: music_task_id={self.music_task_id!r} looks again without paying again."
            gave_up = SunoUnavailableError(
                f"Music task {self.music_task_id} {happened} for {now - since:.0f} s; last: {error.message} {way_on}",
                code=error.code,
                music_task_id=self.music_task_id,
                retry_after=error.retry_after,
            )
            return self._ended(OutcomeKind.GAVE_UP, gave_up)
        failed = replace(self, failing_since=since, failed_looks=self.failed_looks + 1)
        backed_off = min(LONGEST_GAP, SHORTEST_GAP * 2.0 ** min(failed.failed_looks, 10)) * (0.75 + jitter / 2)
        if self.poll_interval is None:
            backed_off = max(backed_off, self.shortest_gap)
        asked = min(error.retry_after or 0.0, LONGEST_SERVER_DELAY) * (1 + jitter / 4)
        return failed._look_again(self.status, now, jitter, gap=max(backed_off, asked), trouble=error.message)

    def _look_again(
        self,
        status: str | None,
        now: float,
        jitter: float,
        *,
        gap: float | None = None,
        trouble: str | None = None,
    ) -> Outcome | LookAgain:
        if now >= self.deadline:
            return replace(self, status=status, trouble=trouble).at_deadline()
        changed = status != self.status
        began_to_fail = trouble is not None and self.failed_looks == 1
        report = began_to_fail or changed or now - (self.reported_at or 0.0) >= PROGRESS_LOG_GAP
        gap = self._gap(now, jitter) if gap is None else gap
        wait = replace(
            self,
            status=status,
            reported_at=now if report else self.reported_at,
            look_at=min(now + gap, self.deadline),
            trouble=trouble,
        )
        return LookAgain(
            wait=wait,
            progress=wait._progress(now) if report else None,
            odd=trouble is not None or wait._status_is_odd,
        )

    def _gap(self, now: float, jitter: float) -> float:
        """Look seldom while no result can be there, often when it is due, and ever less often after that."""
        age = max(0.0, now - self._born())  # the clock of another machine, or one that was set back, is not waited for
        due = USUAL_DURATION[self.until]
        spread = 0.75 + jitter / 2
        if age < NO_RESULT_BEFORE and self.submitted_at is not None:
            gap, spread = max(NO_RESULT_BEFORE - age, SHORTEST_GAP), 1 + jitter / 4
        elif age <= 2 * due:
            gap = due / 15 if self.until == "all" else due / 10
        else:
            gap = min(LONGEST_GAP, age / 20)
        return self._no_longer_than_wished(max(self.shortest_gap, gap * spread))

    def _no_longer_than_wished(self, gap: float) -> float:
        return gap if self.poll_interval is None else min(gap, max(self.poll_interval, SHORTEST_GAP))

    def _born(self) -> float:
        return self.submitted_at if self.submitted_at is not None else self.started_at

    def _progress(self, now: float) -> str:
        age = now - self._born()
        if self.trouble is not None:
            return f"music task {self.music_task_id}: a look failed, trying again: {self.trouble}"
        left = USUAL_DURATION[self.until] - age
        expected = f"about {left:.0f} s left" if left > 0 else "longer than usual"
        since = f"{age:.0f} s old" if self.submitted_at is not None else f"waited {age:.0f} s"
        status = f"{self.status} (a status that is not documented)" if self._status_is_odd else self.status
        return f"music task {self.music_task_id}: {status}, {since}, {expected}"

    @property
    def _status_is_odd(self) -> bool:
        return self.status not in (None, NOT_VISIBLE, *MusicStatus)

    def _timeout(self) -> SunoMusicTaskTimeoutError:
        last = f"its last status was {self.status}" if self.status else "it was not seen yet"
        if self.trouble is not None:
            last = f"the last look failed: {self.trouble}"
        deadline = datetime.fromtimestamp(self.deadline, UTC)
        return SunoMusicTaskTimeoutError(
            f"Music task {self.music_task_id} did not finish by the deadline, {deadline:%Y-%m-%d %H:%M:%S} UTC; "
            f"{last}. The job goes on at the service: music_task_id={self.music_task_id!r} takes it up without paying "
            "again.",
            music_task_id=self.music_task_id,
        )

    def _ended(self, kind: OutcomeKind, error: SunoError, record: MusicTask | None = None) -> Outcome:
        """Return an end with an error, and with the tracks that can be played all the same."""
        playable = record.with_complete_tracks() if record is not None and record.playable else None
        return Outcome(kind, self.music_task_id, music_task=playable, error=error)


@dataclass(frozen=True)
class LookAgain:
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
        return self.wait.next_look_at()


def _said_of_playable(record: MusicTask) -> str:
    if not record.playable:
        return ""
    return f"{record.playable_in_words()} until='first' takes them at once. "


def _is_time(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= _LATEST_TIME
