"""Hand a wait to the triggerer: the one place where a task of this provider defers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn, Protocol

if TYPE_CHECKING:
    from datetime import timedelta

    from airflow.triggers.base import BaseTrigger

    from airflow_provider_suno.api.polling import Wait


class Deferrable(Protocol):
    """A task that resumes in ``execute_complete``."""

    suno_conn_id: str

    def defer(self, *, trigger: BaseTrigger, method_name: str, timeout: timedelta) -> NoReturn:
        """Leave the worker until the trigger's event."""


def defer_wait(task: Deferrable, wait: Wait) -> NoReturn:
    """
    Leave the worker until the wait has ended.

    :param task: who waits.
    :param wait: what is waited for.
    """
    # Loads the triggerer's side of Airflow, which a Dag file has no need of.
    from airflow_provider_suno.triggers.music_task import MusicTaskTrigger, net_timeout

    task.defer(
        trigger=MusicTaskTrigger.for_wait(wait, task.suno_conn_id),
        method_name="execute_complete",
        timeout=net_timeout(wait),
    )
