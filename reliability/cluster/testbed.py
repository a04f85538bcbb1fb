"""What a scenario works with, and the row of the table that it leaves."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from demo.airflow_process import AirflowNotReadyError
from demo.simulator_process import RunningSimulatorProcess
from reliability.cluster.deployment import RunningCluster
from reliability.cluster.targets import ClusterTargets
from reliability.killing import Disturbance, kill, with_all
from reliability.round import Round
from reliability.verdict import Verdict

CONNECTION = "AIRFLOW_CONN_SUNO_DEFAULT"
READ = "/api/v1/generate/record-info"
SUBMIT = "/api/v1/generate"


@dataclass
class Row:
    """
    What one scenario showed.

    :param what: what was cut, killed or starved.
    :param verdict: the comparison of the songs with the ledger.
    :param seen: what else was measured.
    :param name: the scenario's name.
    """

    what: str
    verdict: Verdict
    seen: list[str] = field(default_factory=list)
    name: str = ""

    def cells(self) -> Sequence[str]:
        """Return its cells: the name, what was done, songs, charges, losses, hangs, false successes, what was seen."""
        verdict = self.verdict
        figures = (verdict.lost_replies, len(verdict.lost), len(verdict.hung), len(verdict.false_successes))
        return (
            f"`{self.name}`",
            self.what,
            f"{verdict.songs:,}",
            charged(verdict.charges),
            *(f"{figure}" for figure in figures),
            "; ".join(self.seen),
        )


def charged(charges: Mapping[int, int]) -> str:
    """
    Return how often songs were charged, as text.

    :param charges: number of songs by how often they were charged.
    """
    times = {0: "never", 1: "once", 2: "twice"}
    return ", ".join(f"{songs:,} {times.get(often, f'{often} times')}" for often, songs in sorted(charges.items()))


@dataclass
class Testbed:
    """
    A cluster and the service, for one scenario after the other.

    :param cluster: the deployment.
    :param simulator: the service.
    :param targets: finds processes of the cluster.
    :param tell: called with the scenario's name and a line about each event.
    :param timeout: seconds after the last event until an unfinished task counts as hung.
    """

    cluster: RunningCluster
    simulator: RunningSimulatorProcess
    targets: ClusterTargets
    tell: Callable[[str, str], None]
    timeout: float
    name: str = ""

    def say(self, message: str) -> None:
        """Print a line about the present scenario."""
        self.tell(self.name, message)

    def run(self, dag_id: str, songs: int, disturbance: Disturbance, timeout: float | None = None) -> Verdict:
        """
        Run one of the Dags of many songs, and judge it.

        :param timeout: seconds after the last event until an unfinished task counts as hung.
        """
        limit = timeout or self.timeout
        return Round(self.cluster, self.simulator, disturbance, self.say, limit, dag_id, {"songs": songs}).run()

    def set_service(self, **settings: Any) -> None:
        """Change the simulator's settings, such as ``account_read_limit``."""
        requests.post(f"{self.simulator.url}/_sim/settings", json=settings, timeout=10).raise_for_status()

    def requests(self, path: str, since: float) -> list[dict[str, Any]]:
        """
        Return the ledger's requests to a path.

        :param since: epoch seconds; only later ones.
        """
        return [one for one in self.simulator.ledger()["requests"] if one["path"] == path and one["wall"] >= since]

    def refusals(self, path: str, since: float) -> int:
        """Return how many requests to a path were refused for their rate."""
        return sum(one["code"] in {429, 430} for one in self.requests(path, since))

    def change(self, settings: Mapping[str, str | None], components: Sequence[str]) -> None:
        """
        Restart components with settings of their own.

        :param settings: variables in which they differ from the cluster; None for one that they do not have. Without
            any, they get the cluster's settings again.
        :param components: their names.
        :raises AirflowNotReadyError: it was not healthy in time.
        """
        self.say(f"restarting {', '.join(components)} with {'other' if settings else 'the usual'} settings")
        for component in components:
            self.cluster.own_settings[component] = settings
            if process := self.cluster.processes.process(component):
                kill(with_all(process))
        self.cluster.wait_until_up()

    def down(self, component: str) -> None:
        """Kill a component or the broker, and let it stay down."""
        self.cluster.supervisor.resting.add(component)
        if process := self.cluster.process_of(component):
            kill(with_all(process))

    def up(self, component: str) -> None:
        """Let it be started again."""
        self.cluster.supervisor.resting.discard(component)

    def keep_ledger(self, home: Path) -> None:
        """Write the ledger to a file."""
        (home / "ledger.json").write_text(json.dumps(self.simulator.ledger(), indent=1))

    def until(self, condition: Callable[[], object], what: str, timeout: float = 240) -> None:
        """
        Wait for something.

        :raises AirflowNotReadyError: it did not happen in time.
        """
        deadline = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > deadline:
                raise AirflowNotReadyError(f"it did not happen in {timeout:g} s: {what}")
            self.cluster.check()
            time.sleep(0.2)


def longest_gap(reads: Sequence[Mapping[str, Any]], since: float) -> float:
    """
    Return the longest time from a moment until the next poll of a job that is polled later.

    :param reads: the ledger's requests for records.
    :param since: the moment, in epoch seconds.
    """
    first: dict[str, float] = {}
    for read in reads:
        if read["wall"] >= since:
            first.setdefault(read["job_id"], read["wall"])
    return max((at - since for at in first.values()), default=0.0)


def states(tasks: Sequence[Any]) -> Counter[str | None]:
    """Return how many tasks are in each state."""
    return Counter(task.state for task in tasks)
