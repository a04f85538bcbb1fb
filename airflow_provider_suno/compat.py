"""What differs between the supported Airflow versions and is not in ``common.compat.sdk``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.sdk.exceptions import TaskDeferralError, TaskDeferralTimeout
else:
    try:
        from airflow.sdk.exceptions import TaskDeferralError, TaskDeferralTimeout
    except ImportError:  # before 3.2
        from airflow.exceptions import TaskDeferralError, TaskDeferralTimeout

__all__ = [
    "TaskDeferralError",
    "TaskDeferralTimeout",
    "connection_form_widgets",
    "task_state_store",
    "ui_field_behaviour",
]


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


def _connection_type() -> dict[str, Any]:
    from airflow_provider_suno.get_provider_info import get_provider_info

    found: dict[str, Any] = get_provider_info()["connection-types"][0]
    return found


def task_state_store(context: Any) -> Any | None:
    """Return the store that outlives a task's process (Airflow 3.3 and later), else ``None``."""
    return context.get("task_state_store")
