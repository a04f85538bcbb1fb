"""The base of the operators for what the service makes only once of a track or a music task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from airflow.providers.common.compat.sdk import AirflowSkipException

from airflow_provider_suno.api.text import excerpt
from airflow_provider_suno.exceptions import SunoConflictError, SunoValidationError
from airflow_provider_suno.operators.submit_job import SubmitJobOperator

if TYPE_CHECKING:
    from airflow.sdk import Context, XComArg

    from airflow_provider_suno.hooks.suno import SunoHook
    from airflow_provider_suno.journal.entry import Entry
    from airflow_provider_suno.operators.submit_job import JobArguments

    class MadeOnceArguments(JobArguments, total=False):
        """The parameters of every operator for what is made only once."""

        if_exists: Literal["fail", "skip"] | XComArg


_IF_EXISTS = ("fail", "skip")


class MadeOnceOperator(SubmitJobOperator):
    """
    Submit a job whose result exists only once; the base class of these operators.

    If the result exists already and the service names the job that made it, that job is used: nothing is charged. If it
    names none, the task fails or is skipped, as ``if_exists`` says. When the reply to an earlier submission of this
    task was lost, that one has probably made it: then the task fails, and the error says so.

    :param if_exists: what to do when the result exists and the service does not name its job: ``fail``, or ``skip`` the
        task.
    """

    template_fields: Sequence[str] = (*SubmitJobOperator.template_fields, "if_exists")
    apart_from_request = (*SubmitJobOperator.apart_from_request, "if_exists")

    def __init__(self, *, if_exists: Literal["fail", "skip"] | XComArg = "fail", **arguments: Any) -> None:
        self.if_exists = if_exists
        super().__init__(**arguments)

    @classmethod
    def check_parameters(cls, known: Mapping[str, Any]) -> None:
        """Check the known arguments that are not fields of the request."""
        super().check_parameters(known)
        if known.get("if_exists", "fail") not in _IF_EXISTS:
            raise SunoValidationError(f"if_exists: must be one of {_IF_EXISTS}, got {excerpt(known['if_exists'])}.")

    def submit(self, context: Context, hook: SunoHook, empty: Mapping[str, str]) -> Entry:
        """Submit the job, unless an earlier try did; skip the task if its result exists and that is wanted."""
        try:
            return super().submit(context, hook, empty)
        except SunoConflictError as conflict:
            if conflict.after_lost_reply:
                raise
            if self.if_exists == "skip":
                raise AirflowSkipException(conflict.message) from conflict
            message = f"{conflict} Or set if_exists='skip' to skip this task instead."
            raise SunoConflictError(message, code=conflict.code) from conflict
