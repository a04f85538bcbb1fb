"""
What a callback changes in Airflow: it resumes tasks, leaves hints, and raises asset events.

All of it is done by Airflow's internals, its database models, from within the API server: Airflow has no public
interface for that. Where one of them is missing, the functions raise :class:`InternalsChangedError`, and jobs are
polled as without callbacks. ``CONTRIBUTING.md`` lists the few other modules that use what Airflow does not publish.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from airflow_provider_suno.api.callback import CallbackToken, Stage
from airflow_provider_suno.api.jobs import JobRef
from airflow_provider_suno.compat import HAS_TASK_STATE
from airflow_provider_suno.journal.entry import Entry
from airflow_provider_suno.journal.hint import HINT_KEY, Hint
from airflow_provider_suno.journal.store import KEY
from airflow_provider_suno.polling.callback_event import CallbackEvent
from airflow_provider_suno.triggers import job as job_trigger

P = ParamSpec("P")
T = TypeVar("T")

YOUNGEST = 10.0
"""How old a trigger must be at least, in seconds; a task that resumes before its worker has exited fails."""
_AFTER_THE_DEFERRAL = 1.25
"""By how much longer a callback waits than the trigger's own event, since its clock may be another machine's."""

_OUR_TRIGGERS = "airflow_provider_suno.triggers."
_DEFERRED = "deferred"
_ABOUT_TO_DEFER = ("scheduled", "queued", "running", "restarting")
_FEW = 200
_HINT_KEPT_FOR = timedelta(days=30)
_DUPLICATES_WITHIN = timedelta(hours=1)


class InternalsChangedError(Exception):
    """Airflow lacks something that callbacks need."""


def _of_airflow(function: Callable[P, T]) -> Callable[P, T]:
    """Say so when an internal is missing or has changed."""

    @wraps(function)
    def of_airflow(*args: P.args, **kwargs: P.kwargs) -> T:
        from sqlalchemy.exc import ArgumentError, CompileError, InvalidRequestError

        try:
            return function(*args, **kwargs)
        except (ImportError, AttributeError, TypeError, ArgumentError, CompileError, InvalidRequestError) as problem:
            raise InternalsChangedError(
                f"this version of Airflow is not as callbacks need it ({problem!r}), so jobs are polled"
            ) from problem

    return of_airflow


@dataclass(frozen=True)
class Resumed:
    """
    What became of those who wait for a job in a Dag run.

    :param tasks: how many were resumed.
    :param waiting: how many wait for the job, resumed ones included.
    :param again_in: seconds after which to look again for those that cannot be resumed yet; ``None`` if there are none.
    :param starting: whether tasks of the run are queued or running, which may be about to wait.
    """

    tasks: int = 0
    waiting: int = 0
    again_in: float | None = None
    starting: bool = False


@_of_airflow
def resume_waiters(token: CallbackToken, job: JobRef, stage: Stage, now: datetime) -> Resumed:
    """
    Resume the tasks of the submitter's Dag run that wait for a job until this stage.

    Each is resumed once, whatever comes at the same time: the trigger's own event, a clear, another callback, another
    API server. It polls by itself, so a callback decides nothing.
    """
    tasks = waiting = 0
    again_in: float | None = None
    with _session() as session:
        found = list(_waiters(session, token, job))
        starting = _some_are_starting(session, token)
    for waiter in found:
        waiting += 1
        if not waiter.is_resumed_by(stage):
            continue
        left = _youngest() - (now - waiter.created_at).total_seconds()
        if left > 0:
            again_in = left if again_in is None else max(again_in, left)
        else:
            tasks += _resume(waiter, job, stage)
    return Resumed(tasks, waiting, again_in, starting)


def _youngest() -> float:
    """Return how old a trigger must be, in seconds: that depends on how long Airflow's workers may take to exit."""
    return max(YOUNGEST, _AFTER_THE_DEFERRAL * job_trigger.shortest_deferral())


