"""The scenarios by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reliability.cluster import backends, loads, memory, outages
from reliability.cluster.testbed import Row, Testbed

ALL = "all"


@dataclass(frozen=True)
class Scenario:
    """
    One scenario.

    :param run: runs it and judges it.
    :param with_rounds: whether it also follows the rounds of kills.
    :param cuts: whether it needs network namespaces.
    """

    run: Callable[[Testbed], Row]
    with_rounds: bool = False
    cuts: bool = False


SCENARIOS = {
    "cut-off": Scenario(outages.cut_off, cuts=True),
    "warm-shutdown": Scenario(outages.warm_shutdown, with_rounds=True),
    "scheduler-takeover": Scenario(outages.scheduler_takeover),
    "triggerer-takeover": Scenario(outages.triggerer_takeover),
    "callbacks": Scenario(outages.callbacks),
    "redelivery": Scenario(loads.redelivery),
    "late-redelivery": Scenario(loads.late_redelivery),
    "deployed-in-flight": Scenario(loads.deployed_in_flight),
    "many-submissions": Scenario(loads.many_submissions),
    "many-submissions-in-pool": Scenario(loads.many_submissions_in_pool),
    "many-waits": Scenario(loads.many_waits),
    "broker-outage": Scenario(outages.broker_outage),
    "secrets-backend": Scenario(backends.secrets_backend),
    "slots": Scenario(memory.slots),
    "scheduler-takeover-default": Scenario(outages.scheduler_takeover_default),
    "triggerer-takeover-default": Scenario(outages.triggerer_takeover_default),
}


def chosen(names: Sequence[str]) -> Sequence[str]:
    """
    Return the scenarios to run.

    :param names: some of them, or ``all``; none for those that follow the rounds of kills.
    """
    if ALL in names:
        return list(SCENARIOS)
    return names or [found for found, scenario in SCENARIOS.items() if scenario.with_rounds]
