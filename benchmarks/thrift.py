"""
Polls per song, and how late its end is noticed, with few waits: ``python -m benchmarks.thrift``.

This provider's ready queue, expectation and rate limit, in virtual time and without latency. Each run starts with
nothing learned.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from benchmarks.jobs import Delays, Job, Scenario
from benchmarks.learning import polled
from benchmarks.report import parser, publish, table

_SONGS = 3_000
_WAITS = (1, 10, 100, 1_000)
_MOST_POLLS, _LONGEST_DELAY = 10.0, 3.5
_COLUMNS = ("waits at once", "runs", "polls per song", "delay: mean (s)", "p50", "p95", "max")


def main() -> None:
    """Run all, and print a table."""
    arguments = parser("thrift", __doc__ or "").parse_args()
    rows = list(_rows())
    few = [row for row in rows if row[0] < 1_000]
    met = all(row[2] <= _MOST_POLLS and row[3] <= _LONGEST_DELAY for row in few)
    text = (
        "Songs that take 60 to 180 s, evenly spread, show `TEXT_SUCCESS` after a quarter of that and `FIRST_SUCCESS` "
        "after six tenths. They begin at once, and the account allows 100 reads in 10 s; each run begins with nothing "
        "learned. Even polls between 60 and 180 s, blind to statuses, cost about 30 s / delay, and those before.\n\n"
        f"{table(_COLUMNS, rows)}\n\n"
        f"Target: {'Met' if met else 'Missed'}: at most {_MOST_POLLS:g} polls per song at a mean delay of at most "
        f"{_LONGEST_DELAY:g} s with 1 to 100 waits. A thousand at once use the whole rate limit."
    )
    publish("thrift", text, record=arguments.record)


def _rows() -> Iterator[tuple[int, int, float, float, float, float, float]]:
    for waits in _WAITS:
        chance = random.Random(waits)
        delays: list[float] = []
        polls, runs = 0, _SONGS // waits
        for _ in range(runs):
            jobs = [Job(f"{number:032x}", 0.0, chance.uniform(*Scenario.takes)) for number in range(waits)]
            late, made = polled(jobs, Scenario.poll_limit, chance.random)
            delays += late
            polls += made
        found = Delays.of(delays)
        assert found is not None
        yield waits, runs, polls / len(delays), found.mean, found.p50, found.p95, found.longest


if __name__ == "__main__":
    main()
