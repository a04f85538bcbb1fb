"""What a scenario works with, and the row of the table that it leaves."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2
import requests

from demo.airflow_process import AirflowNotReadyError
from demo.airflow_rest import TaskState
from demo.simulator_process import RunningSimulatorProcess
from reliability.cluster.deployment import RunningCluster
from reliability.cluster.targets import ClusterTargets
from reliability.killing import Disturbance, kill, with_all
from reliability.round import Round
from reliability.verdict import Verdict

CONNECTION = "AIRFLOW_CONN_SUNO_DEFAULT"
READ = "/api/v1/generate/record-info"
SUBMIT = "/api/v1/generate"
SONG_SPEED = 6.0
"""How much faster songs are made than in reality, unless a scenario says otherwise."""


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
            verdict.charged(),
            *(f"{figure}" for figure in figures),
            "; ".join(self.seen),
        )


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
        if components:
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

    def restore(self) -> None:
        """
        Undo what a scenario has changed of the service, the network and the components, and wait until all are up.

        :raises AirflowNotReadyError: one was not healthy in time.
        """
        self.simulator.set_speed(SONG_SPEED)
        self.set_service(account_read_limit=None)
        self.cluster.network.mend()
        self.cluster.supervisor.resting.clear()
        self.change({}, [name for name, settings in self.cluster.own_settings.items() if settings])

    def task_states(self, dag_id: str) -> list[TaskState]:
        """Return the state of each task instance of a Dag's last run."""
        rest = self.cluster.rest
        return rest.task_states(dag_id, rest.run_ids(dag_id)[-1])

    def schedulers_of_tasks(self, dag_id: str) -> dict[int, int]:
        """Return which scheduler, by the id of its job, has each running task of a Dag; by map index."""
        asked = (
            "SELECT map_index, queued_by_job_id FROM task_instance "
            "WHERE dag_id = %s AND state = 'running' AND queued_by_job_id IS NOT NULL"
        )
        with closing(psycopg2.connect(f"postgresql://{self.cluster.postgres.place}")) as database:
            cursor = database.cursor()
            cursor.execute(asked, (dag_id,))
            return dict(cursor.fetchall())

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
