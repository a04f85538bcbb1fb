"""
Run each try of a task in its own process under Airflow's supervisor, as an executor does, and kill it.

A crash point is a function of the product or of Airflow in which the process kills itself with ``SIGKILL``, once. The
supervisor reports that to Airflow, which retries or not. With ``SIGSTOP`` the process pauses there instead.
"""

from __future__ import annotations

import logging
import os
import signal
from dataclasses import dataclass, field
from pathlib import Path
from pkgutil import resolve_name
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from airflow.executors.base_executor import BaseExecutor
from airflow.jobs.scheduler_job_runner import SchedulerJobRunner
from airflow.models.taskinstance import TaskInstance
from airflow.models.taskinstancekey import TaskInstanceKey
from airflow.sdk.api.client import ServerResponseError
from airflow.sdk.api.datamodels._generated import TaskInstance as TaskInstanceToRun
from airflow.sdk.execution_time.supervisor import ActivitySubprocess
from airflow.utils.state import TaskInstanceState
from structlog.testing import LogCapture

from tests.support.airflow_versions import KEEPS_TASK_STATE
from tests.support.scheduling import Scheduling

if KEEPS_TASK_STATE:
    from airflow.models.dagbag import DBDagBag
    from airflow.sdk.execution_time.supervisor import InProcessTestSupervisor


@dataclass(frozen=True)
class CrashPoint:
    """
    Where a process kills or pauses itself.

    :param function: the dotted name of the function.
    :param when: ``before`` or ``after`` the function's work.
    :param if_state: only when the function's second argument is this state, or is in it.
    :param by: the signal that the process sends itself.
    """

    function: str
    when: str
    if_state: str | None = None
    by: signal.Signals = signal.SIGKILL

    def arm(self, armed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """
        Make the next process that reaches this point send itself the signal, once.

        :param armed: a file that exists until that has happened.
        """
        owner_name, _, name = self.function.rpartition(".")
        owner = resolve_name(owner_name)
        function = getattr(owner, name)
        test_process = os.getpid()

        def signal_self(about: Any) -> None:
            if os.getpid() == test_process or (self.if_state and getattr(about, "state", about) != self.if_state):
                return
            try:
                armed.unlink()
            except FileNotFoundError:
                return
            os.kill(os.getpid(), self.by)

        def crashing(*args: Any, **kwargs: Any) -> Any:
            about = args[1] if len(args) > 1 else None
            if self.when == "before":
                signal_self(about)
            result = function(*args, **kwargs)
            if self.when == "after":
                signal_self(about)
            return result

        armed.touch()
        monkeypatch.setattr(owner, name, crashing)


def crash_points(call: str) -> dict[str, CrashPoint]:
    """
    Return the points around a call of the client, in order.

    :param call: the name of the client's method.
    """
    client = "airflow_provider_suno.http.client.SunoClient"
    write = "airflow_provider_suno.journal.store.Journal._put"
    runner = "airflow.sdk.execution_time.task_runner"
    return {
        "before the intent": CrashPoint(write, "before", "intent"),
        "between intent and POST": CrashPoint(f"{client}._post", "before"),
        "between POST and submitted": CrashPoint(f"{client}.{call}", "after"),
        "after submitted": CrashPoint(write, "after", "submitted"),
        "after the last XCom": CrashPoint(f"{runner}._push_xcom_if_needed", "after"),
        "before success is recorded": CrashPoint(f"{runner}._handle_current_task_success", "after"),
        "after success is recorded": CrashPoint(f"{runner}.finalize", "before", "success"),
        "after the delivery is journaled": CrashPoint(f"{runner}.finalize", "after", "success"),
    }


@dataclass
class SupervisedScheduling(Scheduling):
    """
    One run of a Dag, each try of a task in its own process.

    :param exit_codes: of the processes, in order; a negative one is the signal that killed the process.
    """

    exit_codes: list[int] = field(default_factory=list)

    def _run(self, ti: TaskInstance) -> None:
        key = ti.key
        self._end(self._start(ti), key)

    def _start(self, ti: TaskInstance) -> ActivitySubprocess:
        return self._launch(self._queue(ti))

    def _queue(self, ti: TaskInstance) -> TaskInstanceToRun:
        ti.set_state(TaskInstanceState.QUEUED, session=self.session)
        self.session.commit()
        return TaskInstanceToRun.model_validate(ti, from_attributes=True)

    def _launch(self, queued: TaskInstanceToRun) -> ActivitySubprocess:
        with self._logged():
            return ActivitySubprocess.start(
                what=queued,
                dag_rel_path="dag.py",
                bundle_info=SimpleNamespace(name="dags-folder", version=None),
                client=self._api_client(),
                logger=self._task_log(),
            )

    def _task_log(self) -> Any:
        """Return the logger to which the supervisor writes the process's lines."""
        kept = LogCapture()
        kept.entries = self.log
        return structlog.wrap_logger(
            None, processors=[kept], wrapper_class=structlog.make_filtering_bound_logger(logging.NOTSET)
        )

    def _api_client(self) -> Any:
        """Return a client of Airflow's API for the supervisor."""
        return InProcessTestSupervisor._api_client(self.dag)

    def _end(self, process: ActivitySubprocess, key: TaskInstanceKey) -> None:
        executor = BaseExecutor()
        with self._logged():
            try:
                process.wait()
                executor.success(key)  # the local executor reports that for every process, however it ended
            except ServerResponseError:
                executor.fail(key)
        self.exit_codes.append(process._exit_code)
        self._process_events(executor, None)

    def _process_events(self, executor: BaseExecutor, job_id: int | None) -> None:
        self.session.expire_all()
        SchedulerJobRunner.process_executor_events(executor, job_id, DBDagBag(), self.session)
        self.session.commit()
