"""Where the supported Airflow versions differ in what the tests use of their insides."""

from __future__ import annotations

import json
import sys
from functools import cache
from inspect import signature
from pathlib import Path
from typing import Any

import airflow
from airflow.models.serialized_dag import SerializedDagModel
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from airflow.sdk import DAG
from airflow.sdk.execution_time import supervisor
from airflow.serialization.serialized_objects import LazyDeserializedDAG
from fastapi.dependencies import utils
from packaging.version import Version
from sqlalchemy import select, update

try:
    from airflow.serialization.definitions.dag import SerializedDAG as SchedulerDag
    from airflow.serialization.serialized_objects import DagSerialization
except ImportError:  # before 3.2
    from airflow.serialization.serialized_objects import SerializedDAG as SchedulerDag

    DagSerialization = SchedulerDag

try:
    from airflow.dag_processing.dagbag import DagBag
except ImportError:  # before 3.2
    from airflow.models.dagbag import DagBag

try:
    from airflow.sdk.serde import deserialize, serialize
except ImportError:  # before 3.2
    from airflow.serialization.serde import deserialize, serialize

try:
    from airflow.sdk.timezone import utcnow
except ImportError:  # before 3.1
    from airflow.utils.timezone import utcnow

KEEPS_TASK_STATE = Version(airflow.__version__) >= Version("3.3")
"""Whether a task keeps state across its processes and tries: Airflow 3.3 brought the task state store."""

ASKS_PEOPLE = Version(airflow.__version__) >= Version("3.1")
"""Whether a task can wait for a person's answer."""

__all__ = [
    "ASKS_PEOPLE",
    "KEEPS_TASK_STATE",
    "DagBag",
    "dags_in",
    "deserialize",
    "push_xcom",
    "serialize",
    "stored_state",
    "utcnow",
    "write_dag",
]


def dags_in(file: Path) -> list[DAG]:
    """Return the Dags that a file defines, parsed as the Dag processor does it."""
    bag = DagBag(dag_folder=str(file))
    assert not bag.import_errors, bag.import_errors
    return list(bag.dags.values())


def stored_state(ti: TaskInstance, key: str, session: Any) -> Any:
    """Return what the task state store holds for a task instance; ``None`` when there is nothing, or no store."""
    if not KEEPS_TASK_STATE:
        return None
    from airflow.models.task_state_store import TaskStateStoreModel as Row

    map_index = Row.map_index if hasattr(Row, "map_index") else Row.region_index  # from 3.4 on
    row = session.scalar(
        select(Row).where(
            Row.dag_id == ti.dag_id,
            Row.run_id == ti.run_id,
            Row.task_id == ti.task_id,
            map_index == ti.map_index,
            Row.key == key,
        )
    )
    assert row is None or row.expires_at is None
    return None if row is None else json.loads(row.value)


def push_xcom(value: Any, *, as_text: bool, session: Any, **key: str) -> None:
    """Push an XCom as a worker does, or as text, as Airflow itself stores values."""
    if "serialize" in signature(XComModel.set).parameters:
        XComModel.set(value=value, serialize=as_text, session=session, **key)
        return
    XComModel.set(value=value, session=session, **key)  # before 3.2: as text
    if not as_text:
        session.execute(update(XComModel).filter_by(**key).values(value=value))


def write_dag(dag: DAG, bundle: str, session: Any) -> Any:
    """Write a Dag to the database as the Dag processor does; return it as the scheduler sees it."""
    lazy = _lazy(dag)
    SchedulerDag.bulk_write_to_db(bundle, None, [lazy], session=session)
    session.commit()
    SerializedDagModel.write_dag(lazy, bundle_name=bundle, session=session)
    session.commit()
    return DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag))


def _lazy(dag: DAG) -> LazyDeserializedDAG:
    if hasattr(LazyDeserializedDAG, "from_dag"):
        return LazyDeserializedDAG.from_dag(dag)
    dag.relative_fileloc = dag.relative_fileloc or "dag.py"
    return LazyDeserializedDAG(data=DagSerialization.to_dict(dag))  # before 3.1


def _read_dates_as_dates() -> None:
    """Let the client of Airflow 3.0 read a date as such also when no message between processes does it for it."""
    from airflow.sdk.api.client import TaskInstanceOperations
    from airflow.sdk.execution_time.comms import TaskRescheduleStartDate

    read = TaskInstanceOperations.get_reschedule_start_date

    def read_date(*args: Any, **kwargs: Any) -> TaskRescheduleStartDate:
        return TaskRescheduleStartDate.model_validate(read(*args, **kwargs).model_dump())

    TaskInstanceOperations.get_reschedule_start_date = read_date


def _build_the_api_once() -> None:
    """Let all runs share Airflow's API, as they do from 3.3 on: before, each run builds one, which takes a second."""
    supervisor.in_process_api_server = cache(supervisor.in_process_api_server)


def _analyse_dependencies_once() -> None:
    """
    Let FastAPI analyse the dependencies of a route once, as it does where none is overridden.

    Airflow overrides those that authenticate when its API is used in process. FastAPI then analyses the signatures of
    all dependencies anew for each request, which takes a quarter of a short task's time.
    """
    analyse, analysed = utils.get_dependant, dict[Any, Any]()

    def analyse_once(**about: Any) -> Any:
        # While the routes are built, each has its own: they are changed then.
        if sys._getframe(1).f_code.co_name != "solve_dependencies":
            return analyse(**about)
        key = (about["call"], repr(sorted((name, value) for name, value in about.items() if name != "call")))
        if key not in analysed:
            analysed[key] = analyse(**about)
        return analysed[key]

    utils.get_dependant = analyse_once


_read_dates_as_dates()
_analyse_dependencies_once()
if not KEEPS_TASK_STATE:
    _build_the_api_once()
