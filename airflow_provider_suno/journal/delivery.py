"""
Record in the journal that a result was delivered, once Airflow has recorded the task's success.

This is a success callback. At the end of ``execute`` it would be too early: a worker lost right after it would leave an
entry that claims a success.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_suno.compat import HAS_TASK_STATE, is_recorded_as_success

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_suno.journal.store import Journal


def with_delivery_record(callbacks: Any) -> list[Any]:
    """Return a task's success callbacks (one, several or none), with the one that records the delivery first."""
    if callbacks is None or callable(callbacks):
        callbacks = [] if callbacks is None else [callbacks]
    others = [callback for callback in callbacks if callback is not _record_delivery]
    return [_record_delivery, *others] if HAS_TASK_STATE else others


def _record_delivery(context: Context) -> None:
    from airflow_provider_suno.journal.entry import State  # here, so that Dag files load without it

    journal: Journal | None = getattr(context["ti"].task, "journal", None)
    entry = None if journal is None else journal.read()
    if journal is None or entry is None or entry.state is not State.SUBMITTED:
        return
    # Airflow also calls this after it refused the success, such as of a task that was marked as failed meanwhile.
    if is_recorded_as_success(context["ti"]):
        journal.record(entry.in_state(State.DELIVERED))
