"""
Several triggerers on one account: ``python -m benchmarks.shares``.

Each has a poller of its own, with this provider's ready queue, expectation and rate limit, in virtual time. The account
allows 100 reads in 10 s and refuses the others.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence

from benchmarks.jobs import WINDOW, Delays, Scenario
from benchmarks.live_triggerers import TAKEN_OVER_AFTER, Change, Simulation
from benchmarks.report import parser, publish, table
from benchmarks.shared_account import LATENCY, Poller, Service

LIMIT = 100
_TRIGGERERS = (1, 2, 5, 20)
_SONGS = 8_000
_LOADS = (0.5, 0.8)

_CHANGES = {
    "one dies": Change(600.0, joins=False),
    "it is back": Change(1_200.0, joins=True),
    "one more joins": Change(1_800.0, joins=True),
}
_SONGS_OF_CHANGES = 12_000
_LOAD_OF_CHANGES = 0.5
_WATCHED = 600.0
"""Seconds for which a change is watched."""

_SETTLED_OVER = 60.0
_SHARES_OVER = 120.0
_Policy = Callable[[int], int]


def _whole(_live: int) -> int:
    return LIMIT


def _of(planned: int) -> _Policy:
    return lambda _live: LIMIT // planned


def _following(live: int) -> int:
    return LIMIT // live


_COLUMNS = (
    "arrivals",
    "triggerers",
    "`poll_limit` of each",
    "limit used (%)",
    "refused per 1,000",
    "delay: mean (s)",
    "p95",
    "max",
    "least share / largest",
    "timed out",
)
_COLUMNS_OF_CHANGES = (
    "triggerers",
    "`poll_limit` of each",
    "change",
    "limit used in the next 5 min (%)",
    "refused per 1,000",
    "settled after (s)",
)


def main() -> None:
    """Run all, and print two tables."""
    arguments = parser("shares", __doc__ or "").parse_args()
    text = (
        f"One account that allows {LIMIT} reads in 10 s, counted in a sliding window, and refuses the others. "
        f"{_SONGS:,} songs of 60 to 180 s; one poll of each would take 50 or 80 % of the limit. A read takes "
        f"{LATENCY:g} s. Airflow gives each wait to a triggerer at random. Triggerers do not know of each other: each "
        "slows down when it is refused. Limit used: from minute 5 to the last submission. Share: of the reads "
        "accepted in that time.\n\n"
        f"{table(_COLUMNS, list(_rows()))}\n\n"
        f"The same with {_SONGS_OF_CHANGES:,} songs at {_LOAD_OF_CHANGES:.0%}. One triggerer dies, its waits being "
        f"taken over {TAKEN_OVER_AFTER:g} s later; then its place is taken, and then there is one more. Settled: from "
        f"then on for {_SETTLED_OVER:g} s at least 90 % of the limit is used, at "
        f"most 1 % is refused, and for {_SHARES_OVER:g} s no triggerer gets less than half of an even share; a dash is "
        f'not within {_WATCHED / 60:g} min. "Follows" is a share that is known at once: Airflow tells triggers nothing '
        "of other triggerers, so this is what knowing would be worth.\n\n"
        f"{table(_COLUMNS_OF_CHANGES, list(_rows_of_changes()))}"
    )
    publish("shares", text, record=arguments.record)


def _rows() -> Iterator[list[object]]:
    for load in _LOADS:
        jobs = Scenario(_SONGS, load).jobs()
        for triggerers in _TRIGGERERS:
            for policy in [_whole] if triggerers == 1 else [_whole, _of(triggerers)]:
                simulation = Simulation(Service(LIMIT), policy, random.Random(0))
                simulation.run(jobs, triggerers)
                found = Delays.of(simulation.delays)
                assert found is not None
                begin, end = 300.0, jobs[-1].begins
                shares = [_reads(poller, begin, end) for poller in simulation.pollers]
                yield [
                    f"steady {load:.0%}",
                    triggerers,
                    policy(triggerers),
                    100 * sum(shares) * WINDOW / (LIMIT * (end - begin)),
                    1000 * simulation.service.refused / (simulation.service.accepted + simulation.service.refused),
                    found.mean,
                    found.p95,
                    found.longest,
                    min(shares) / max(shares),
                    simulation.lost,
                ]


def _rows_of_changes() -> Iterator[list[object]]:
    jobs = Scenario(_SONGS_OF_CHANGES, _LOAD_OF_CHANGES).jobs()
    for triggerers in _TRIGGERERS[1:]:
        for name, policy in (
            (f"{LIMIT}", _whole),
            (f"{LIMIT // triggerers}", _of(triggerers)),
            ("follows", _following),
        ):
            simulation = Simulation(Service(LIMIT), policy, random.Random(0))
            simulation.run(jobs, triggerers, _CHANGES.values())
            live = triggerers - 1
            for change, (what, each) in enumerate(_CHANGES.items()):
                yield [triggerers, name, what, *_after(simulation.pollers[: live + change], each.at)]


def _after(pollers: Sequence[Poller], change: float) -> list[object]:
    """Return which part of the limit was used in the five minutes after a change, refusals, and when it settled."""
    accepted, refused = _sum(pollers, change, change + 300.0)
    return [
        100 * accepted * WINDOW / (LIMIT * 300.0),
        1000 * refused / (accepted + refused),
        next((waited for waited in range(0, int(_WATCHED), 10) if _is_settled(pollers, change + waited)), None),
    ]


def _is_settled(pollers: Sequence[Poller], begin: float) -> bool:
    accepted, refused = _sum(pollers, begin, begin + _SETTLED_OVER)
    shares = [_reads(poller, begin, begin + _SHARES_OVER) for poller in pollers]
    is_used = accepted >= 0.9 * LIMIT * _SETTLED_OVER / WINDOW
    return is_used and refused <= 0.01 * (accepted + refused) and min(shares) >= 0.5 * sum(shares) / len(shares)


def _sum(pollers: Sequence[Poller], begin: float, end: float) -> tuple[int, int]:
    """Return how many reads of these were accepted, and refused."""
    return (
        sum(_reads(poller, begin, end) for poller in pollers),
        sum(poller.tally.refused.get(window, 0) for poller in pollers for window in _windows(begin, end)),
    )


def _reads(poller: Poller, begin: float, end: float) -> int:
    return sum(poller.tally.accepted.get(window, 0) for window in _windows(begin, end))


def _windows(begin: float, end: float) -> range:
    return range(math.ceil(begin / WINDOW), int(end // WINDOW))


if __name__ == "__main__":
    main()
