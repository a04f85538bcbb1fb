"""
A million songs a day: ``python -m benchmarks.scale``.

In virtual time, with this provider's ready queue, expectation and rate limit. Accounts are independent of each other
and get equal parts of the songs, so one of them is simulated, and totals are multiplied. The writes to Airflow's
database are counted on a real Airflow. By default the studio's day ends after its first peak; with ``--record`` it is
simulated to its end.
"""

from __future__ import annotations

import random
import sys
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from statistics import quantiles
from unittest.mock import patch

from airflow_provider_suno.polling import completion
from benchmarks.database_rows import SONGS as SONGS_COUNTED
from benchmarks.database_rows import Writes, measured
from benchmarks.jobs import USUAL, WINDOW, Delays, Job
from benchmarks.live_triggerers import Simulation
from benchmarks.report import parser, publish, table
from benchmarks.shared_account import Service
from benchmarks.testbed import Testbed, run

SONGS = 1_000_000
TRIGGERERS = 20
SUBMIT_LIMIT = 20
READ_LIMIT = 100
_CAPACITY = 1000
"""Waits that a triggerer takes by default."""
_ACCOUNTS = (1, 2, 5, 6, 8, 10)
_MOST_ACCOUNTS = 10
_DAY, _HOUR = 86_400.0, 3600.0
_SUBMITTED_PER_HOUR = SUBMIT_LIMIT * _HOUR / WINDOW
"""What an account allows."""

_EVEN_HOURS = 1
"""Hours that are simulated of an even day. They differ by chance only, but for the wait where a backlog grows."""
_PEAK_ENDS = 11
_FIT_EVERY = 60.0
"""Seconds between two updates of how long songs take: the provider's one second would take most of the time."""

_WEIGHTS = (1, 1, 1, 1, 1, 1, 2, 4, 7, 9, 10, 8, 5, 7, 9, 9, 8, 6, 4, 2, 1, 1, 1, 1)
"""A studio's day: the songs of each hour, in percent."""
_SCHEDULED = 1 / 3
"""The part of an hour's songs that scheduled Dags ask for at the full hour."""


@dataclass(frozen=True)
class Setting:
    """
    How the songs come, and who waits for them.

    :param accounts: they get equal parts.
    :param hours: of the day.
    :param sharing: triggerers that wait for the songs of one account.
    :param poll_limit: of each.
    :param is_even: whether songs come evenly over the day, or as in a studio.
    """

    accounts: int
    hours: int
    sharing: int = TRIGGERERS
    poll_limit: int = READ_LIMIT // TRIGGERERS
    is_even: bool = True

    def asked_for(self) -> list[float]:
        """Return when the songs of one account are asked for, in order."""
        chance, at = random.Random(self.accounts), []
        for hour in range(self.hours):
            share = 1 / 24 if self.is_even else _WEIGHTS[hour] / sum(_WEIGHTS)
            songs = round(SONGS * share / self.accounts)
            at_once = 0 if self.is_even else round(_SCHEDULED * songs)
            at += [hour * _HOUR] * at_once
            at += [(hour + chance.random()) * _HOUR for _ in range(songs - at_once)]
        return sorted(at)

    def backlog_per_hour(self) -> float:
        """Return by how many songs more are asked for than all accounts can submit, in the mean hour of the day."""
        return max(0.0, SONGS / 24 - self.accounts * _SUBMITTED_PER_HOUR)

    def waits(self, asked_for: Sequence[float], begins: Sequence[float]) -> list[float | None]:
        """
        Return the median and the 95th percentile of the seconds that songs wait to be submitted.

        ``None`` for each if the backlog grows all day: the waits grow with it, and those of one hour say nothing of the
        next one.

        :param asked_for: when songs are asked for, in order.
        :param begins: when they are submitted, in order.
        """
        if self.backlog_per_hour():
            return [None, None]
        hundredths = quantiles((later - at for at, later in zip(asked_for, begins, strict=False)), n=100)
        return [hundredths[49], hundredths[94]]


