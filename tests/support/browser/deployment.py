"""What the browser looks at: a real Airflow on the simulator, and a second API server with roles."""

from __future__ import annotations

import shutil
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import requests

from demo.airflow_process import RunningAirflow
from demo.processes import Service
from demo.simulator_process import RunningSimulatorProcess
from demo.surroundings import reserve_port
from tests.support.project import PROJECT

CHAIN = "suno_chain"
OTHER = "suno_jingle"
"""A Dag whose readers are others than those of the chain. Its files are kept where the player may not serve them."""

EMPTY = "suno_extend"
"""A Dag whose run has made nothing yet, since it is paused."""

CLICKED = "suno_chain_clicked"
"""The chain again, paused: for a test that runs it by clicks alone."""

SERVED = "kept"
"""The folder whose files the player may serve, below the home."""

PATH = "/team/airflow"
"""Where the API server with roles is."""

_START_TIMEOUT = 120.0
_RUN_TIMEOUT = 240.0


@dataclass(frozen=True)
class Order:
    """
    A run to begin.

    :param dag_id: an example.
    :param folder: where it keeps files, below the home.
    :param params: its other params.
    """

    dag_id: str
    folder: str = SERVED
    params: Mapping[str, str] = field(default_factory=dict)


LONG = "[seconds:120]"
"""Tells the simulator to make a longer song than usual, which does not end while a test looks at it."""

OF_THE_TESTS = (
    Order(CHAIN, params={"prompt": f"A calm folk song about a lighthouse at dawn {LONG}"}),
    Order(OTHER, folder="elsewhere", params={"prompt": f"A short, bright marimba jingle {LONG}"}),
)


@dataclass
class Deployment:
    """
    An Airflow on the simulator, and the runs that make music in it.

    :param runs: the ids of the runs of each Dag.
    """

    home: Path
    simulator: RunningSimulatorProcess
    airflow: RunningAirflow
    runs: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    @property
    def kept(self) -> Path:
        """The folder whose files the player may serve."""
        return self.home / SERVED

    def begin(self, dag_id: str, params: Mapping[str, str] | None = None) -> None:
        """Begin a run."""
        self.runs[dag_id].append(self.airflow.rest.trigger(dag_id, dict(params or {})))

    def finish(self, *dag_ids: str) -> None:
        """Wait until the runs of these Dags have ended well."""
        for dag_id in dag_ids:
            for run_id in self.runs[dag_id]:
                for _ in self.airflow.follow(dag_id, run_id, _RUN_TIMEOUT):
                    pass
                assert self.airflow.rest.run_state(dag_id, run_id) == "success", f"{dag_id}: {self.airflow.home}"

    def run_of(self, dag_id: str) -> str:
        """Return the id of a Dag's newest run."""
        return self.runs[dag_id][-1]

    def path_of(self, dag_id: str) -> str:
        """Return the path of the page of a Dag's newest run."""
        return f"/dags/{dag_id}/runs/{self.run_of(dag_id)}"


@contextmanager
def music_in_airflow(home: Path, orders: Sequence[Order] = OF_THE_TESTS) -> Iterator[Deployment]:
    """
    Start the simulator and an Airflow whose viewers are administrators; begin runs in it.

    :param home: an empty folder.
    :param orders: the runs.
    """
    folders = {name: home / name for name in ("airflow", "dags", SERVED)}
    for folder in folders.values():
        folder.mkdir()
    dag_ids = {order.dag_id for order in orders}
    _write_dags(folders["dags"], {*dag_ids, EMPTY})
    env = {
        "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
        "AIRFLOW__SUNO__PLAYER_ROOTS": str(folders[SERVED]),
    }
    with RunningSimulatorProcess(home / "simulator", speed=20) as simulator:
        airflow = RunningAirflow(folders["airflow"], folders["dags"], {**simulator.connection_env, **env})
        with airflow:
            deployment = Deployment(home, simulator, airflow)
            airflow.wait_for_dags(*dag_ids, EMPTY, CLICKED)
            for dag_id in dag_ids:
                airflow.rest.unpause(dag_id)
            for order in orders:
                deployment.begin(order.dag_id, {"folder": str(home / order.folder), **order.params})
            deployment.begin(EMPTY)
            yield deployment


def _write_dags(folder: Path, dag_ids: Iterable[str]) -> None:
    """Copy examples, and the chain once more under another name."""
    examples = PROJECT / "example_dags"
    for dag_id in dag_ids:
        shutil.copy(examples / f"{dag_id}.py", folder)
    chain = (examples / f"{CHAIN}.py").read_text()
    (folder / f"{CHAIN}.py").write_text(chain.replace('prompt="The lamp', f'prompt="{LONG} The lamp'))
    clicked = chain.replace(f'dag_id="{CHAIN}"', f'dag_id="{CLICKED}"')
    # With titles of its own, by which tests tell its songs from those of the chain.
    clicked = clicked.replace("A calm folk song", "A slow waltz").replace("The Keeper Sings", "The Keeper Dances")
    (folder / f"{CLICKED}.py").write_text(clicked)


class ApiServerWithRoles(Service):
    """
    A second API server on the same database, with FAB's auth manager, under a path.

    :param deployment: whose database it reads.
    """

    def __init__(self, deployment: Deployment) -> None:
        super().__init__(deployment.home / "roles")
        port = reserve_port()
        self.url = f"http://127.0.0.1:{port}{PATH}"
        self._env = {
            **deployment.airflow.env,
            "AIRFLOW__CORE__AUTH_MANAGER": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "AIRFLOW__API__PORT": str(port),
            "AIRFLOW__API__BASE_URL": self.url,
            # Their permissions are those that `prepare_roles` gives.
            "AIRFLOW__FAB__UPDATE_FAB_PERMS": "False",
        }

    def _start(self) -> None:
        deadline = time.monotonic() + _START_TIMEOUT
        command = [sys.executable, "-m", "tests.support.browser.prepare_roles"]
        self.processes.start("prepare", command, {**self._env, "PYTHONPATH": str(PROJECT)})
        while not self.processes.finished("prepare"):
            assert time.monotonic() < deadline, f"the roles were not made in time; logs: {self.processes.logs}"
            time.sleep(0.1)
        self.processes.start("api-server", [sys.executable, "-m", "airflow", "api-server"], self._env)
        while not self._answers():
            self.processes.check("api-server")
            assert time.monotonic() < deadline, f"not ready in time; logs: {self.processes.logs}"
            time.sleep(0.3)

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/api/v2/version", timeout=10).ok
        except requests.RequestException:
            return False
