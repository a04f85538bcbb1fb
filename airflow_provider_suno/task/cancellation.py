"""What all operators of this provider share: their connection, delays that the service asks for, and kills."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowException

from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.task.arguments import refuse_wrong_literals
from airflow_provider_suno.task.mapping import MappableOperator
from airflow_provider_suno.task.names import hint_at_names
from airflow_provider_suno.task.retry_policy import honour_server_delays

if TYPE_CHECKING:
    from airflow.sdk import XComArg


class CancellableOperator(MappableOperator):
    """
    Call the service, and send nothing any more once Airflow ends the task.

    A subclass sets its parameters before it calls this ``__init__``, which checks those that are literals.

    :param suno_conn_id: the connection.
    """

    def __init__(self, *, suno_conn_id: str | XComArg = SunoHook.default_conn_name, **kwargs: Any) -> None:
        self.suno_conn_id: str = suno_conn_id  # type: ignore[assignment]  # once rendered
        self._killed = False
        self._hook: SunoHook | None = None
        with hint_at_names(type(self), kwargs):
            super().__init__(**kwargs)
        honour_server_delays(self)
        refuse_wrong_literals(self)

    def open_hook(self, suno_conn_id: str | None = None) -> SunoHook:
        """
        Return the hook of this try, which a kill cancels; a kill that came before ends the try here.

        :param suno_conn_id: another connection than the task's own.
        """
        self._hook = SunoHook(suno_conn_id=suno_conn_id or self.suno_conn_id)
        self.stop_if_killed()
        return self._hook

    @property
    def hook(self) -> SunoHook:
        """The hook of this try, once it is opened."""
        if self._hook is None:
            raise AssertionError("the hook is opened before it is used")
        return self._hook

    def on_kill(self) -> None:
        """
        Send nothing any more, and say what goes on at the service, which has no cancel.

        Airflow calls it after an ``execution_timeout`` too.
        """
        self._killed = True
        if self._hook is not None:
            self._hook.cancel()
        self.log.warning("Airflow ends this task. %s", self.what_goes_on())

    def stop_if_killed(self) -> None:
        """Fail a task that Airflow has asked to end: from a signal handler alone it would go on and turn green."""
        if self._killed:
            raise AirflowException(f"Killed. {self.what_goes_on()}")

    def what_goes_on(self) -> str:
        """Say what goes on at the service without this task, what that costs, and how to use it."""
        raise NotImplementedError
