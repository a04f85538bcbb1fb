"""A real Airflow with marked keys, connected to the simulator and to a failing service, and all its runs."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import requests
from cryptography.fernet import Fernet

from demo.airflow_process import RunningAirflow
from demo.airflow_rest import AirflowRestError
from demo.simulator_process import RunningSimulatorProcess
from tests.support.secrets.answers import Walk
from tests.support.secrets.awkward import CASES, LATE, AwkwardService
from tests.support.secrets.bad_connections import bad_connections
from tests.support.secrets.forms import Seeker, new_key
from tests.support.secrets.places import FLEETING, Sweep
from tests.support.sounds import write_wav

DAGS_FOLDER = Path(__file__).parent / "dags"
DAGS = ("works_env", "works_stored", "fails", "disturbed", "planted")
WAITS = ("record_finished", "record_failed", "record_rejected", "key_refused", "no_credits", "unknown")
ALIKE = {
    *(case for case in CASES if case.startswith("record_")),
    *("auth_page", "no_credits_429", "field_refused", "media_unavailable", "odd_code", "data_is_text", "bad_length"),
}
"""Cases that are left out: Airflow handles their errors like those of other cases."""

TIMEOUT = 240.0
KEYS = {name: new_key(name) for name in ("env", "stored", "callback", "proxy", "planted")}
OURS = ("env", "stored", "callback", "proxy")
FERNET_KEY = Fernet.generate_key().decode()
SETTINGS = {
    # Nothing is long enough to be masked by Airflow, but what stands under names such as "password".
    "AIRFLOW__LOGGING__MIN_LENGTH_MASKED_SECRET": "100000",
    "AIRFLOW__CORE__FERNET_KEY": FERNET_KEY,
    "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
    "AIRFLOW__CORE__PARALLELISM": "8",
    # For so long a worker may linger after its task has ended.
    "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "15",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
}


@dataclass
class Deployment:
    """A real Airflow on the simulator and on the failing service, and the results of its runs."""

    home: Path
    simulator: RunningSimulatorProcess
    awkward: AwkwardService
    sweep: Sweep
    airflow: RunningAirflow = None  # type: ignore[assignment]  # until it runs
    runs: dict[str, str] = field(default_factory=dict)
    states: dict[str, dict[str, str | None]] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)
    """The messages of connection tests."""
    tokens: set[str] = field(default_factory=set)
    """The signatures of the tokens in the callback URLs that were sent."""
    unreached: set[str] = field(default_factory=set)
    """GETs of the API for which no id was known."""

    def connection_of(self, host: str, key: str, **extra: Any) -> dict[str, Any]:
        extra = {"callback_secret": KEYS["callback"], "callback_url": self.airflow.url, **extra}
        return {"conn_type": "suno", "host": host, "password": KEYS[key], "extra": extra}

    def logs(self, dag_id: str) -> str:
        folder = self.home / "logs" / f"dag_id={dag_id}"
        return "\n".join(path.read_text() for path in sorted(folder.rglob("*.log")))


def _states(deployment: Deployment, dag_id: str) -> dict[str, str | None]:
    tasks = deployment.airflow.rest.task_states(dag_id, deployment.runs[dag_id])
    return {task.label: task.state for task in tasks}


def _call(airflow: RunningAirflow, method: str, path: str, **body: Any) -> dict[str, Any]:
    token = requests.get(f"{airflow.url}/auth/token", timeout=30).json()["access_token"]
    reply = requests.request(
        method, f"{airflow.url}/api/v2{path}", json=body, timeout=60, headers={"Authorization": f"Bearer {token}"}
    )
    reply.raise_for_status()
    found: dict[str, Any] = reply.json()
    return found


def _environment(deployment: Deployment, recording: Path) -> dict[str, str]:
    """Return environment variables: all connections but the stored one, and settings of the Dags."""
    simulator, awkward = deployment.simulator.url, deployment.awkward
    connections = {"env": deployment.connection_of(simulator, "env"), "planted": {"password": KEYS["planted"]}}
    cases = [*CASES, *(LATE + case for case in (*WAITS, "exists", "record_pending"))]
    for case in cases:
        connections[case] = deployment.connection_of(awkward.url(case), "env", timeout=0.3)
    connections["unknown_host"] = deployment.connection_of("https://suno.invalid", "env")
    bad = bad_connections(KEYS["env"], KEYS["callback"], KEYS["proxy"]).values()
    connections |= {f"bad_{number}": {"conn_type": "suno", **one} for number, one in enumerate(bad)}
    # As URIs, of which Airflow can read the first alone.
    quoted = requests.utils.quote(KEYS["env"], safe="")
    uris = {
        "uri": f"suno://:{quoted}@{requests.utils.quote(simulator, safe='')}/",
        "bad_uri_1": f"suno://:{quoted}@https://h/?callback_url=https://x",
        "bad_uri_2": f"suno://:{KEYS['env'].replace('/', '')}@h:port",
    }
    names = [f"suno_{name}" for name in connections if name.startswith("bad_")] + [f"suno_{name}" for name in uris]
    written = {name: json.dumps(one) for name, one in connections.items()} | uris
    return {
        **SETTINGS,
        "PYTHONPATH": str(DAGS_FOLDER),  # where the triggerer finds the control's trigger
        **{f"AIRFLOW_CONN_SUNO_{name.upper()}": text for name, text in written.items()},
        "SWEEP_CASES": " ".join(f"suno_{case}" for case in CASES if case not in ALIKE),
        "SWEEP_WAITS": " ".join(f"suno_{LATE}{case}" for case in WAITS),
        "SWEEP_BAD": " ".join(names),
        "SWEEP_PLANTED": KEYS["planted"],
        "SWEEP_RECORDING": str(recording),
    }


def _try_connections(deployment: Deployment) -> None:
    """Store a connection and test some by REST, by the queue of a worker, and by the command line."""
    airflow = deployment.airflow
    stored = deployment.connection_of(deployment.simulator.url, "stored")
    body = {**stored, "connection_id": "suno_stored", "extra": json.dumps(stored["extra"])}
    _call(airflow, "POST", "/connections", **body)
    _call(airflow, "PATCH", "/connections/suno_stored", **body)
    tests = {"works": body}
    for case in ("key_refused", "bad_status_line", "redirected"):
        host = deployment.awkward.url(case)
        tests[case] = {**body, "connection_id": f"test_{case}", "host": host, "port": deployment.awkward.port}
    for name, tested in tests.items():
        deployment.said[name] = _call(airflow, "POST", "/connections/test", **tested)["message"]
    _call(airflow, "POST", "/connections/enqueue-test", **{**tests["key_refused"], "connection_id": "queued"})
    command = [sys.executable, "-m", "airflow", "connections", "test", "suno_key_refused"]
    airflow.processes.start("cli", command, _environment_of(airflow))


def _disturb(deployment: Deployment) -> None:
    """Kill one task and mark another one as failed, once they wait."""
    airflow, run_id = deployment.airflow, deployment.runs["disturbed"]
    for task_id in ("killed", "marked_failed"):
        give_up_at = time.monotonic() + TIMEOUT
        done = False
        while not done:
            assert time.monotonic() < give_up_at, f"{task_id} does not wait"
            time.sleep(0.3)
            with suppress(AirflowRestError):  # there is no log yet, or SQLite is locked
                if "submitted music task" in airflow.rest.task_log("disturbed", run_id, task_id, 1):
                    done = _kill(airflow, run_id) if task_id == "killed" else _mark_failed(airflow, run_id)


def _mark_failed(airflow: RunningAirflow, run_id: str) -> bool:
    airflow.rest.mark_failed("disturbed", run_id, "marked_failed")
    return True


def _kill(airflow: RunningAirflow, run_id: str) -> bool:
    (task,) = [task for task in airflow.rest.task_states("disturbed", run_id) if task.task_id == "killed"]
    for process in airflow.processes.running():
        with suppress(psutil.Error):  # others come and go
            if task.id in " ".join(process.cmdline()):
                process.kill()
                return True
    return False


def _environment_of(airflow: RunningAirflow) -> dict[str, str]:
    """Return the environment of its processes, which has the key of its database."""
    for process in airflow.processes.running():
        with suppress(psutil.Error):
            environment: dict[str, str] = process.environ()
            if "AIRFLOW_HOME" in environment:
                return environment
    raise AssertionError("no process of Airflow runs")


def _watch(deployment: Deployment, over: threading.Event) -> None:
    """Search repeatedly what is deleted when the runs have ended."""
    while not over.wait(1):
        deployment.sweep.look_at_database(deployment.home / "airflow.db", FLEETING)
        deployment.sweep.look_at_commands(deployment.airflow.processes.running())


def _run(deployment: Deployment) -> None:
    airflow = deployment.airflow
    over = threading.Event()
    with ThreadPoolExecutor(1) as beside:
        watch = beside.submit(_watch, deployment, over)
        try:
            _try_connections(deployment)
            for dag_id in DAGS:
                conf = {"key": KEYS["planted"]} if dag_id == "planted" else {}
                deployment.runs[dag_id] = airflow.rest.trigger(dag_id, conf)
            _disturb(deployment)
            _wait_for_the_end(deployment)
        finally:
            over.set()
        watch.result()


def _wait_for_the_end(deployment: Deployment) -> None:
    airflow = deployment.airflow
    give_up_at = time.monotonic() + TIMEOUT
    while not all(airflow.rest.run_state(*run) in ("success", "failed") for run in deployment.runs.items()):
        assert time.monotonic() < give_up_at, {dag_id: _states(deployment, dag_id) for dag_id in DAGS}
        time.sleep(0.5)
    while "Connection failed!" not in airflow.processes.log_file("cli").read_text():
        assert time.monotonic() < give_up_at, "the command line does not answer"
        time.sleep(0.2)


@contextmanager
def swept_deployment(home: Path) -> Iterator[Deployment]:
    """
    Run everything once, look everywhere, and end it.

    :param home: an empty folder.
    """
    sweep = Sweep(Seeker(KEYS, FERNET_KEY))
    recording = write_wav(home / "hum.wav", 12)
    with RunningSimulatorProcess(home, speed=40) as simulator, AwkwardService() as awkward:
        reset = {"api_keys": [KEYS["env"], KEYS["stored"]]}
        requests.post(f"{simulator.url}/_sim/reset", json=reset, timeout=10).raise_for_status()
        deployment = Deployment(home, simulator, awkward, sweep)
        deployment.airflow = RunningAirflow(home, DAGS_FOLDER)
        deployment.airflow.env |= _environment(deployment, recording)
        with deployment.airflow as airflow:
            airflow.wait_for_dags(*DAGS)
            _run(deployment)
            walk = Walk(airflow.url, sweep)
            walk.look()
            deployment.unreached = walk.unreached
            sweep.look_at_database(home / "airflow.db")
            urls = [song["request"]["callBackUrl"] for song in simulator.ledger()["songs"]]
            deployment.tokens = {url.rpartition(".")[2] for url in urls if "suno_token=" in url}
            deployment.states = {dag_id: _states(deployment, dag_id) for dag_id in DAGS}
        sweep.look_at_files(home)
        yield deployment
