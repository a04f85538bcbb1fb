"""What the operators that make something share: their journal, and how they end when Airflow says so."""

from __future__ import annotations

from typing import Any

from airflow.providers.common.compat.sdk import AirflowException, BaseOperator

from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.journal import Journal, record_deliveries
from airflow_provider_suno.retry_policy import honour_server_delays


class JournaledOperator(BaseOperator):
    """
    Make something at the service that must not be made twice.

    :param suno_conn_id: the connection.
    """

    def __init__(self, *, suno_conn_id: str = SunoHook.default_conn_name, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.suno_conn_id = suno_conn_id
        self.journal: Journal | None = None
        self._killed = False
        self._hook: SunoHook | None = None
        record_deliveries(self)
        honour_server_delays(self)

    def open_hook(self) -> SunoHook:
        """Return the hook of this try, which a kill cancels; one that came before ends the try here."""
        self._hook = SunoHook(suno_conn_id=self.suno_conn_id)
        self.stop_if_killed()
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
        """Say what goes on at the service without this task, and how to take it up."""
        raise NotImplementedError
