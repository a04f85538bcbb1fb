"""Airflow on Celery: API servers behind a haproxy, schedulers, triggerers, workers, each on a machine of its own."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import psutil

from demo.airflow_process import AirflowNotReadyError, RunningAirflow
from demo.airflow_rest import AirflowRest, TaskState
from demo.surroundings import clean_environment, reserve_port
from reliability.cluster.balancer import RunningBalancer
from reliability.cluster.network import Network
from reliability.cluster.redis import NAME as REDIS
from reliability.cluster.redis import RunningRedis
from reliability.cluster.supervisor import Supervisor
from reliability.deployment import SHORT_TIMERS
from reliability.postgres import NAME as POSTGRES
from reliability.postgres import RunningPostgres

API_SERVERS = ("api-server-1", "api-server-2")
SCHEDULERS = ("scheduler-1", "scheduler-2")
TRIGGERERS = ("triggerer-1", "triggerer-2")
WORKERS = ("worker-1", "worker-2", "worker-3")
_SLOTS_OF_WORKER = 4
"""Tasks that one worker runs at once."""

SLOTS = _SLOTS_OF_WORKER * len(WORKERS)
"""Tasks that run at once."""

_WITH_HEARTBEATS = {"SchedulerJob": SCHEDULERS, "TriggererJob": TRIGGERERS}
"""What Airflow calls the jobs of components of which there are two."""

_PROJECT = Path(__file__).resolve().parent.parent.parent
_DAG_FILES = (
    _PROJECT / "reliability" / "dags" / "songs.py",
    *sorted((_PROJECT / "reliability" / "cluster" / "dags").glob("*.py")),
    _PROJECT / "reliability" / "waits" / "waits.py",
)


class RunningCluster(RunningAirflow):
    """
    An Airflow on several machines, whose components are restarted when they die.

    :param home: an empty folder, which every user may enter; the caller removes it.
    :param network: where the parts are.
    :param programs: the server programs by package, see :func:`reliability.cluster.programs.programs`.
    :param env: further variables for all of Airflow's processes: a connection, or settings that differ.
    :param say: called with a line about each step.
    """

    components = (*API_SERVERS, *SCHEDULERS, *TRIGGERERS, "dag-processor", *WORKERS)

    def __init__(
        self,
        home: Path,
        network: Network,
        programs: Mapping[str, Path],
        env: Mapping[str, str],
        say: Callable[[str], None],
    ) -> None:
        self.network = network
        self.dags_folder = home / "dags"
        # A busy machine takes long to start ten Pythons.
        super().__init__(home, self.dags_folder, env, say, start_timeout=400)
        self._api_ports = {name: reserve_port() for name in API_SERVERS}
        address = network.service()
        self.postgres = RunningPostgres(home / "database", programs["postgresql"], address=address)
        self.redis = RunningRedis(home / "broker", programs["redis-server"], address)
        servers = {name: f"{network.machine(name)}:{port}" for name, port in self._api_ports.items()}
        self.balancer = RunningBalancer(home / "balancer", programs["haproxy"], network.service(), servers)
        self.rest = AirflowRest(self.balancer.url)
        self.supervisor = Supervisor(self)
        self.own_settings: dict[str, Mapping[str, str | None]] = {}
        """In which variables a component differs from the others when it is started; None for one it does not have."""
        self.env |= self._settings() | dict(env)
        self._services = ExitStack()

    def _settings(self) -> dict[str, str]:
        return {
            **SHORT_TIMERS,
            **self.postgres.settings,
            "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
            "AIRFLOW__CORE__PARALLELISM": f"{SLOTS}",
            "AIRFLOW__CORE__MAX_ACTIVE_TASKS_PER_DAG": f"{SLOTS}",
            "AIRFLOW__CORE__MAX_MAP_LENGTH": "4096",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.balancer.url}/execution/",
            "AIRFLOW__API__BASE_URL": self.balancer.url,
            "AIRFLOW__CELERY__BROKER_URL": self.redis.url,
            "AIRFLOW__CELERY__RESULT_BACKEND": f"db+postgresql+psycopg2://{self.postgres.place}",
            "AIRFLOW__CELERY__WORKER_CONCURRENCY": f"{_SLOTS_OF_WORKER}",
        }

    def __enter__(self) -> Self:
        self.dags_folder.mkdir(parents=True)
        for file in _DAG_FILES:
            shutil.copy(file, self.dags_folder)
        for name in self.components:
            (self.home / name).mkdir()
        try:
            for service in (self.postgres, self.redis, self.balancer):
                self._services.enter_context(service)
            super().__enter__()
            self._services.enter_context(self.supervisor)
        except BaseException:
            self._services.close()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self.supervisor.__exit__()
        try:
            super().__exit__(*exception)
        finally:
            self._services.close()

    def check(self) -> None:
        """
        Make sure that what has died is being restarted.

        :raises ProcessFailedError: a restart failed.
        """
        if self.supervisor.is_started():
            self.supervisor.check()
        else:
            self.processes.check(*self.components)

    def process_of(self, name: str) -> psutil.Process | None:
        """Return the process of a component, of the broker or of the database; ``None`` while it is down."""
        servers = {REDIS: self.redis, POSTGRES: self.postgres}
        return servers.get(name, self).processes.process(name)

    def all_processes(self) -> list[psutil.Process]:
        """Return the processes of Airflow, of the database, of the broker and of the haproxy."""
        services = (self, self.postgres, self.redis, self.balancer)
        return [process for service in services for process in service.processes.running()]

    def start_component(self, name: str) -> None:
        """Start one of the components on its machine, for the first time or again."""
        kind = name.rstrip("-0123456789")
        options = {
            "api-server": ("--host", self.network.machine(name), "--port", f"{self._api_ports.get(name)}"),
            "scheduler": ("--skip-serve-logs",),
            "triggerer": ("--skip-serve-logs",),
            "worker": ("--skip-serve-logs", "--celery-hostname", name),
        }
        command = ("celery", "worker") if kind == "worker" else (kind,)
        airflow = [sys.executable, "-m", "airflow", *command, *options.get(kind, ())]
        self.processes.start(name, self.network.command(name, airflow), self._env_of(name))

    def wait_until_up(self) -> None:
        """
        Wait until every component has been started again and is healthy.

        :raises AirflowNotReadyError: one was not in time.
        """
        deadline = time.monotonic() + self._start_timeout
        while any(self.processes.process(name) is None for name in self.components) and time.monotonic() < deadline:
            self.check()
            time.sleep(0.5)
        self._wait_until_healthy(deadline)
        self._prepare_for_tasks()
        for kind, names in _WITH_HEARTBEATS.items():
            while not self._all_sent_heartbeats(kind, names):
                if time.monotonic() > deadline:
                    raise AirflowNotReadyError(f"one of {', '.join(names)} sends no heartbeat")
                self.check()
                time.sleep(0.5)

    def _all_sent_heartbeats(self, kind: str, names: Sequence[str]) -> bool:
        """Return whether each of these processes works; Airflow calls a kind healthy as soon as one of them does."""
        processes = [process for name in names if (process := self.processes.process(name))]
        try:
            oldest = min(process.create_time() for process in processes)
        except (psutil.Error, ValueError):
            return False
        started = [at for at in self.rest.started_jobs(kind) if at.timestamp() > oldest]
        return len(processes) == len(names) <= len(started)

    def api_url(self, name: str) -> str:
        """Return the address of one API server, past the haproxy."""
        return f"http://{self.network.machine(name)}:{self._api_ports[name]}"

    def log_of(self, dag_id: str, run_id: str, task: TaskState) -> str:
        """Return the log of a task's last try, wherever it ran; JSON lines."""
        mapped = f"map_index={task.map_index}/" if task.map_index >= 0 else ""
        place = f"dag_id={dag_id}/run_id={run_id}/task_id={task.task_id}/{mapped}attempt={task.try_number}.log"
        files = (self.home / name / "logs" / place for name in self.components)
        return "\n".join(file.read_text(errors="replace") for file in files if file.exists())

    def _env_of(self, name: str) -> dict[str, str]:
        """Return the variables of one component: logs and temporary files are those of its machine."""
        home = self.home / name
        own = clean_environment(os.environ, home)
        env = {**self.env, **self.own_settings.get(name, {})}
        settings = {variable: value for variable, value in env.items() if value is not None}
        return {**settings, "AIRFLOW_HOME": str(home), "HOME": own["HOME"], "TMPDIR": own["TMPDIR"]}

    def _prepare_for_tasks(self) -> None:
        deadline = time.monotonic() + self._start_timeout
        for name in API_SERVERS:
            server = AirflowRest(self.api_url(name))
            while not server.health():  # it does not listen yet
                if time.monotonic() > deadline:
                    raise AirflowNotReadyError(f"{name} does not answer")
                self.check()
                time.sleep(0.5)
            server.prepare_for_tasks(timeout=self._start_timeout)
