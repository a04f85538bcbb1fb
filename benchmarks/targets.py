"""The targets of a density run, and whether they are met."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.jobs import Delays, Scenario

_FEWEST = 1_000
"""Fewest waits for which a delay has a target: with fewer it is mostly chance."""

_MANY = 10_000


@dataclass(frozen=True)
class Result:
    """
    The result of one contender in one scenario.

    :param contender: its name.
    :param scenario: what it waited for.
    :param measured: figures of the waiting process, with those of the service under ``service``.
    :param reference: the delays of a poller that knows how long music takes.
    :param blind: those of a blind round-robin.
    """

    contender: str
    scenario: Scenario
    measured: Mapping[str, Any]
    reference: Delays | None
    blind: Delays | None

    @property
    def delays(self) -> Delays | None:
        """How late ends were noticed; None if none was."""
        return Delays(**self.measured["delays"]) if self.measured["delays"] else None

    @property
    def lost(self) -> int:
        """How many waits failed or did not end."""
        return int(self.measured["failed"] + self.measured["unfinished"])

    @property
    def reads(self) -> int:
        """How many requests the service got."""
        return int(self.measured["service"]["reads"])

    @property
    def refused(self) -> int:
        """How many of them it refused."""
        return int(self.measured["service"]["refused"])

    @property
    def cpu_per_read(self) -> float:
        """Seconds of CPU for each request."""
        return float(self.measured["cpu"] / max(1, self.reads))


def verdicts(results: Sequence[Result], ours: str, paced: str) -> list[str]:
    """
    Return one sentence per target that was measured.

    :param results: the results of all contenders.
    :param ours: this provider's name among the contenders.
    :param paced: the name of the loop per task at the permitted rate.
    """
    own = [result for result in results if result.contender == ours]
    if not own:
        return []
    peers = [result for result in results if result.contender == paced]
    return [*_reliable(own), *_prompt(own), *_light(own, peers)]


def _reliable(own: Sequence[Result]) -> Iterator[str]:
    lost = sum(result.lost for result in own)
    yield _verdict(lost == 0, f"no wait fails: {lost} of {sum(result.scenario.waits for result in own):,} did")
    whole = [result for result in own if result.scenario.limit >= result.scenario.poll_limit]
    refused = sum(result.refused for result in whole)
    yield _verdict(refused == 0, f"none is refused while the service allows what `poll_limit` says: {refused} were")
    if halved := [result for result in own if result.scenario.limit < result.scenario.poll_limit]:
        share = max(100 * result.refused / max(1, result.reads) for result in halved)
        yield _verdict(share < 1, f"under 1 % are refused where it allows half of that: at most {share:.2f} %")


def _prompt(own: Sequence[Result]) -> Iterator[str]:
    full = [result for result in own if result.scenario.waits >= _FEWEST]
    full = [result for result in full if result.scenario.limit >= result.scenario.poll_limit]
    at_half = [result for result in full if result.scenario.load == 0.5]
    if full:
        worst = max(full, key=_beside_reference)
        ratio = f"{_beside_reference(worst):.2f} ({worst.scenario.name})"
        what = f"the mean delay is at most 1.3 × that of the reference: at most {ratio}"
        yield _verdict(_beside_reference(worst) <= 1.3, what)
    for result in at_half:
        ratio = f"{_beside_blind(result.delays, result):.2f} ({result.scenario.name}"
        bound = f"where the reference itself has {_beside_blind(result.reference, result):.2f})"
        what = f"at 50 % it is at most 0.6 × that of a blind round-robin: {ratio}, {bound}"
        yield _verdict(_beside_blind(result.delays, result) <= 0.6, what)


def _beside_reference(result: Result) -> float:
    return _ratio(result.delays, result.reference)


def _beside_blind(delays: Delays | None, result: Result) -> float:
    return _ratio(delays, result.blind)


def _ratio(delays: Delays | None, other: Delays | None) -> float:
    """Return the ratio of two mean delays; infinite when no end was noticed."""
    return math.inf if delays is None or other is None else delays.mean / other.mean


def _light(own: Sequence[Result], peers: Sequence[Result]) -> Iterator[str]:
    many = Scenario(_MANY)
    for result in own:
        if result.scenario != many:
            continue
        lag, history = 1000 * result.measured["lag_p99"], result.measured["rss_per_wait"] / 1024
        yield _verdict(lag <= 20, f"{_MANY:,} waits: the event loop is late by at most 20 ms (p99): {lag:.1f} ms")
        yield _verdict(history <= 8, f"{_MANY:,} waits: at most 8 KiB of memory for each: {history:.1f} KiB")
        for peer in peers:
            if peer.scenario != many:
                continue
            each, all_in_all = result.cpu_per_read / peer.cpu_per_read, result.measured["cpu"] / peer.measured["cpu"]
            yield _verdict(
                each <= 0.1,
                f"{_MANY:,} waits: at most 1/10 of the CPU of a loop per task that makes as many requests: "
                f"{each:.2f} for each request, {all_in_all:.2f} in all. What bounds it is the request itself: see "
                "[one poll](#one-poll)",
            )


def _verdict(met: bool, what: str) -> str:
    return f"{'Met' if met else 'Missed'}: {what}."