_COLUMNS = (
    "arrivals",
    "accounts",
    "triggerers on each, `poll_limit`",
    "submitted of 1,000,000",
    "backlog: more each hour",
    "wait to submit: p50 (s)",
    "p95",
    "polls per song",
    "refused per 1,000",
    "delay: mean (s)",
    "p95",
    "max",
    "timed out",
    "waits per triggerer at most",
)


def main() -> int:
    """Run all, and print two tables."""
    options = parser("scale", __doc__ or "")
    options.add_argument("--without-airflow", action="store_true", help="the simulation only")
    arguments = options.parse_args()
    if arguments.record and arguments.without_airflow:
        options.error("only the whole is recorded: leave out --without-airflow")

    def benchmark(testbed: Testbed) -> list[str]:
        writes = None if arguments.without_airflow else measured(testbed)
        rows = []
        for setting in _settings(24 if arguments.record else _PEAK_ENDS):
            testbed.progress.say("simulation", f"{setting}")
            rows.append(_row(setting))
        text = _text() + table(_COLUMNS, rows) + _what_breaks(rows)
        publish("scale", text + (_database(writes) if writes else ""), record=arguments.record)
        return []

    return run("suno-scale-", benchmark)


def _settings(hours: int) -> Iterator[Setting]:
    most = _MOST_ACCOUNTS
    for accounts in _ACCOUNTS:
        yield Setting(accounts, _EVEN_HOURS)
    own = TRIGGERERS // most
    yield Setting(most, _EVEN_HOURS, poll_limit=READ_LIMIT)
    yield Setting(most, _EVEN_HOURS, own, READ_LIMIT // own)
    yield Setting(most, hours, is_even=False)
    yield Setting(most, hours, own, READ_LIMIT // own, is_even=False)


def submitted_at(asked_for: list[float]) -> list[float]:
    """
    Return when songs are submitted that wait until they may be: 20 in any 10 s.

    :param asked_for: when they are asked for, in order.
    """
    recent: deque[float] = deque([-WINDOW] * SUBMIT_LIMIT, maxlen=SUBMIT_LIMIT)
    times = []
    for at in asked_for:
        recent.append(max(at, recent[0] + WINDOW))
        times.append(recent[-1])
    return times


def _row(setting: Setting) -> list[object]:
    asked_for = setting.asked_for()
    end = setting.hours * _HOUR
    chance = random.Random(1)
    begins = [at for at in submitted_at(asked_for) if at < end]
    jobs = [Job(f"{number:032x}", at, chance.uniform(*USUAL)) for number, at in enumerate(begins)]
    service = Service(READ_LIMIT)
    of_account = Simulation(service, lambda _live: setting.poll_limit, random.Random(2))
    with patch.object(completion, "_FIT_EVERY", _FIT_EVERY):
        of_account.run(jobs, setting.sharing)
    found = Delays.of(of_account.delays)
    assert found is not None
    parts = setting.accounts * setting.sharing / TRIGGERERS
    most = sum(poller.most for poller in of_account.pollers) / setting.sharing * parts
    return [
        "even" if setting.is_even else f"studio, {setting.hours} h",
        setting.accounts,
        f"{setting.sharing}, {setting.poll_limit}",
        round(SONGS * len(begins) / len(asked_for)),
        round(setting.backlog_per_hour()) if setting.is_even else None,
        *setting.waits(asked_for, begins),
        (service.accepted + service.refused) / len(jobs),
        1000 * service.refused / (service.accepted + service.refused),
        found.mean,
        found.p95,
        found.longest,
        of_account.lost * setting.accounts,
        round(most),
    ]


def _text() -> str:
    peak = max(_WEIGHTS) / sum(_WEIGHTS)
    return (
        f"{SONGS:,} songs a day of 60 to 180 s, {TRIGGERERS} triggerers with Airflow's capacity of {_CAPACITY:,} waits "
        f"each, and accounts that allow {SUBMIT_LIMIT} submissions and {READ_LIMIT} reads in 10 s. One account of each "
        f"row is simulated with its part of the songs; the others are alike. Even: {_EVEN_HOURS} h of a day is "
        "simulated. Where more is asked for than can be submitted, the backlog grows in each hour of the day, and with "
        "it the wait to submit, so none is given; otherwise the hours differ by chance only. "
        f"Studio: {peak:.0%} of the day's songs in the busiest hour, a third of each hour's at the full hour "
        "at once. Songs wait until they may be submitted. How long songs take is learned every "
        f"{_FIT_EVERY:g} s instead of every second. Waits per triggerer: the mean of their maxima, for all "
        "accounts.\n\n"
    )


def _what_breaks(rows: Sequence[Sequence[object]]) -> str:
    """
    Return what an account and a triggerer can do, against what is asked of them.

    :param rows: those of the table.
    """
    per_hour = _SUBMITTED_PER_HOUR
    per_day = per_hour * 24
    busiest = SONGS * max(_WEIGHTS) / sum(_WEIGHTS)
    backlog = max(
        accumulate((SONGS * w / sum(_WEIGHTS) - _MOST_ACCOUNTS * per_hour for w in _WEIGHTS), _not_below_zero)
    )
    cells = [dict(zip(_COLUMNS, row, strict=True)) for row in rows]
    busy = cells[0]
    timed_out = sum(int(str(row["timed out"])) for row in cells)
    most = max(int(str(row["waits per triggerer at most"])) for row in cells)
    first = not timed_out and most < _CAPACITY
    starts = 2 * SONGS / _DAY
    return (
        f"\n\n- Submissions{' break first' if first else ''}: {per_hour:,.0f} an hour and {per_day:,.0f} a day for "
        f"each account, so {SONGS / per_day:.1f} accounts for an even day, and {busiest / per_hour:.1f} for "
        f"the studio's busiest hour. With {_MOST_ACCOUNTS}, {backlog:,.0f} songs wait to be submitted at the end of a "
        "peak.\n"
        f"- Reads: an account at its limit of submissions has {READ_LIMIT / SUBMIT_LIMIT:g} polls for each song. With "
        f"{busy['polls per song']:.2f}, songs were found {busy['delay: mean (s)']:.1f} s after their end; in all rows "
        f"{timed_out:,} waits timed out.\n"
        f"- Triggerers: at most {most:,} waits in one, of a capacity of {_CAPACITY:,}.\n"
        f"- Not simulated: schedulers and workers. They start a task to submit and one to end, so {starts:.0f} tasks a "
        f"second on an even day, and {2 * busiest / _HOUR:.0f} in the studio's busiest hour."
    )


def _not_below_zero(waiting: float, more: float) -> float:
    return max(0.0, waiting + more)


def _database(writes: Mapping[str, Writes]) -> str:
    def row(name: str, sums: Writes) -> list[object]:
        a_second = sums.all * SONGS / _DAY
        return [name, sums.left, sums.inserted, sums.updated, sums.deleted, round(sums.left * SONGS), a_second]

    total = Writes(
        sum(each.inserted for each in writes.values()),
        sum(each.updated for each in writes.values()),
        sum(each.deleted for each in writes.values()),
    )
    columns = ("table", "rows left", "inserted", "updated", "deleted", "rows left a day", "writes a second")
    rows = [row(f"`{name}`", each) for name, each in writes.items()] + [row("all", total)]
    return (
        f"\n\nThe database, per song, and for {SONGS:,} songs a day: counted by PostgreSQL over a run of "
        f"{SONGS_COUNTED} mapped songs on a real Airflow, each one task instance that submits and waits with "
        f"`deferrable=True`, without a failure.\n\n{table(columns, rows)}"
    )


if __name__ == "__main__":
    sys.exit(main())
