"""Differences between the supported Airflow versions that ``common.compat.sdk`` does not cover."""

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
"""Whether this Airflow has the task state store and retry policies, as 3.3 and later do."""


class TaskStateStore(Protocol):
    """Small JSON values by key that a task instance keeps across its tries."""

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value; ``default`` if there is none, or if this try was superseded."""

    def set(self, key: str, value: Any, *, retention: timedelta | None = None) -> None:
        """Write a value; rejected if this try was superseded."""

    def delete(self, key: str) -> None:
        """Delete a value, if it exists."""


def ui_field_behaviour() -> dict[str, Any]:
    """Return the labels and the hidden fields of the connection form; Airflow 3.0 and 3.1 ask the hook."""
    behaviour = _connection_type()["ui-field-behaviour"]
    return {name.replace("-", "_"): value for name, value in behaviour.items()}


def connection_form_widgets() -> dict[str, Any]:
    """Return the widgets of the form's extra fields; Airflow 3.0 and 3.1 ask the hook, and have these libraries."""
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
    """Return whether an operator was made at run time from a mapped task."""
    return bool(getattr(task, "_BaseOperator__from_mapped", False))


def _connection_type() -> dict[str, Any]:
    from airflow_provider_suno.get_provider_info import get_provider_info

    found: dict[str, Any] = get_provider_info()["connection-types"][0]
    return found


def task_state_store(context: Any) -> TaskStateStore | None:
    """Return the task state store (Airflow 3.3 and later), else ``None``."""
    store: TaskStateStore | None = context.get("task_state_store")
    return store


def never_expire() -> timedelta:
    """Return the retention of values that never expire (Airflow 3.3 and later)."""
    from airflow.sdk.execution_time.context import NEVER_EXPIRE

    return NEVER_EXPIRE


def is_recorded_as_success(ti: Any) -> bool:
    """Return whether Airflow has recorded the task instance as a success (Airflow 3.3 and later)."""
    states = ti.get_task_states(dag_id=ti.dag_id, task_ids=[ti.task_id], run_ids=[ti.run_id], map_index=ti.map_index)
    return "success" in states.get(ti.run_id, {}).values()
