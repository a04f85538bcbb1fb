"""Hand a wait to the triggerer: the one place where a task of this provider defers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

if TYPE_CHECKING:
    from datetime import timedelta

    from airflow.sdk import Context
    from airflow.triggers.base import BaseTrigger

    from airflow_provider_suno.api.polling import Wait


class Deferrable(Protocol):
    """A task that resumes in ``execute_complete``."""

    suno_conn_id: str

    def defer(self, *, trigger: BaseTrigger, method_name: str, timeout: timedelta) -> NoReturn:
        """Leave the worker until the trigger's event."""


def is_of_another_try(next_kwargs: Mapping[str, Any] | None, context: Context) -> bool:
    """
    Return whether Airflow resumes a try with the event of an earlier one.

    Airflow 3.0 does: a task that failed after its deferral keeps the event, and its retry goes on with it. Such a try
    has to start from the beginning.

    :param next_kwargs: what the task is resumed with.
    :param context: the try's context.
    """
    event = (next_kwargs or {}).get("event")
    try_number = event.get("try_number") if isinstance(event, Mapping) else None
    return try_number is not None and try_number != context["ti"].try_number


def defer_wait(task: Deferrable, wait: Wait, context: Context) -> NoReturn:
    """
    Leave the worker until the wait has ended.

    :param task: who waits.
    :param wait: what is waited for.
    :param context: the try's context.
    """
    # Loads the triggerer's side of Airflow, which a Dag file has no need of.
    from airflow_provider_suno.triggers.music_task import MusicTaskTrigger, net_timeout

    task.defer(
        trigger=MusicTaskTrigger.for_wait(wait, task.suno_conn_id, context["ti"].try_number),
        method_name="execute_complete",
        timeout=net_timeout(wait),
    )