@dataclass(frozen=True)
class _Waiter:
    """A deferred task instance, and the trigger that it waits for."""

    task_instance: Any
    trigger: int
    created_at: datetime
    arguments: Mapping[str, Any]

    def waits_for(self, job: JobRef) -> bool:
        kind = self.arguments.get("kind", "music")
        return kind == job.kind.name and self.arguments.get(job.kind.id_parameter) == job.id

    def is_resumed_by(self, stage: Stage) -> bool:
        """Return whether a stage is news for it: the end of the job, or its first track if that is enough."""
        wanted = Stage.FIRST if self.arguments.get("until") == "first" else Stage.COMPLETE
        heard = self.arguments.get("heard")
        return stage.rank >= wanted.rank and (heard is None or stage.rank > Stage(heard).rank)


def _waiters(session: Any, token: CallbackToken, job: JobRef) -> Iterator[_Waiter]:
    from airflow.models.taskinstance import TaskInstance
    from airflow.models.trigger import Trigger
    from sqlalchemy import func, or_, select

    deferred = (
        TaskInstance.dag_id == token.dag_id,
        TaskInstance.run_id == token.run_id,
        TaskInstance.state == _DEFERRED,
        Trigger.classpath.startswith(_OUR_TRIGGERS),
    )
    joined = TaskInstance.trigger_id == Trigger.id
    number = session.scalar(select(func.count()).select_from(TaskInstance).join(Trigger, joined).where(*deferred))
    query = select(TaskInstance.id, Trigger).join(Trigger, joined).where(*deferred)
    if number > _FEW and token.map_index >= 0:
        # What a trigger waits for is encrypted, so each has to be read. Of many mapped ones, take those beside ours.
        query = query.where(or_(TaskInstance.map_index == token.map_index, TaskInstance.map_index == -1))
    for task_instance, trigger in session.execute(query):
        waiter = _Waiter(task_instance, trigger.id, trigger.created_date.astimezone(UTC), dict(trigger.kwargs))
        if waiter.waits_for(job):
            yield waiter


def _some_are_starting(session: Any, token: CallbackToken) -> bool:
    from airflow.models.taskinstance import TaskInstance
    from sqlalchemy import select

    states = TaskInstance.state.in_(_ABOUT_TO_DEFER)
    query = select(TaskInstance.id).where(
        TaskInstance.dag_id == token.dag_id, TaskInstance.run_id == token.run_id, states
    )
    return session.scalar(query.limit(1)) is not None


def _resume(waiter: _Waiter, job: JobRef, stage: Stage) -> bool:
    """Resume one task, unless its state has changed meanwhile: the update is a lock that every database has."""
    from airflow.models.taskinstance import TaskInstance
    from airflow.models.trigger import Trigger
    from airflow.triggers.base import TriggerEvent
    from sqlalchemy import update

    event = TriggerEvent(CallbackEvent.payload(job, stage, waiter.arguments))  # type: ignore[no-untyped-call]
    still_waits = (
        update(TaskInstance)
        .where(
            TaskInstance.id == waiter.task_instance,
            TaskInstance.state == _DEFERRED,
            TaskInstance.trigger_id == waiter.trigger,
        )
        .values(trigger_id=waiter.trigger)
        .execution_options(synchronize_session=False)
    )
    with _session() as session:
        if session.execute(still_waits).rowcount != 1:
            return False
        Trigger.submit_event(waiter.trigger, event, session=session)
    return True


@_of_airflow
def leave_hint(token: CallbackToken, hint: Hint) -> bool:
    """
    Leave a hint for the task instance that submitted; return whether that was news.

    Before Airflow 3.3 there is no place for it.
    """
    if not HAS_TASK_STATE:
        return False
    from airflow.state import get_state_backend

    scope = _scope(token)
    with _session() as session:
        if not _is_current(session, token, hint.job_id):
            return False
        backend = get_state_backend()
        if not hint.adds_to(Hint.read(backend.get(scope, HINT_KEY, session=session))):
            return False
        expires_at = hint.at + _HINT_KEPT_FOR
        backend.set(scope, HINT_KEY, hint.model_dump_json(), expires_at=expires_at, session=session)
    return True


