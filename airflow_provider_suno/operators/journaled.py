"""What the operators that make something share: their journal, and how they end when Airflow says so."""

from __future__ import annotations

from typing import Any

from airflow.providers.common.compat.sdk import AirflowException, BaseOperator

from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.journal import Journal, with_delivery_record
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
        honour_server_delays(self)

    @property  # type: ignore[override]  # Airflow reads and sets it as it would an attribute
    def on_success_callback(self) -> list[Any]:
        """
        What runs after a success was reported: the note of the delivery in the journal, then the user's own callbacks.

        A property, since a cluster policy or a subclass may set the attribute after ``__init__``; the note would be
        lost then, and the next clear would be given the old song.
        """
        return self._success_callbacks

    @on_success_callback.setter
    def on_success_callback(self, callbacks: Any) -> None:
        self._success_callbacks = with_delivery_record(callbacks)

    def open_hook(self, suno_conn_id: str | None = None) -> SunoHook:
        """
        Return the hook of this try, which a kill cancels; one that came before ends the try here.

        :param suno_conn_id: another connection than the task's own.
        """
        self._hook = SunoHook(suno_conn_id=suno_conn_id or self.suno_conn_id)
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
