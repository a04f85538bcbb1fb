"""What all tasks of this provider share: a connection, retry delays that the service asks for, and being killed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, Self

from airflow_provider_suno.compat import built_for_one_of_several
from airflow_provider_suno.exceptions import SunoError, SunoUnavailableError
from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.http.cancellation import Cancellation
from airflow_provider_suno.lineage.openlineage import ReportsLineage
from airflow_provider_suno.links.suno import without_computed_links
from airflow_provider_suno.task.arguments import refuse_wrong_literals
from airflow_provider_suno.task.failure import raise_for_airflow
from airflow_provider_suno.task.mapping import MappableOperator
from airflow_provider_suno.task.names import suggest_names
from airflow_provider_suno.task.retry_policy import honour_server_delays

if TYPE_CHECKING:
    from airflow.sdk import XComArg


class SunoTask(ReportsLineage, MappableOperator):
    """
    Call the service through a connection, and stop when Airflow kills the task.

    A subclass sets its parameters before it calls this ``__init__``, which checks those that are literals.

    :param suno_conn_id: the connection.
    """

    def __init__(self, *, suno_conn_id: str | XComArg = SunoHook.default_conn_name, **kwargs: Any) -> None:
        self.suno_conn_id: str = suno_conn_id  # type: ignore[assignment]  # once rendered
        self.cancellation = Cancellation()
        with suggest_names(type(self), kwargs):
            super().__init__(**kwargs)
        honour_server_delays(self)
        refuse_wrong_literals(self)
        if built_for_one_of_several(self):
            without_computed_links(self)  # it runs as it is: Airflow does not call prepare_for_execution

    def prepare_for_execution(self) -> Self:
        """Return the copy of the task that runs one try, with its own cancellation."""
        task = super().prepare_for_execution()
        task.cancellation = Cancellation()
        without_computed_links(task)
        return task

    def open_hook(self, suno_conn_id: str | None = None) -> SunoHook:
        """Return a hook, by default for the task's connection; a kill ends its calls. Raise if the task was killed."""
        self.stop_if_killed()
        return SunoHook(suno_conn_id=suno_conn_id or self.suno_conn_id, cancellation=self.cancellation)

    def on_kill(self) -> None:
        """
        Stop sending, and log what continues at the service, whose jobs cannot be cancelled.

        Airflow calls this after an ``execution_timeout``, too.
        """
        self.cancellation.request()
        self.log.warning("Airflow ends this task. %s", self.what_continues())

    def stop_if_killed(self) -> None:
        """Raise when Airflow has killed the task: its signal handler returns, so the task must end itself."""
        if self.cancellation.requested:
            self.fail(SunoUnavailableError(f"Killed. {self.what_continues()}"))

    def fail(self, error: SunoError) -> NoReturn:
        """Raise an error so that Airflow retries it or does not."""
        raise_for_airflow(error)

    def what_continues(self) -> str:
        """Return what continues at the service without this task, what that costs, and how to use it."""
        raise NotImplementedError
