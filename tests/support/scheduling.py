"""
Run a Dag in this process with Airflow's own supervisor, task runner, API and database.

Only the main loops of the scheduler and the triggerer are replaced, by direct calls of the functions that they call, so
that a test does not wait for either.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pkgutil import resolve_name
from typing import Any, Self
from uuid import uuid4

from airflow import settings
from airflow.jobs.job import Job
from airflow.jobs.scheduler_job_runner import SchedulerJobRunner
from airflow.models.dagbundle import DagBundleModel
from airflow.models.dagrun import DagRun
from airflow.models.serialized_dag import SerializedDagModel
from airflow.models.taskinstance import TaskInstance, clear_task_instances
from airflow.models.trigger import Trigger
from airflow.models.xcom import XComModel
from airflow.sdk import DAG
from airflow.sdk.api.datamodels._generated import TaskInstance as TaskInstanceToRun
from airflow.sdk.definitions.mappedoperator import MappedOperator
from airflow.sdk.execution_time.supervisor import TaskRunResult, run_task_in_process
from airflow.triggers.base import TriggerEvent
from airflow.utils.state import DagRunState, TaskInstanceState
from airflow.utils.types import DagRunTriggeredByType, DagRunType
from sqlalchemy import select
from structlog.testing import capture_logs

from airflow_provider_suno.journal.store import KEY
from tests.support.airflow_versions import stored_state, utcnow, write_dag

_BUNDLE = "tests"
_IDLE_SECONDS = 0.02


@dataclass
class Scheduling:
    """
    One run of a Dag.

    :param dag: the Dag, as a user writes it.
    :param results: what the task runner returned each time that a task was run or resumed, in order.
    :param events: the events of the triggers.
    :param log: the lines of the tasks' logs.
    """

    dag: DAG
    results: list[TaskRunResult] = field(default_factory=list)
    events: list[Any] = field(default_factory=list)
    log: list[MutableMapping[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.session = settings.Session()
        self._dag_run = self._begin()

    def run(self, timeout: float = 180.0) -> Self:
        """
        Run the Dag to its end.

        :param timeout: seconds.
        """
        for _ in self.steps(timeout):
            pass
        return self

    def steps(self, timeout: float = 180.0) -> Iterator[TaskInstance]:
        """Run the Dag to its end; yield each task instance after it or its trigger ran."""
        give_up_at = time.monotonic() + timeout
        while self._dag_run.state not in (DagRunState.SUCCESS, DagRunState.FAILED):
            assert time.monotonic() < give_up_at, f"the run did not end: {self.task_instances()}"
            progress = False
            schedulable, _ = self._dag_run.update_state(session=self.session, execute_callbacks=False)
            self._dag_run.schedule_tis(schedulable, session=self.session)
            self.session.commit()
            for ti in self.task_instances():
                if ti.state == TaskInstanceState.SCHEDULED:
                    self._run(ti)
                elif ti.state == TaskInstanceState.DEFERRED:
                    self._run_trigger(ti)
                else:
                    continue
                progress = True
                self.session.expire_all()
                yield ti
            self.session.expire_all()
            if not progress:
                time.sleep(_IDLE_SECONDS)

    def task_instances(self) -> list[TaskInstance]:
        """Return the run's task instances from the database."""
        self.session.expire_all()
        return sorted(self._dag_run.get_task_instances(session=self.session), key=lambda ti: (ti.task_id, ti.map_index))

    def state(self, task_id: str) -> list[str | None]:
        """Return the states of a task, one for each map index."""
        return [ti.state and str(ti.state) for ti in self.task_instances() if ti.task_id == task_id]

    def tries(self, task_id: str) -> list[int]:
        """Return the number of tries of a task, for each map index."""
        return [ti.try_number for ti in self.task_instances() if ti.task_id == task_id]

    def xcom(self, task_id: str, key: str = "return_value", map_index: int = -1) -> Any:
        """Return an XCom, or ``None`` when there is none."""
        row = self.session.scalar(
            select(XComModel).where(
                XComModel.dag_id == self.dag.dag_id,
                XComModel.run_id == self._dag_run.run_id,
                XComModel.task_id == task_id,
                XComModel.key == key,
                XComModel.map_index == map_index,
            )
        )
        return None if row is None else XComModel.deserialize_value(row)

    def links(self, task_id: str, map_index: int = -1) -> dict[str, str]:
        """
        Return the buttons that the UI shows for a task instance, found as its API does it: in the stored Dag.

        Read anew: a scheduler in the same process reads Dags without their links from then on.
        """
        ti = next(ti for ti in self.task_instances() if (ti.task_id, ti.map_index) == (task_id, map_index))
        stored = SerializedDagModel.get(self.dag.dag_id, session=self.session)
        assert stored is not None
        assert stored.load_op_links
        task = stored.dag.get_task(task_id)
        return {name: url for name in task.extra_links if (url := task.get_extra_links(ti, name))}

    def keys(self, task_id: str) -> set[str]:
        """Return the keys of a task's XComs."""
        of_task = (XComModel.run_id == self._dag_run.run_id, XComModel.task_id == task_id)
        return set(self.session.scalars(select(XComModel.key).where(XComModel.dag_id == self.dag.dag_id, *of_task)))

    def delete_xcoms(self, task_id: str) -> None:
        """Delete what a task pushed, as a person or a clean-up job does."""
        XComModel.clear(dag_id=self.dag.dag_id, task_id=task_id, run_id=self._dag_run.run_id, session=self.session)
        self.session.commit()

    def journal(self, task_id: str, map_index: int = -1) -> Any:
        """Return the journal's entry of a task instance, or ``None`` when there is none."""
        ti = next(ti for ti in self.task_instances() if (ti.task_id, ti.map_index) == (task_id, map_index))
        return stored_state(ti, KEY, self.session)

    def clear(self, *task_ids: str) -> Self:
        """Clear tasks, as a person does in the UI."""
        cleared = [ti for ti in self.task_instances() if ti.task_id in task_ids]
        clear_task_instances(cleared, self.session, dag_run_state=DagRunState.RUNNING)
        self.session.commit()
        return self

    def supersede(self, task_id: str) -> Self:
        """Begin another try of a task that still runs, as Airflow does when it has missed its heartbeats for long."""
        for ti in self.task_instances():
            if ti.task_id == task_id:
                ti.prepare_db_for_next_try(self.session)
        self.session.commit()
        return self

    def overwrite_success(self, task_id: str) -> Self:
        """Let a retry replace a success, as a scheduler does that is told of a failure while the success is written."""
        for ti in self.task_instances():
            if ti.task_id == task_id:
                ti.state = TaskInstanceState.RUNNING
                ti.handle_failure("the executor reports a failure", session=self.session)
        self._dag_run.state = DagRunState.RUNNING
        self.session.commit()
        return self

    def edit(self, task_id: str, **arguments: Any) -> Self:
        """Change a task in the Dag file, and write the new version to the database."""
        return self.edit_each({task_id: arguments})

    def edit_each(self, tasks: dict[str, dict[str, Any]]) -> Self:
        """Change several tasks in the Dag file at once."""
        for task_id, arguments in tasks.items():
            original = self.dag.get_task(task_id)
            for name, value in arguments.items():
                if isinstance(original, MappedOperator):
                    original.partial_kwargs[name] = value
                else:
                    setattr(original, name, value)
        write_dag(self.dag, _BUNDLE, self.session)
        return self

    def clear_for_the_latest_version(self, *task_ids: str) -> Self:
        """Clear tasks so that they use the latest version of the Dag, its ``retries`` included."""
        cleared = [ti for ti in self.task_instances() if ti.task_id in task_ids]
        clear_task_instances(cleared, self.session, dag_run_state=DagRunState.RUNNING, run_on_latest_version=True)
        self.session.commit()
        return self

    def said(self, task_id: str | None = None) -> str:
        """
        Return the text that a user reads in the tasks' logs: lines, errors and reasons of a skip.

        :param task_id: only what this task said.
        """
        log = [line for line in self.log if task_id in (None, line.get("said_by"))]
        lines = [f"{line['event']} {line.get('reason', '')}" for line in log]
        # Errors that a separate process logged, as its supervisor received them.
        raised = [error for line in log for error in line.get("error_detail") or ()]
        lines += [f"{error['exc_type']}: {error['exc_value']}" for error in raised]
        errors = [run.error for run in self.results if run.error and task_id in (None, run.ti.task_id)]
        return "\n".join([*lines, *(f"{type(error).__name__}: {error}" for error in errors)])

    def error(self, task_id: str) -> BaseException | None:
        """Return the error of a task's last run, if it failed."""
        return [run.error for run in self.results if run.ti.task_id == task_id][-1]

    @property
    def last_error(self) -> BaseException | None:
        """The error of the task that ran last, if it failed."""
        return self.results[-1].error

    def _begin(self) -> DagRun:
        now = utcnow()
        self.session.merge(DagBundleModel(name=_BUNDLE))
        self.session.commit()
        self._as_stored = write_dag(self.dag, _BUNDLE, self.session)
        dag_run: DagRun = self._as_stored.create_dagrun(
            run_id=f"manual__{uuid4()}",
            logical_date=now,
            data_interval=(now, now),
            run_after=now,
            run_type=DagRunType.MANUAL,
            triggered_by=DagRunTriggeredByType.TEST,
            state=DagRunState.RUNNING,
            start_date=now,
            session=self.session,
        )
        self.session.commit()
        return dag_run

    def _run(self, ti: TaskInstance) -> None:
        ti.set_state(TaskInstanceState.QUEUED, session=self.session)
        self.session.commit()
        to_run = TaskInstanceToRun.model_validate(ti, from_attributes=True)
        with self._logged(ti.task_id):
            self.results.append(run_task_in_process(ti=to_run, task=self.dag.get_task(ti.task_id)))

    def _run_trigger(self, ti: TaskInstance) -> None:
        row = self.session.get(Trigger, ti.trigger_id)
        trigger = resolve_name(row.classpath)(**row.kwargs)
        with self._logged(ti.task_id):
            events = asyncio.run(_events(trigger))
        assert len(events) == 1
        self.events.append(events[0].payload)
        self.submit_event(ti, events[0])

    @contextmanager
    def _logged(self, task_id: str | None = None) -> Iterator[None]:
        """Collect the log lines of a task: it logs by structlog, before Airflow 3.1 by the standard library."""
        collector = _LineCollector()
        logging.getLogger().addHandler(collector)
        try:
            with capture_logs() as lines:
                yield
        finally:
            logging.getLogger().removeHandler(collector)
            self.log.extend({**line, "said_by": task_id} for line in [*lines, *collector.lines])

    def submit_event(self, ti: TaskInstance, event: TriggerEvent) -> None:
        """Resume a deferred task instance with an event, as the triggerer does."""
        Trigger.submit_event(ti.trigger_id, event, session=self.session)
        self.session.commit()

    def fail_trigger(self, ti: TaskInstance, problem: Exception) -> None:
        """Resume a deferred task instance whose trigger raised, as the triggerer does."""
        Trigger.submit_failure(ti.trigger_id, exc=problem, session=self.session)
        self.session.commit()

    def time_out(self, ti: TaskInstance) -> None:
        """Make the scheduler find that a deferred task instance has timed out without an event."""
        ti.trigger_timeout = utcnow() - timedelta(seconds=1)
        self.session.merge(ti)
        self.session.commit()
        SchedulerJobRunner(job=Job()).check_trigger_timeouts(session=self.session)
        self.session.commit()


class _LineCollector(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append({"event": record.getMessage()})


async def _events(trigger: Any) -> list[Any]:
    return [event async for event in trigger.run()]