@_of_airflow
def is_current(token: CallbackToken, job: JobRef) -> bool:
    """
    Return whether a task instance's journal is about this submission, and about this job if it knows the job.

    Before Airflow 3.3 there is no journal, so this is always true.
    """
    if not HAS_TASK_STATE:
        return True
    with _session() as session:
        return _is_current(session, token, job.id)


def _is_current(session: Any, token: CallbackToken, job_id: str) -> bool:
    from airflow.models.taskinstance import TaskInstance
    from airflow.state import get_state_backend
    from sqlalchemy import select

    query = select(TaskInstance.id).where(
        TaskInstance.dag_id == token.dag_id,
        TaskInstance.run_id == token.run_id,
        TaskInstance.task_id == token.task_id,
        TaskInstance.map_index == token.map_index,
    )
    # The lock keeps two callbacks from overwriting each other's hint. The state store takes an unknown task without a
    # word, so the task instance must exist.
    if session.scalar(query.with_for_update()) is None:
        return False
    stored = get_state_backend().get(_scope(token), KEY, session=session)
    try:
        entry = Entry.model_validate_json(stored or "")
    except ValueError:
        return False
    return entry.token == token.nonce and (entry.job is None or entry.job.id == job_id)


def _scope(token: CallbackToken) -> Any:
    from airflow.state import TaskScope

    return TaskScope(
        dag_id=str(token.dag_id), run_id=str(token.run_id), task_id=str(token.task_id), map_index=token.map_index
    )


@_of_airflow
def raise_events(uri: str, songs: Iterable[tuple[str, Mapping[str, Any]]]) -> int:
    """
    Raise an event of an asset for each song that has none yet; return for how many.

    Where Airflow has partitions (3.3), each song has two events: one with its id as the key, for Dags with a run for
    each key, and one without.

    :param uri: the asset. If no Dag mentions it, nothing is raised.
    :param songs: an id and the event's ``extra`` for each.
    """
    from airflow.assets.manager import asset_manager
    from airflow.models.asset import AssetActive, AssetModel
    from sqlalchemy import and_, select, update

    raised = 0
    with _session() as session:
        # An asset that was renamed has left another row with its URI; Dags are scheduled on the active one.
        active = and_(AssetActive.name == AssetModel.name, AssetActive.uri == AssetModel.uri)
        asset = session.scalar(select(AssetModel).join(AssetActive, active).where(AssetModel.uri == uri))
        if asset is None:
            return 0
        # A write that changes nothing is a lock that every database has: duplicates wait for each other.
        same = update(AssetModel).where(AssetModel.id == asset.id).values(uri=AssetModel.uri)
        session.execute(same.execution_options(synchronize_session=False))
        for key, extra in songs:
            if _has_event(session, asset.id, key):
                continue
            every: list[dict[str, Any]] = [{"partition_key": key}, {}] if HAS_TASK_STATE else [{}]
            for options in every:
                asset_manager.register_asset_change(asset=asset, extra=dict(extra), session=session, **options)
            raised += 1
    return raised


def _has_event(session: Any, asset_id: int, key: str) -> bool:
    from airflow.models.asset import AssetEvent
    from sqlalchemy import select

    if HAS_TASK_STATE:
        query = select(AssetEvent.id).where(AssetEvent.asset_id == asset_id, AssetEvent.partition_key == key)
        return session.scalar(query.limit(1)) is not None
    since = datetime.now(UTC) - _DUPLICATES_WITHIN
    recent = session.scalars(
        select(AssetEvent.extra).where(AssetEvent.asset_id == asset_id, AssetEvent.timestamp > since)
    )
    return any(json.dumps([key]) == json.dumps(extra.get("audio_ids")) for extra in recent if extra)


@contextmanager
def _session() -> Iterator[Any]:
    from airflow.utils.session import create_session

    with create_session() as session:
        yield session
