"""What the browser looks at: a real Airflow on the simulator, and a second API server with roles."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator
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
"""A Dag that some viewers may read and others may not."""

CLICKED = "suno_chain_clicked"
"""The chain again, paused: for a test that runs it by clicks alone."""

PATH = "/team/airflow"
"""Where the API server with roles is."""

_START_TIMEOUT = 120.0
_RUN_TIMEOUT = 240.0


@dataclass
class Deployment:
    """
    An Airflow on the simulator, and the runs that made music in it.

    :param kept: where files are kept, the only root of the player.
    """

    home: Path
    simulator: RunningSimulatorProcess
    airflow: RunningAirflow
    kept: Path
    runs: dict[str, str] = field(default_factory=dict)

    def finish(self, *dag_ids: str) -> None:
        """Wait until these Dags' runs have ended well."""
        for dag_id in dag_ids:
            for _ in self.airflow.follow(dag_id, self.runs[dag_id], _RUN_TIMEOUT):
                pass
            assert self.airflow.rest.run_state(dag_id, self.runs[dag_id]) == "success", self.airflow.home

    def path_of(self, dag_id: str) -> str:
        """Return the path of the page of a Dag's run."""
        return f"/dags/{dag_id}/runs/{self.runs[dag_id]}"


@contextmanager
def music_in_airflow(home: Path) -> Iterator[Deployment]:
    """
    Start the simulator and an Airflow whose viewers are administrators; begin to make some music.

    :param home: an empty folder.
    """
    dags_folder, kept = home / "dags", home / "kept"
    for folder in (dags_folder, kept):
        folder.mkdir()
    for dag_id in (CHAIN, OTHER):
        shutil.copy(PROJECT / "example_dags" / f"{dag_id}.py", dags_folder)
    chain = (dags_folder / f"{CHAIN}.py").read_text()
    (dags_folder / f"{CLICKED}.py").write_text(chain.replace(f'dag_id="{CHAIN}"', f'dag_id="{CLICKED}"'))
    env = {
        "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
        "AIRFLOW__SUNO__PLAYER_ROOTS": str(kept),
    }
    with RunningSimulatorProcess(home / "simulator", speed=20) as simulator:
        airflow = RunningAirflow(home / "airflow", dags_folder, {**simulator.connection_env, **env})
        (home / "airflow").mkdir()
        with airflow:
            deployment = Deployment(home, simulator, airflow, kept)
            airflow.wait_for_dags(CHAIN, OTHER, CLICKED)
            for dag_id in (CHAIN, OTHER):
                airflow.rest.unpause(dag_id)
                deployment.runs[dag_id] = airflow.rest.trigger(dag_id, {"folder": str(kept)})
            yield deployment


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
        self._run("migrate", [sys.executable, "-m", "airflow", "fab-db", "migrate"], deadline)
        self._run("prepare", [sys.executable, "-m", "tests.support.browser.prepare_roles"], deadline)
        self.processes.start("api-server", [sys.executable, "-m", "airflow", "api-server"], self._env)
        while not self._answers():
            self.processes.check("api-server")
            assert time.monotonic() < deadline, f"not ready in time; logs: {self.processes.logs}"
            time.sleep(0.3)

    def _run(self, name: str, command: list[str], deadline: float) -> None:
        self.processes.start(name, command, {**self._env, "PYTHONPATH": str(PROJECT)})
        while not self.processes.finished(name):
            assert time.monotonic() < deadline, f"{name}: not done in time; logs: {self.processes.logs}"
            time.sleep(0.1)

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/api/v2/version", timeout=10).ok
        except requests.RequestException:
            return False
