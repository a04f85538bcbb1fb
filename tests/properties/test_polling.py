"""Whatever polls return and whatever the clock does: a wait ends, polls seldom, and invents no result."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_suno.api.endpoints.music import MusicTask, read_music_task
from airflow_provider_suno.exceptions import (
    SunoAuthError,
    SunoError,
    SunoNotFoundError,
    SunoProtocolError,
    SunoRateLimitError,
    SunoUnavailableError,
    SunoValidationError,
)
from airflow_provider_suno.polling.outcome import Outcome, OutcomeKind
from airflow_provider_suno.polling.wait import PollAgain, Wait
from tests.support.jobs import MUSIC, music
from tests.support.properties.chaos import NUMBERS, Chaos, chaos, texts, values
from tests.support.properties.checks import check_error, check_plain, check_storable
from tests.support.properties.effort import HOSTILE
from tests.support.properties.true_replies import START, true_records

ASKED = true_records()[0]["taskId"]
LEAST_GAP = 2.0
CLASSES = [SunoAuthError, SunoNotFoundError, SunoProtocolError, SunoRateLimitError, SunoUnavailableError]
DELAYS = [None, 0, 1, 45.5, 1e9, 1.7e308]
SUBMITTED = st.none() | st.sampled_from([START, START - 10, START - 5000, START + 3600, START + 1e9, 0.0])


def _poll_result(made: Chaos) -> MusicTask | SunoError | None:
    """Return the result of a poll: a record that may be damaged, nothing, or an error."""
    kind = made.random.random()
    if kind < 0.15:
        return None
    if kind < 0.3:
        return made.random.choice(CLASSES[2:])("down", retry_after=made.random.choice(DELAYS))
    if kind < 0.31:
        return made.random.choice(CLASSES)("no", code=401)
    data: Any = made.random.choice(true_records()[: -1 if made.likely(0.9) else None])
    if kind < 0.35:
        data = {**data, "taskId": "another"}
        return MusicTask.model_validate(data)
    try:
        return read_music_task(made.mutated(data) if kind < 0.6 else data, ASKED)
    except SunoError as error:
        return error


class Run:
    """One wait from its start to its end, on a clock that jumps."""

    def __init__(self, wait: Wait, script: Sequence[Any], made: Chaos) -> None:
        self.wait = wait
        self.now = wait.started_at
        self.polls = 0
        self.set_back = 0.0
        self._script = script
        self._made = made

    def to_its_end(self) -> Outcome:
        while True:
            self.now = max(self.now, self.wait.next_poll_at())
            self._jump()
            result = self._script[self.polls % len(self._script)]
            self.polls += 1
            step = self.wait.after_poll(result, self.now, self._made.random.random())
            if isinstance(step, Outcome):
                self._check_end(step, result)
                return step
            self._check_step(step)
            assert self.polls <= 2 + (self.wait.deadline - self.wait.started_at + self.set_back) / LEAST_GAP * 1.01 + 20
            self.wait = self._maybe_elsewhere(step.wait)

    def _jump(self) -> None:
        jump = self._made.random.choice([0, 0, 0, 0.3, 5, 700, -1, -30, -4000] if self.polls < 40 else [0, 0.1])
        self.now += jump
        self.set_back += max(0.0, -jump)

    def _maybe_elsewhere(self, wait: Wait) -> Wait:
        """Let another process continue with the history, now and then."""
        if self._made.likely(0.8):
            return wait
        history = json.loads(json.dumps(wait.history(), allow_nan=False))
        fresh = Wait(**{**{name: getattr(wait, name) for name in FIXED}, "started_at": wait.started_at})
        resumed = fresh.with_history(history)
        assert resumed == wait
        return resumed

    def _check_step(self, step: PollAgain) -> None:
        assert self.now < self.wait.deadline
        assert self.now < step.at <= self.wait.deadline
        least = LEAST_GAP if self.wait.poll_interval is not None else max(LEAST_GAP, self.wait.shortest_gap)
        assert step.at == self.wait.deadline or step.at - self.now >= least * 0.999
        if step.progress is not None:
            check_plain(step.progress)
            assert len(step.progress) < 6000

    def _check_end(self, outcome: Outcome, result: Any) -> None:
        assert outcome.job.id == ASKED
        if outcome.kind is OutcomeKind.FINISHED:
            assert isinstance(result, MusicTask)
            record = outcome.result()
            assert result.music_task_id == record.music_task_id == ASKED
            assert record.tracks
            assert all(str(track.audio_url).startswith("http") for track in record.tracks)
            assert self.wait.until == "first" or result.status in ("SUCCESS", "CALLBACK_EXCEPTION")
            return
        assert outcome.error is not None
        check_error(outcome.error)
        if outcome.kind is OutcomeKind.TIMEOUT:
            assert self.now >= self.wait.deadline
        event = json.loads(json.dumps(outcome.to_event(), allow_nan=False))
        assert type(Outcome.from_event(event, MUSIC, ASKED).error) is type(outcome.error)


FIXED = ("job", "deadline", "until", "submitted_at", "poll_interval", "shortest_gap")


HISTORY = sorted(Wait.begin(MUSIC, "m", now=1, timeout=1).history())


@HOSTILE
@given(
    made=chaos(),
    timeout=st.sampled_from([0, 1, 30, 120, 1200, 3000.5]),
    until=st.sampled_from(["all", "first"]),
    poll_interval=st.sampled_from([None, 0.001, 1, 15, 1e6]),
    submitted_at=SUBMITTED,
    shortest_gap=st.sampled_from([2.0, 15.0]),
)
def test_a_wait_ends_whatever_polls_return(
    made: Chaos,
    timeout: float,
    until: str,
    poll_interval: float | None,
    submitted_at: float | None,
    shortest_gap: float,
) -> None:
    wait = Wait.begin(
        MUSIC,
        ASKED,
        now=START,
        timeout=timeout,
        until=until,
        poll_interval=poll_interval,
        submitted_at=submitted_at,
        shortest_gap=shortest_gap,
    )
    script = [_poll_result(made) for _ in range(made.random.choice([1, 2, 5, 12]))]
    assert isinstance(Run(wait, script, made).to_its_end(), Outcome)


@HOSTILE
@given(result=chaos().map(_poll_result), passed=st.floats(0, 1e6), jitter=st.floats(0, 1), timeout=st.floats(0, 1e9))
def test_no_poll_after_the_deadline(result: Any, passed: float, jitter: float, timeout: float) -> None:
    step = Wait.begin(MUSIC, ASKED, now=START, timeout=timeout).after_poll(result, START + passed, jitter)
    if isinstance(step, PollAgain):
        assert passed < timeout
        assert START + passed <= step.at <= START + timeout


ANYTHING = values() | st.sampled_from(
    [timedelta.max, timedelta.min, timedelta(seconds=5), b"5", object(), {1, 2}, 10**5000]
)


@HOSTILE
@given(music_task_id=ANYTHING, timeout=ANYTHING, until=ANYTHING | st.just("all"), poll_interval=ANYTHING)
@example("m", 10**400, "all", None).via("a number that no float holds")
@example("m", 1e15, "all", None).via("a time that no timedelta holds")
@example(["m"] * 9, 10**5000, "all", None).via("a number that cannot be written")
def test_any_options_start_a_wait_or_are_refused(
    music_task_id: Any, timeout: Any, until: Any, poll_interval: Any
) -> None:
    try:
        wait = Wait.begin(MUSIC, music_task_id, now=START, timeout=timeout, until=until, poll_interval=poll_interval)
    except SunoValidationError as error:
        check_error(error)
        return
    assert START <= wait.deadline < START + 1e10
    assert wait.job.id == music_task_id.strip()
    seconds = wait.deadline - wait.started_at
    assert seconds + timedelta(seconds=seconds).total_seconds() >= 0
    outcome = wait.after_poll(None, wait.deadline, 0.5)
    assert isinstance(outcome, Outcome)
    assert outcome.error is not None
    check_error(outcome.error)


@HOSTILE
@given(history=values() | st.dictionaries(st.sampled_from(HISTORY), values()))
@example({"poll_at": 1e18}).via("a poll that never comes")
@example({"known_at": "yesterday", "failed_polls": None}).via("values of the wrong type")
def test_malformed_histories_are_ignored(history: Any) -> None:
    wait = Wait.begin(MUSIC, ASKED, now=START, timeout=100).with_history(history)
    assert wait.next_poll_at() <= wait.deadline
    assert wait.deadline == START + 100
    for result in (None, SunoUnavailableError("down"), MusicTask.model_validate(true_records()[0])):
        step = wait.after_poll(result, START + 1, 0.5)
        assert isinstance(step, (PollAgain, Outcome))
        if isinstance(step, PollAgain):
            check_storable(step.wait.history())
            assert step.at <= wait.deadline


@HOSTILE
@given(started=st.sampled_from(NUMBERS) | texts(), deadline=st.sampled_from(NUMBERS) | texts(), submitted=ANYTHING)
def test_no_wait_without_a_deadline(started: Any, deadline: Any, submitted: Any) -> None:
    try:
        wait = Wait(music("m"), started_at=started, deadline=deadline, submitted_at=submitted)
    except SunoValidationError as error:
        check_error(error)
    else:
        assert math.isfinite(wait.deadline)
        assert isinstance(wait.after_poll(None, max(wait.deadline, wait.started_at) + 61, 0.5), Outcome)
