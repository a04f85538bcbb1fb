"""A paid job on a real Airflow when its worker dies, its reply is lost, or a person intervenes."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from demo.airflow_process import RunningAirflow
from demo.airflow_rest import AirflowRestError, TaskState
from demo.simulator_process import RunningSimulatorProcess
from tests.support.airflow_versions import KEEPS_TASK_STATE

pytestmark = [
    pytest.mark.crashes,
    pytest.mark.skipif(not KEEPS_TASK_STATE, reason="before Airflow 3.3 there is no journal"),
]

TIMEOUT = 150.0
_ENDED = ("success", "failed")
DAGS = """
from datetime import timedelta

from airflow.sdk import DAG

from airflow_provider_suno.operators.music import GenerateMusicOperator

RETRY = {"retries": 1, "retry_delay": timedelta(seconds=1), "poll_interval": 2}
WAITS = {"worker": {"deferrable": False}, "deferrable": {"deferrable": True}}

for name, options in WAITS.items():
    with DAG(name, schedule=None):
        GenerateMusicOperator(
            task_id="generate", model="V5", prompt=f"rain {name}", wait_for_completion=True, **options, **RETRY
        )

with DAG("mapped", schedule=None):
    GenerateMusicOperator.partial(
        task_id="generate", model="V5", wait_for_completion=True, deferrable=False, **RETRY
    ).expand(prompt=["rain mapped"])

with DAG("edited", schedule=None, description="retries=2"):
    GenerateMusicOperator(task_id="generate", model="V5", prompt="rain edited", retries=2)

with DAG("submit_only", schedule=None):
    GenerateMusicOperator(task_id="generate", model="V5", prompt="rain submit", **RETRY)
"""
POLICY = """
def task_policy(task):
    if task.task_id == "generate" and task.dag_id in ("submit_only", "edited"):
        task.on_success_callback = [lambda context: print("the policy's callback runs")]
"""


@dataclass
class Run:
    """One run of a Dag with the one task ``generate``."""

    dag_id: str
    airflow: RunningAirflow
    simulator: RunningSimulatorProcess

    def __post_init__(self) -> None:
        self.charges_before = self._charges()
        self.run_id = self.airflow.rest.trigger(self.dag_id)

    def task(self) -> TaskState:
        (task,) = self.airflow.rest.task_states(self.dag_id, self.run_id)
        return task

    def wait_for(self, *states: str, tries: int | None = None) -> TaskState:
        """Wait until the task is in one of these states, in this try if it is given."""
        give_up_at = time.monotonic() + TIMEOUT
        while (task := self.task()).state not in states or tries not in (None, task.try_number):
            assert time.monotonic() < give_up_at, f"{task}\n{self.log()}"
            time.sleep(0.2)
        return task

    def wait_for_log(self, text: str) -> str:
        """Wait until the log of the present try contains a text."""
        give_up_at = time.monotonic() + TIMEOUT
        while text not in (log := self.log()):
            assert time.monotonic() < give_up_at, log
            time.sleep(0.2)
        return log

    def log(self) -> str:
        """Return the log of the present try, empty while it has none."""
        try:
            task = self.task()
            return self.airflow.rest.task_log(
                self.dag_id, self.run_id, "generate", task.try_number, map_index=task.map_index
            )
        except AirflowRestError:
            return ""

    def clear(self, *, latest_version: bool = False) -> None:
        """Clear the task; if it has ended, when the run has too: else the scheduler may end the run just then."""
        give_up_at = time.monotonic() + TIMEOUT
        while self.task().state in _ENDED and self.airflow.rest.run_state(self.dag_id, self.run_id) not in _ENDED:
            assert time.monotonic() < give_up_at, "the run does not end"
            time.sleep(0.2)
        self.airflow.rest.clear(self.dag_id, self.run_id, "generate", latest_version=latest_version)

    def music_task_id(self) -> str:
        return str(self.airflow.rest.xcom(self.dag_id, self.run_id, "generate", map_index=self.task().map_index))

    def kill(self) -> None:
        """Kill the process of the present try by ``SIGKILL``, and wait until it is dead."""
        title = f"airflow worker -- {self.task().id}"
        (process,) = [p for p in self.airflow.processes.running() if title in " ".join(_command(p))]
        os.kill(process.pid, signal.SIGKILL)
        assert psutil.wait_procs([process], timeout=10)[0], "it did not die"

    def charges(self) -> int:
        """Return how many jobs this run has paid for."""
        return self._charges() - self.charges_before

    def _charges(self) -> int:
        return sum(song["charges"] for song in self.simulator.ledger()["songs"])


def _command(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []


@pytest.fixture(scope="module")
def dag_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of the Dags, in its own folder."""
    file = tmp_path_factory.mktemp("dags") / "lost_workers.py"
    file.write_text(DAGS)
    return file


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSimulatorProcess]:
    with RunningSimulatorProcess(tmp_path_factory.mktemp("simulator"), speed=12) as running:
        yield running


