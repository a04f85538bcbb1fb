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

__all__ = ["TaskDeferralError", "TaskDeferralTimeout", "task_state_store"]


def task_state_store(context: Any) -> Any | None:
    """Return the store that outlives a task's process (Airflow 3.3 and later), else ``None``."""
    return context.get("task_state_store")
