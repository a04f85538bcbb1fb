"""
Measure what learning how long music takes is worth: ``python -m benchmarks.learning``.

This provider's ready queue, expectation and rate limit, as its account poller uses them, in virtual time and without
latency. Music takes as long as the initial guess says, or other times.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from unittest.mock import patch

from airflow_provider_suno.api.endpoints.music import KIND as MUSIC
from airflow_provider_suno.api.endpoints.music import MusicTask
from airflow_provider_suno.api.jobs import JobRef
from airflow_provider_suno.polling.completion import Curve, Expectation
from airflow_provider_suno.polling.rate_limit import WINDOW, RateLimit
from airflow_provider_suno.polling.ready_queue import ReadyQueue, Waiter
from airflow_provider_suno.polling.wait import PollAgain, Wait
from benchmarks.jobs import Delays, Job, Scenario
from benchmarks.reference import greedy, round_robin
from benchmarks.report import parser, publish, table

_WAITS = 3_000
_TAKES = ((60.0, 180.0), (20.0, 60.0), (100.0, 130.0), (150.0, 420.0))
_LOADS = (0.5, 0.8)
_DEADLINE = 1500.0
_FAR_FROM_ZERO = 1_000_000.0
"""The begin of a run in epoch seconds: late enough for every time to be one."""

_COLUMNS = (
    "music takes (s)",
    "arrivals",
    "reference: mean delay (s)",
    "learning: × reference",
    "not learning: × reference",
    "blind round-robin: × reference",
    "learning: × blind",
    "learning: × not learning",
)


def main() -> None:
    """Run all, and print a table."""
    arguments = parser("learning", __doc__ or "").parse_args()
    text = (
        f"{_WAITS:,} waits in virtual time, on an account that allows 100 reads in 10 s. The reference knows how long "
        "music takes. This provider starts with the same guess each time, and learns from each poll or does not.\n\n"
        f"{table(_COLUMNS, list(_rows()))}"
    )
    publish("learning", text, record=arguments.record)


def _rows() -> Iterator[list[object]]:
    for takes in _TAKES:
        for load in _LOADS:
            scenario = Scenario(_WAITS, load, takes=takes)
            jobs = scenario.jobs()
            learning = _mean(ours(jobs, scenario.poll_limit))
            with patch.object(Curve, "saw"):
                not_learning = _mean(ours(jobs, scenario.poll_limit))
            reference, blind = _mean(greedy(jobs, scenario.limit, takes)), _mean(round_robin(jobs, scenario.limit))
            ratios = [f"{mean / reference:.2f}" for mean in (learning, not_learning, blind)]
            arrivals = f"steady {load:.0%}"
            yield [
                f"{takes[0]:g} to {takes[1]:g}",
                arrivals,
                reference,
                *ratios,
                f"{learning / blind:.2f}",
                f"{learning / not_learning:.2f}",
            ]


def ours(jobs: list[Job], rate_limit: int) -> Delays | None:
    """
    Poll in the order of this provider.

    :param jobs: the music.
    :param rate_limit: reads in 10 s.
    """
    return Delays.of(polled(jobs, rate_limit, lambda: 0.5)[0])


def polled(jobs: list[Job], rate_limit: int, jitter: Callable[[], float]) -> tuple[list[float], int]:
    """
    Return how late each end was noticed, and the number of polls.

    :param jobs: the music.
    :param rate_limit: reads in 10 s.
    :param jitter: returns random numbers from 0 to 1.
    """
    polls = 0
    queue, pace = ReadyQueue(Expectation()), RateLimit(rate_limit)
    coming, waiting = deque(jobs), dict[Waiter, Job]()
    delays: list[float] = []
    now = _FAR_FROM_ZERO
    while coming or waiting:
        while coming and _FAR_FROM_ZERO + coming[0].begins <= now:
            job = coming.popleft()
            waiting[queue.add(_wait(job, now), now)] = job
        queue.check_deadlines(now)
        waiter = queue.pop(now, pace.allowed / WINDOW) if pace.ready_at(now) <= now else None
        if waiter is None:
            now = _next_change(queue, pace, coming, now)
            continue
        polls += 1
        pace.sent(now)
        pace.answered(now)
        job = waiting[waiter]
        status = job.status_at(now - _FAR_FROM_ZERO)
        if status == "SUCCESS":
            queue.ended(waiter, now)
            del waiting[waiter]
            delays.append(now - _FAR_FROM_ZERO - job.ends)
            continue
        record = MusicTask(music_task_id=job.music_task_id, status=status)
        step = waiter.wait.after_poll(record, now, jitter(), expectation=queue.expectation)
        assert isinstance(step, PollAgain)
        queue.polled(waiter, step, now)
    return delays, polls


def _wait(job: Job, now: float) -> Wait:
    age_from = _FAR_FROM_ZERO + job.begins
    return Wait(JobRef(MUSIC, job.music_task_id), started_at=now, submitted_at=age_from, deadline=age_from + _DEADLINE)


def _next_change(queue: ReadyQueue, pace: RateLimit, coming: deque[Job], now: float) -> float:
    changes = [queue.next_change_at()]
    if coming:
        changes.append(_FAR_FROM_ZERO + coming[0].begins)
    if queue.has_ready(now):
        changes.append(pace.ready_at(now))
    return max(min(changes), now + 1e-6)


def _mean(delays: Delays | None) -> float:
    assert delays is not None
    return delays.mean


if __name__ == "__main__":
    main()