@pytest.fixture(scope="module")
def airflow(
    dag_file: Path, simulator: RunningSimulatorProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningAirflow]:
    home = tmp_path_factory.mktemp("airflow")
    (home / "config").mkdir()
    (home / "config" / "airflow_local_settings.py").write_text(POLICY)
    often = {"AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "2"}
    with RunningAirflow(home, dag_file.parent, {**simulator.connection_env, **often}) as running:
        running.wait_for_dags("worker", "deferrable", "mapped", "submit_only", "edited")
        yield running


@pytest.fixture
def begin(airflow: RunningAirflow, simulator: RunningSimulatorProcess) -> Callable[[str], Run]:
    return lambda dag_id: Run(dag_id, airflow, simulator)


@pytest.mark.parametrize("dag_id", ["worker", "mapped"])
def test_a_retry_after_a_kill_in_the_wait_re_attaches(dag_id: str, begin: Callable[[str], Run]) -> None:
    run = begin(dag_id)
    run.wait_for_log("submitted music task")
    run.kill()
    run.wait_for("success", tries=2)
    assert f"re-attached to music task {run.music_task_id()}, submitted" in run.log()
    assert run.charges() == 1
    run.clear()
    run.wait_for("success", tries=3)
    assert "cleared: submitting anew, which is charged; it replaces" in run.log()
    assert run.charges() == 2


def test_a_clear_while_it_runs_re_attaches(begin: Callable[[str], Run]) -> None:
    run = begin("worker")
    run.wait_for_log("submitted music task")
    run.clear()
    run.wait_for("success", tries=2)
    assert "Storage tab (Task State Store), and clear again" in run.log()
    assert run.charges() == 1


def test_a_clear_while_it_is_deferred_re_attaches(begin: Callable[[str], Run]) -> None:
    run = begin("deferrable")
    run.wait_for("deferred")
    run.clear()
    run.wait_for("success", tries=2)
    assert "re-attached" in run.log()
    assert run.charges() == 1


@pytest.mark.parametrize("dag_id", ["worker", "deferrable"])
def test_marked_failed_it_stays_failed_and_a_clear_re_attaches(dag_id: str, begin: Callable[[str], Run]) -> None:
    run = begin(dag_id)
    run.wait_for_log("submitted music task")
    if dag_id == "deferrable":
        run.wait_for_log(" starting")  # the trigger
    run.airflow.rest.mark_failed(run.dag_id, run.run_id, "generate")
    run.wait_for_log("continues at the service")
    time.sleep(2)
    assert run.task().state == "failed"
    run.clear()
    run.wait_for("success", tries=2)
    assert run.charges() == 1


def test_a_lost_reply_stops_until_a_person_clears(
    begin: Callable[[str], Run], simulator: RunningSimulatorProcess
) -> None:
    simulator.order_fault(path="/api/v1/generate", kind="drop_after", times=1)
    run = begin("submit_only")
    assert run.wait_for("failed").try_number == 1
    assert "The job may exist and be charged. Look at the service's own log page" in run.log()
    assert run.charges() == 1
    run.clear()
    run.wait_for("success", tries=2)
    assert run.charges() == 2


def edit_retries(dag_file: Path, airflow: RunningAirflow, retries: int) -> None:
    """Change the retries of the Dag ``edited`` in its file, and wait until Airflow has read it."""
    file = re.sub(r'description="retries=\d"', f'description="retries={retries}"', dag_file.read_text())
    dag_file.write_text(re.sub(r'("rain edited", retries)=\d', rf"\1={retries}", file))
    give_up_at = time.monotonic() + TIMEOUT
    while airflow.rest.description("edited") != f"retries={retries}":
        assert time.monotonic() < give_up_at, "Airflow does not read the Dag file"
        time.sleep(0.2)


def test_a_clear_is_recognised_with_lower_retries_and_a_policy_that_sets_the_callback(
    begin: Callable[[str], Run], dag_file: Path, airflow: RunningAirflow, simulator: RunningSimulatorProcess
) -> None:
    """By a real scheduler: once after a success, and once after a lost reply. Lowering them keeps ``max_tries``."""
    run = begin("edited")
    run.wait_for("success", tries=1)
    run.wait_for_log("the policy's callback runs")  # it runs after the success is recorded
    edit_retries(dag_file, airflow, 1)
    run.clear(latest_version=True)
    run.wait_for("success", tries=2)
    assert run.charges() == 2

    edit_retries(dag_file, airflow, 2)
    simulator.order_fault(path="/api/v1/generate", kind="drop_after", times=1)
    lost = begin("edited")
    lost.wait_for("failed", tries=1)
    edit_retries(dag_file, airflow, 1)
    lost.clear(latest_version=True)
    lost.wait_for("success", tries=2)
    assert lost.charges() == 2
