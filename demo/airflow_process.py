"""A real Airflow, with everything it needs, as a context manager."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from demo.airflow_rest import AirflowRest, TaskState
from demo.processes import Service, closing_lines
from demo.surroundings import airflow_settings, clean_environment, reserve_port

COMPONENTS: Mapping[str, tuple[str, ...]] = {
    "api-server": (),
    # Their log servers would need two more ports, and the API server reads the log files itself.
    "scheduler": ("--skip-serve-logs",),
    "triggerer": ("--skip-serve-logs",),
    "dag-processor": (),
}
"""The components of an Airflow, with the options they are started with."""

_TERMINAL = {"success", "failed"}
_LOCKED = "database is locked"
_MOST_RESTARTS = 5


class AirflowNotReadyError(RuntimeError):
    """Airflow did not start, did not read a Dag, or did not finish a run in time."""


def _say_nothing(_message: str) -> None:
    pass


class RunningAirflow(Service):
    """
    Start a database, API server, scheduler, triggerer and Dag processor; end all of them on the way out.

    The components are started one by one rather than by ``airflow standalone``, which leaves its children
    alive when it is stopped, needs the ``airflow`` program on the path, and mixes their logs.

    :param home: an empty folder that becomes ``AIRFLOW_HOME``; the caller removes it.
    :param dags_folder: where the Dag files are.
    :param env: further variables for Airflow's processes: a connection, or settings that differ.
    :param say: called with a line about each step.
    :param start_timeout: seconds until every component must be healthy.
    """

    components: Sequence[str] = tuple(COMPONENTS)
    """The names of its components, in the order in which they are started."""

    def __init__(
        self,
        home: Path,
        dags_folder: Path,
        env: Mapping[str, str] | None = None,
        say: Callable[[str], None] = _say_nothing,
        start_timeout: float = 240.0,
    ) -> None:
        self.home = home
        self.port = reserve_port()
        self.rest = AirflowRest(f"http://127.0.0.1:{self.port}")
        super().__init__(home / "processes")
        self.env = {
            **clean_environment(os.environ, home),
            **airflow_settings(home, dags_folder, self.port),
            **(env or {}),
        }
        self._say = say
        self._start_timeout = start_timeout
        self._restarts = 0

    def __exit__(self, *_: object) -> None:
        self._say("ending Airflow's processes")
        super().__exit__()

    @property
    def url(self) -> str:
        """Base URL of the API server and the UI."""
        return self.rest.url

    def check(self) -> None:
        """
        Make sure that every component is running; start one again that ended because SQLite was locked.

        :raises ProcessFailedError: one is not.
        """
        for name in self.components:
            self._start_again_after_lock(name)
        self.processes.check(*self.components)

    def _start_again_after_lock(self, name: str) -> None:
        """Start a component again that ended because another one was writing to SQLite, as a supervisor would."""
        ended = self.processes.process(name) is None
        if ended and self._restarts < _MOST_RESTARTS and _LOCKED in closing_lines(self.processes.log_file(name)):
            self._restarts += 1
            self._say(f"{name} ended because SQLite was locked; starting it again")
            self.start_component(name)

    def wait_for_dags(self, *dag_ids: str, timeout: float = 60.0) -> None:
        """
        Wait until Airflow has read these Dags.

        :param timeout: seconds.
        :raises AirflowNotReadyError: a Dag file cannot be imported, or a Dag does not appear.
        """
        missing = set(dag_ids)
        for _ in self._ticks(timeout):
            if errors := self.rest.import_errors():
                traces = "\n".join(f"{name}:\n{trace}" for name, trace in errors.items())
                raise AirflowNotReadyError(f"Airflow cannot import a Dag file.\n{traces}")
            missing = set(dag_ids) - self.rest.dag_ids()
            if not missing:
                return
        raise AirflowNotReadyError(f"Airflow did not read {', '.join(sorted(missing))} within {timeout:.0f} s")

    def follow(self, dag_id: str, run_id: str, timeout: float) -> Iterator[list[TaskState]]:
        """
        Watch a run until it ends: yield, about twice a second, the task instances whose state changed.

        An empty list means that none did. The first list has every task instance.

        :param timeout: seconds.
        :raises AirflowNotReadyError: it did not end in time.
        """
        known: dict[tuple[str, int], TaskState] = {}
        for _ in self._ticks(timeout):
            # In this order: a run that has ended can no longer change the tasks that are read after it.
            state = self.rest.run_state(dag_id, run_id)
            now = {(task.task_id, task.map_index): task for task in self.rest.task_states(dag_id, run_id)}
            yield [task for key, task in now.items() if known.get(key) != task]
            known = now
            if state in _TERMINAL:
                return
        raise AirflowNotReadyError(f"the run {run_id} of {dag_id} did not end within {timeout:.0f} s")

    def run(self, dag_id: str, timeout: float = 180.0, conf: dict[str, object] | None = None) -> tuple[str, str]:
        """
        Run a Dag to its end.

        :param dag_id: the Dag; it must have been read.
        :param timeout: seconds.
        :param conf: values for its params.
        :return: the id of the run and its final state.
        """
        run_id = self.rest.trigger(dag_id, conf)
        for _ in self.follow(dag_id, run_id, timeout):
            pass
        return run_id, self.rest.run_state(dag_id, run_id)

    def start_component(self, name: str) -> None:
        """Start one of the components, for the first time or again."""
        self.processes.start(name, self._command(name, *COMPONENTS[name]), self.env)

    def run_command(self, name: str, *arguments: str) -> None:
        """
        Run an ``airflow`` command to its end.

        :param name: its name in messages and of its log file.
        :param arguments: the command.
        :raises AirflowNotReadyError: it did not end in time.
        """
        self.processes.start(name, self._command(*arguments), self.env)
        deadline = time.monotonic() + self._start_timeout
        while not self.processes.finished(name):
            if time.monotonic() > deadline:
                raise AirflowNotReadyError(f"{' '.join(arguments)}: not done in time")
            time.sleep(0.1)

    def _start(self) -> None:
        deadline = time.monotonic() + self._start_timeout
        self._say("creating its database")
        self.run_command("migrate", "db", "migrate")
        self._say(f"starting {', '.join(self.components)} at {self.url}")
        for name in self.components:
            self.start_component(name)
        self._wait_until_healthy(deadline)
        self._prepare_for_tasks()

    def _prepare_for_tasks(self) -> None:
        self.rest.prepare_for_tasks(timeout=self._start_timeout)

    def _wait_until_healthy(self, deadline: float) -> None:
        expected = {"metadatabase", "scheduler", "triggerer", "dag_processor"}
        waiting = expected
        for _ in self._ticks(deadline - time.monotonic()):
            health = self.rest.health()
            unhealthy = {name for name in expected if health.get(name) != "healthy"}
            if not unhealthy:
                return
            if unhealthy != waiting:
                self._say(f"waiting for {', '.join(sorted(unhealthy))}")
                waiting = unhealthy
        raise AirflowNotReadyError(
            f"not healthy within {self._start_timeout:.0f} s: {', '.join(sorted(waiting))}. Logs: {self.processes.logs}"
        )

    def _ticks(self, timeout: float) -> Iterator[None]:
        """Yield twice a second until the timeout. Fail as soon as a component has died."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            self.check()
            yield
            time.sleep(0.5)

    @staticmethod
    def _command(*arguments: str) -> list[str]:
        return [sys.executable, "-m", "airflow", *arguments]
