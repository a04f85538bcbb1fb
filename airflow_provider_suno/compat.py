"""What differs between the supported Airflow versions and is not in ``common.compat.sdk``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import airflow.sdk

if TYPE_CHECKING:
    from datetime import timedelta

    from airflow.sdk.exceptions import TaskDeferralError, TaskDeferralTimeout
else:
    try:
        from airflow.sdk.exceptions import TaskDeferralError, TaskDeferralTimeout
    except ImportError:  # before 3.2
        from airflow.exceptions import TaskDeferralError, TaskDeferralTimeout

__all__ = [
    "HAS_TASK_STATE",
    "TaskDeferralError",
    "TaskDeferralTimeout",
    "TaskStateStore",
    "built_for_one_of_several",
    "connection_form_widgets",
    "is_recorded_as_success",
    "never_expire",
    "task_state_store",
    "ui_field_behaviour",
]

HAS_TASK_STATE = "NEVER_EXPIRE" in airflow.sdk.__all__
"""Whether this Airflow (3.3 and later) keeps state for a task across its tries, and asks a retry policy."""


class TaskStateStore(Protocol):
    """What outlives a task's process: a small JSON value by key, one set for each task instance."""

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value; also ``default`` when the task instance is not the current one any more."""

    def set(self, key: str, value: Any, *, retention: timedelta | None = None) -> None:
        """Write a value; refused when the task instance is not the current one any more."""

    def delete(self, key: str) -> None:
        """Remove a value, if it is there."""


def ui_field_behaviour() -> dict[str, Any]:
    """Return which standard fields the form shows, and how it calls them, as Airflow 3.0 and 3.1 ask the hook."""
    behaviour = _connection_type()["ui-field-behaviour"]
    return {name.replace("-", "_"): value for name, value in behaviour.items()}


def connection_form_widgets() -> dict[str, Any]:
    """Return the form's further fields, as Airflow 3.0 and 3.1 ask the hook; they draw them with these libraries."""
    from flask_appbuilder.fieldwidgets import BS3PasswordFieldWidget, BS3TextFieldWidget
    from wtforms import IntegerField, PasswordField, StringField

    kinds = {"password": (PasswordField, BS3PasswordFieldWidget), "integer": (IntegerField, BS3TextFieldWidget)}
    widgets = {}
    for name, field in _connection_type()["conn-fields"].items():
        schema = field["schema"]
        kind, widget = kinds.get(schema.get("format", schema["type"][0]), (StringField, BS3TextFieldWidget))
        widgets[name] = kind(
            label=field["label"], description=field["description"], default=schema.get("default"), widget=widget()
        )
    return widgets


def built_for_one_of_several(task: Any) -> bool:
    """Return whether a task was built while it runs, as one of those that a mapped task stands for."""
    return bool(getattr(task, "_BaseOperator__from_mapped", False))


def _connection_type() -> dict[str, Any]:
    from airflow_provider_suno.get_provider_info import get_provider_info

    found: dict[str, Any] = get_provider_info()["connection-types"][0]
    return found


def task_state_store(context: Any) -> TaskStateStore | None:
    """Return the store that outlives a task's process (Airflow 3.3 and later), else ``None``."""
    store: TaskStateStore | None = context.get("task_state_store")
    return store


def never_expire() -> timedelta:
    """Return the retention that keeps a value for good (Airflow 3.3 and later)."""
    from airflow.sdk.execution_time.context import NEVER_EXPIRE

    return NEVER_EXPIRE


def is_recorded_as_success(ti: Any) -> bool:
    """Return whether Airflow's database says that a task instance has succeeded (Airflow 3.3 and later)."""
    states = ti.get_task_states(dag_id=ti.dag_id, task_ids=[ti.task_id], run_ids=[ti.run_id], map_index=ti.map_index)
    return "success" in states.get(ti.run_id, {}).values()
