"""What a density run says of its targets."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.jobs import Delays, Scenario
from benchmarks.targets import Result, verdicts

OURS, PACED = "ours", "a loop"
REFERENCE = Delays(10.0, 10.0, 20.0, 30.0)
BLIND = Delays(20.0, 20.0, 40.0, 60.0)


def result(scenario: Scenario, contender: str = OURS, mean: float = 11.0, **measured: Any) -> Result:
    usual = {
        "failed": 0,
        "unfinished": 0,
        "delays": Delays(mean, mean, mean, mean).to_dict(),
        "cpu": 1.0,
        "lag_p99": 0.005,
        "rss_per_wait": 4096,
        "service": {"reads": 1000, "refused": 0},
    }
    return Result(contender, scenario, {**usual, **measured}, REFERENCE, BLIND)


def missed(*results: Result) -> list[str]:
    return [verdict for verdict in verdicts(results, OURS, PACED) if verdict.startswith("Missed: ")]


def test_all_is_met() -> None:
    scenarios = (Scenario(10_000), Scenario(1_000, 0.5), Scenario(1_000, limit=50))
    peer = result(Scenario(10_000), PACED, cpu=10.0)
    assert missed(*map(result, scenarios), peer) == []
    assert len(verdicts([*map(result, scenarios), peer], OURS, PACED)) == 8


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (result(Scenario(100), unfinished=1), "1 of 100 did"),
        (result(Scenario(100), service={"reads": 100, "refused": 1}), "1 were"),
        (result(Scenario(100, limit=50), service={"reads": 100, "refused": 1}), "at most 1.00 %"),
        (result(Scenario(1_000, 0.2), mean=13.1), "at most 1.31 (1,000 steady 20%)"),
        (result(Scenario(1_000, 0.5), mean=12.2), "0.61 (1,000 steady 50%, where the reference itself has 0.50)"),
        (result(Scenario(10_000), lag_p99=0.021), "21.0 ms"),
        (result(Scenario(10_000), rss_per_wait=9216), "9.0 KiB"),
    ],
)
def test_what_is_missed_is_said(wrong: Result, says: str) -> None:
    (sentence,) = missed(wrong)
    assert says in sentence


def test_cpu_is_compared_for_as_many_requests() -> None:
    ours, peer = result(Scenario(10_000), cpu=0.5), result(Scenario(10_000), PACED, cpu=1.0)
    (sentence,) = missed(ours, peer)
    assert "0.50 for each request, 0.50 in all" in sentence


def test_a_run_without_ours_has_no_targets() -> None:
    assert verdicts([result(Scenario(10), PACED)], OURS, PACED) == []
