"""
Contention for one task instance: workers that pause and resume, the scheduler, and people who intervene.

A worker is a try's process under Airflow's own supervisor. It pauses at a pause point. While its supervisor does not
run either, it sends no heartbeats and receives no answers, and Airflow declares it lost.
"""

from __future__ import annotations

import math
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from airflow.executors.base_executor import BaseExecutor
from airflow.jobs.job import Job
from airflow.jobs.scheduler_job_runner import SchedulerJobRunner
from airflow.models.dagbag import DBDagBag
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance, clear_task_instances
from airflow.models.taskinstancekey import TaskInstanceKey
from airflow.sdk.api.client import ServerResponseError
from airflow.sdk.api.datamodels._generated import TaskInstance as TaskInstanceToRun
from airflow.sdk.execution_time.supervisor import ActivitySubprocess
from airflow.utils.state import DagRunState, TaskInstanceState

from tests.support.airflow_versions import utcnow
from tests.support.supervised import CrashPoint, SupervisedScheduling
from tests.support.troubled_api import Trouble, TroubledApi

TASK = "generate"

INTENT_SECONDS = 0.5
"""Seconds that writing an intent may take in these tests."""

_SCHEDULER = 1
_TIMEOUT = 20.0
TICK = 0.02


@dataclass
class Worker:
    """
    One try in its own process.

    :param run: the run that it belongs to.
    :param process: the process and its supervisor.
    :param key: identifies the try.
    :param queued: what the scheduler queued.
    """

    run: ContendedRun
    process: ActivitySubprocess
    key: TaskInstanceKey
    queued: TaskInstanceToRun

    def __post_init__(self) -> None:
        self._seen = psutil.Process(self.process.pid)

    def until_paused(self) -> Worker:
        """Serve its API calls until it pauses."""
        return self.until(lambda: self._seen.status() == psutil.STATUS_STOPPED)

    def until(self, reached: Callable[[], bool]) -> Worker:
        """Serve its API calls until a condition holds."""
        give_up_at = time.monotonic() + _TIMEOUT
        with self.run._logged():
            while not reached():
                assert time.monotonic() < give_up_at, "it did not reach that point in time"
                assert self.process._service_subprocess(TICK) is None, "it ended before that point"
        return self

    def resume(self) -> None:
        """Resume the process and its supervisor, whose first heartbeat tells it what has happened; wait for the end."""
        os.kill(self.process.pid, signal.SIGCONT)
        self.run._end(self.process, self.key)

    def resume_without_heartbeats(self) -> None:
        """Resume the process; its supervisor passes on its API calls but sends no heartbeat. Wait for the end."""
        self.process._last_heartbeat_attempt = math.inf
        self.resume()

    def kill(self) -> None:
        """Kill the process; its supervisor notices."""
        self._seen.kill()
        self.run._end(self.process, self.key)

    def clean_up(self) -> None:
        """End a process that still runs."""
        if self._seen.is_running():
            self._seen.kill()
            self._seen.wait(_TIMEOUT)


