"""
Write deferred task instances to the database without running a worker, and read how they end.

It uses Airflow's database: import it after the deployment's settings are set.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from airflow.models.dagrun import DagRun
from airflow.models.serialized_dag import SerializedDagModel
from airflow.models.taskinstance import TaskInstance
from airflow.models.trigger import Trigger
from airflow.sdk.serde import deserialize
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState, TaskInstanceState
from airflow.utils.types import DagRunTriggeredByType, DagRunType
from sqlalchemy import delete, func, select, update

from airflow_provider_suno.api.endpoints.music import KIND as MUSIC
from airflow_provider_suno.polling.wait import Wait
from airflow_provider_suno.triggers.music_task import MusicTaskTrigger

DAG_ID = "waits"
_TASK_ID = "song"
_CONNECTION = "suno_default"
_TIMEOUT = 1200.0
_AT_ONCE = 1000


@dataclass(frozen=True)
class Resumed:
    """
    What a task instance is resumed with.

    :param at: when it left the state ``deferred``, in epoch seconds.
    :param status: status of the trigger's event; None without an event.
    :param message: message of the event's error, if any.
    :param music_task_id: the id in the event.
    :param audio_ids: the tracks in the event.
    """

    at: float
    status: str | None
    message: str | None = None
    music_task_id: str | None = None
    audio_ids: tuple[str, ...] = ()


def defer(songs: Mapping[str, float]) -> None:
    """
    Write a run of the Dag with one deferred, mapped task instance per music task.

    :param songs: when each music task was submitted, in epoch seconds, by its id.
    """
    with create_session() as session:
        stored = SerializedDagModel.get(DAG_ID, session=session)
        if stored is None:
            raise LookupError(f"the database has no Dag {DAG_ID}")
        now = datetime.now(UTC)
        run = stored.dag.create_dagrun(
            run_id="benchmark",
            logical_date=now,
            data_interval=(now, now),
            run_after=now,
            run_type=DagRunType.MANUAL,
            triggered_by=DagRunTriggeredByType.TEST,
            state=DagRunState.RUNNING,
            start_date=now,
            session=session,
        )
        session.flush()
        # The placeholder for the mapped instances.
        session.execute(delete(TaskInstance).where(TaskInstance.run_id == run.run_id, TaskInstance.task_id == _TASK_ID))
        task = stored.dag.get_task(_TASK_ID)
        waits = [
            Wait.begin(
                MUSIC,
                music_task_id,
                now=submitted_at,
                timeout=_TIMEOUT,
                timeout_name="wait_timeout",
                until="all",
                poll_interval=None,
                submitted_at=submitted_at,
            )
            for music_task_id, submitted_at in songs.items()
        ]
        for begin in range(0, len(waits), _AT_ONCE):
            triggers = [_trigger(wait) for wait in waits[begin : begin + _AT_ONCE]]
            session.add_all(triggers)
            session.flush()
            for index, trigger in enumerate(triggers, start=begin):
                ti = TaskInstance(task, stored.dag_version_id, run.run_id, TaskInstanceState.DEFERRED, index)
                ti.try_number = 1
                ti.start_date = now
                ti.trigger_id = trigger.id
                ti.next_method = "execute_complete"
                ti.next_kwargs = {}
                ti.trigger_timeout = datetime.now(UTC) + _trigger_of(waits[index]).airflow_timeout()
                session.add(ti)
            session.flush()


def still_deferred() -> int:
    """Return how many task instances are deferred."""
    waiting = select(func.count()).where(TaskInstance.state == TaskInstanceState.DEFERRED)
    with create_session() as session:
        return int(session.scalar(waiting) or 0)


def resumed() -> dict[int, Resumed]:
    """Return the task instances that are no longer deferred, by map index."""
    columns = TaskInstance.map_index, TaskInstance.scheduled_dttm, TaskInstance.next_kwargs
    scheduled = select(*columns).where(
        TaskInstance.task_id == _TASK_ID, TaskInstance.state == TaskInstanceState.SCHEDULED
    )
    with create_session() as session:
        return {index: _resumed(at, kwargs) for index, at, kwargs in session.execute(scheduled)}


def end() -> None:
    """End the run as failed, so that no scheduler goes on with it."""
    with create_session() as session:
        session.execute(
            update(TaskInstance).where(TaskInstance.dag_id == DAG_ID).values(state=TaskInstanceState.FAILED)
        )
        session.execute(update(DagRun).where(DagRun.dag_id == DAG_ID).values(state=DagRunState.FAILED))


def _trigger_of(wait: Wait) -> MusicTaskTrigger:
    return MusicTaskTrigger.for_wait(wait, _CONNECTION, try_number=1)


def _trigger(wait: Wait) -> Trigger:
    """Return a row like the one that the Execution API writes when a worker defers."""
    classpath, kwargs = _trigger_of(wait).serialize()
    row = Trigger(classpath, {})
    row.encrypted_kwargs = json.dumps(kwargs)
    return row


def _resumed(at: datetime, next_kwargs: Any) -> Resumed:
    resumed_with: Any = deserialize(next_kwargs)
    event = resumed_with.get("event") or {}
    error = event.get("error") or resumed_with.get("traceback")
    tracks = (event.get("music_task") or {}).get("tracks", [])
    return Resumed(
        at.timestamp(),
        event.get("status"),
        error and str(error),
        event.get("music_task_id"),
        tuple(track["audio_id"] for track in tracks),
    )
