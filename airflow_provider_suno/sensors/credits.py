"""The sensor that waits until the account has enough credits."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.providers.common.compat.sdk import (
    AirflowNotFoundException,
    AirflowSkipException,
    BaseSensorOperator,
    PokeReturnValue,
)

from airflow_provider_suno.api.text import excerpt
from airflow_provider_suno.exceptions import SunoError, SunoValidationError
from airflow_provider_suno.hooks.connection import no_connection
from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.task.arguments import check_arguments
from airflow_provider_suno.task.failure import raise_for_airflow, with_errors_for_airflow
from airflow_provider_suno.task.suno_task import SunoTask

if TYPE_CHECKING:
    from typing import Unpack

    from airflow.sdk import Context, XComArg

    from airflow_provider_suno.task.parameters import SensorArguments

    class CreditsSensorArguments(SensorArguments, total=False):
        """Airflow's parameters for sensors."""

        poke_interval: float
        timeout: float


class CreditsSensor(SunoTask, BaseSensorOperator):
    """
    Wait until the account's balance is at least ``at_least`` credits (docs.apikley.ru, "get-account-credits"); free.

    Put it before a task that pays, so that a run waits for a top-up instead of failing half way. Returns the balance
    as text. The default ``mode="reschedule"`` holds no worker between two polls. ``soft_fail=True`` skips the task, and
    so those after it, when ``timeout`` (seconds) is over. The balance is the account's: other runs may spend it
    meanwhile.

    A poll that fails for now is logged, and the sensor polls again; a refused key or an unknown connection fails the
    task without a retry (with ``soft_fail`` it is skipped). A retry, a clear or a kill costs nothing.

    :param at_least: credits; a number, or text with one.
    :param suno_conn_id: the connection.
    """

    template_fields: Sequence[str] = ("at_least", "suno_conn_id")
    ui_color = "#e3f3ff"

    def __init__(
        self,
        *,
        at_least: float | Decimal | str | XComArg,
        suno_conn_id: str | XComArg = SunoHook.default_conn_name,
        **kwargs: Unpack[CreditsSensorArguments],
    ) -> None:
        self.at_least = at_least
        kwargs.setdefault("mode", "reschedule")
        super().__init__(suno_conn_id=suno_conn_id, **kwargs)

    @classmethod
    def check_literals(cls, known: Mapping[str, Any], later: Collection[str]) -> None:
        """Check the arguments that are known when the Dag is parsed."""
        del later
        if "at_least" in known:
            _credits(known["at_least"])

    @with_errors_for_airflow
    def execute(self, context: Context) -> Any:
        """Poll as ``mode`` says."""
        return super().execute(context)

    def poke(self, context: Context) -> PokeReturnValue:
        """Read the balance once."""
        try:
            check_arguments(self, context)
            least = _credits(self.at_least)
            balance = self.open_hook().get_credits()
        except AirflowNotFoundException as error:
            self.fail(SunoValidationError(no_connection(self.suno_conn_id, error)))
        except SunoError as error:
            if error.fatal:
                self.fail(error)
            self.stop_if_killed()
            self.log.warning("the balance could not be read: %s", error)
            return PokeReturnValue(is_done=False)
        self.stop_if_killed()
        self.log.info("the account has %s credits; %s are waited for", balance, least)
        return PokeReturnValue(is_done=balance >= least, xcom_value=str(balance))

    def fail(self, error: SunoError) -> NoReturn:
        """Raise an error, or skip the task if ``soft_fail`` or ``never_fail`` says so."""
        if self.never_fail or (self.soft_fail and error.fatal):
            raise AirflowSkipException(str(error)) from error
        raise_for_airflow(error)

    def what_continues(self) -> str:
        """Return what a kill means."""
        return "Nothing was sent that costs credits."


def _credits(value: Any) -> Decimal:
    try:
        found = Decimal(str(value).strip())
    except InvalidOperation:
        found = Decimal("nan")
    if isinstance(value, bool) or not found.is_finite() or found < 0:
        raise SunoValidationError(f"at_least: must be a number of credits from 0, got {excerpt(value)}.")
    return found