@dataclass
class ContendedRun(SupervisedScheduling):
    """
    One run of a Dag with the one task ``generate``, on which workers, the scheduler and people act at once.

    :param workers: the workers that :meth:`start` started.
    :param troubles: what goes wrong in Airflow's API.
    :param calls: the API calls so far that a trouble can apply to.
    """

    workers: list[Worker] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._dag_run_id = self._dag_run.id

    def _api_client(self) -> Any:
        client = super()._api_client()
        client._transport = TroubledApi(client._transport, self.troubles, self.calls)
        return client

    def start(self) -> Worker:
        """Start the next try once Airflow schedules it; of a mapped task the first index's."""
        ti = self.until_scheduled()
        key, queued = ti.key, self._queue(ti)
        worker = Worker(self, self._launch(queued), key, queued)
        self.workers.append(worker)
        return worker

    def start_after(self, act: Callable[[], None]) -> None:
        """Do something while the next try is queued; Airflow must then reject the worker that starts."""
        ti = self.until_scheduled()
        key, queued = ti.key, self._queue(ti)
        act()
        executor = BaseExecutor()
        with pytest.raises(ServerResponseError):
            self._launch(queued)
        executor.fail(key)
        self._process_events(executor, None)

    def until_deferred(self) -> TaskInstance:
        """Run the first part of a deferrable try."""
        ti = self.until_scheduled()
        self._run(ti)
        assert self.task_instance().state == TaskInstanceState.DEFERRED
        return self.task_instance()

    def start_resumed(self) -> Worker:
        """Run the first part of a deferrable try and its trigger, then start the second part."""
        self._run_trigger(self.until_deferred())
        return self.start()

    def until_scheduled(self) -> TaskInstance:
        """Wait until Airflow has scheduled the next try."""
        give_up_at = time.monotonic() + _TIMEOUT
        while True:
            assert time.monotonic() < give_up_at, f"nothing is scheduled: {self.task_instances()}"
            schedulable, _ = self._dag_run.update_state(session=self.session, execute_callbacks=False)
            self._dag_run.schedule_tis(schedulable, session=self.session)
            self.session.commit()
            ti = self.task_instance()
            if ti.state == TaskInstanceState.SCHEDULED:
                return ti
            time.sleep(TICK)

    def task_instance(self) -> TaskInstance:
        """Return the task instance of ``generate``."""
        return next(ti for ti in self.task_instances() if ti.task_id == TASK)

    def declare_lost(self) -> None:
        """Make the scheduler find that the running try has sent no heartbeat for too long."""
        ti = self.task_instance()
        ti.last_heartbeat_at = utcnow() - timedelta(hours=1)
        ti.queued_by_job_id = _SCHEDULER
        self.session.commit()
        executor = BaseExecutor()
        executor.send_callback = lambda _: None  # no Dag processor runs here
        job = Job()
        job.id = _SCHEDULER
        scheduler = SchedulerJobRunner(job=job, executors=[executor])
        # The steps of the scheduler's own method, which would close the session that is shared here.
        silent = scheduler._find_task_instances_without_heartbeats(session=self.session)
        scheduler._purge_task_instances_without_heartbeats(silent, session=self.session)
        self._process_events(executor, job.id)

    def _process_events(self, executor: BaseExecutor, job_id: int | None) -> None:
        super()._process_events(executor, job_id)
        scheduled = self._dag_run.dag
        # The scheduler may have closed the session that is shared here.
        self._dag_run = self.session.get_one(DagRun, self._dag_run_id)
        self._dag_run.dag = scheduled

    def intervene(self, how: str) -> None:
        """Clear the task instance, or mark it as ``success`` or ``failed``, as a person does in the UI."""
        ti = self.task_instance()
        if how == "clear":
            clear_task_instances([ti], self.session, dag_run_state=DagRunState.RUNNING)
        else:
            dag = DBDagBag().get_latest_version_of_dag(self.dag.dag_id, session=self.session)
            assert dag is not None
            dag.set_task_instance_state(
                task_id=TASK,
                run_id=ti.run_id,
                map_indexes=None if ti.map_index < 0 else [ti.map_index],
                state=TaskInstanceState(how),
                session=self.session,
            )
        self.session.commit()


CLIENT = "airflow_provider_suno.http.client"
WRITE = "airflow_provider_suno.journal.store.Journal._put"
OPERATOR = "airflow_provider_suno.operators.submit_job"
RUNNER = "airflow.sdk.execution_time.task_runner"

POINTS = {
    "before the read": CrashPoint("airflow_provider_suno.journal.store.Journal.read", "before"),
    "before the intent": CrashPoint(WRITE, "before", "intent"),
    "after the intent": CrashPoint(WRITE, "after", "intent"),
    "before the POST": CrashPoint(f"{CLIENT}.exchange", "before"),
    "in the POST": CrashPoint("urllib3.connection.HTTPConnection.getresponse", "before"),
    "after the POST": CrashPoint(WRITE, "before", "submitted"),
    "after submitted": CrashPoint(WRITE, "after", "submitted"),
    "in the wait": CrashPoint("airflow_provider_suno.polling.worker.poll_once", "before"),
    "before deferring": CrashPoint("airflow_provider_suno.task.waiting.WaitingTask.defer_wait", "before"),
    "on resume": CrashPoint(f"{OPERATOR}.SubmitJobOperator.resume_execution", "before"),
    "before success": CrashPoint(f"{RUNNER}._handle_current_task_success", "after"),
}
"""Where a worker can pause, in order."""

MODES: dict[str, dict[str, Any]] = {
    "worker": {"wait_for_completion": True, "deferrable": False},
    "deferrable": {"wait_for_completion": True, "deferrable": True},
    "submit only": {},
}


class PausePoints:
    """
    Pause processes, each at one point.

    :param folder: holds a file for each point that is still armed.
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        self._monkeypatch = monkeypatch
        self._armed = 0

    def arm(self, point: str) -> None:
        """Pause the next process that reaches a point."""
        self._armed += 1
        pause = replace(POINTS[point], by=signal.SIGSTOP)
        pause.arm(self._folder / f"armed-{self._armed}", self._monkeypatch)
