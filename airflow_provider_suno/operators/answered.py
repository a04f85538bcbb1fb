"""The base of the operators whose call costs credits and is answered at once, without a job."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, get_args

from airflow_provider_suno.api.jobs import OnLostReply
from airflow_provider_suno.api.text import excerpt
from airflow_provider_suno.exceptions import SunoError, SunoValidationError
from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.operators.journaled import JournaledOperator
from airflow_provider_suno.task.arguments import empty_arguments, refuse_empty
from airflow_provider_suno.task.failure import with_errors_for_airflow

if TYPE_CHECKING:
    from airflow.sdk import Context, XComArg

    from airflow_provider_suno.api.record import Record
    from airflow_provider_suno.journal.entry import Entry
    from airflow_provider_suno.journal.store import Journal
    from airflow_provider_suno.task.parameters import OperatorArguments

    class AnsweredArguments(OperatorArguments, total=False):
        """The parameters of every operator whose call is answered at once."""

        suno_conn_id: str | XComArg
        on_lost_reply: OnLostReply | XComArg


class AnsweredOperator(JournaledOperator):
    """
    Make one call that costs credits and is answered at once; the base class of these operators.

    On Airflow 3.3 and later the answer is kept in the task instance's journal (``suno_submission`` in its Storage tab):

    - A *retry* after the answer came uses it; nothing is charged again. A retry after a refusal sends the call again.
    - A *lost reply*, also because the worker was killed while it waited, is handled as ``on_lost_reply`` says.
    - A *clear* after a success, a change of the request or a lost reply sends the call again, which costs again.
    - A *kill* or an ``execution_timeout`` while the service answers is a lost reply; before that, nothing was sent.

    Before Airflow 3.3 there is no journal: every error after the call was sent is fatal, and a clear pays again.

    :param suno_conn_id: the connection.
    :param on_lost_reply: what to do when the reply is lost, so that it may have been charged: ``fail``, or
        ``resubmit`` once per try, a minute later, which may pay twice.
    """

    template_fields: Sequence[str] = ("suno_conn_id", "on_lost_reply")
    template_fields_renderers: ClassVar[dict[str, str]] = {"extra_fields": "json"}

    def __init__(
        self,
        *,
        suno_conn_id: str | XComArg = SunoHook.default_conn_name,
        on_lost_reply: OnLostReply | XComArg = "fail",
        **arguments: Any,
    ) -> None:
        self.on_lost_reply: OnLostReply = on_lost_reply  # type: ignore[assignment]  # once rendered
        super().__init__(suno_conn_id=suno_conn_id, **arguments)

    @classmethod
    def answer_of(cls, stored: Mapping[str, Any]) -> Record:
        """Return the answer that the journal holds."""
        raise NotImplementedError

    def deliver(self, context: Context, answer: Any) -> Any:
        """Push what else is known and return the task's result."""
        raise NotImplementedError

    @with_errors_for_airflow
    def execute(self, context: Context) -> Any:
        """Return the answer that an earlier try paid for, or ask for it."""
        hook = self.open_hook()
        self.journal = self.open_journal(context)
        empty = empty_arguments(self, context, optional_texts=self.request_type.optional_texts())
        refuse_empty({name: empty[name] for name in empty if name in ("suno_conn_id", "on_lost_reply")})
        self._check_policy({"on_lost_reply": self.on_lost_reply})
        entry = self._ask(context, hook, self.journal, empty)
        try:
            result = self.deliver(context, self.answer_of(entry.answer or {}))
            self.stop_if_killed()
        except BaseException as error:
            if self.journal.persistent:
                raise  # the next try has the answer
            raise SunoError(
                f"{str(error) or repr(error)} The call is paid for, so Airflow does not retry: that would pay again.",
                fatal=True,
            ) from error
        return result

    def _ask(self, context: Context, hook: SunoHook, journal: Journal, empty: Mapping[str, str]) -> Entry:
        from airflow_provider_suno.journal.submission import Submission, submit_once

        request = self.prepare(context, hook, empty)
        return submit_once(journal, Submission(None, request, self.suno_conn_id, self.on_lost_reply), hook)

    def what_continues(self) -> str:
        """Return what becomes of the call."""
        return "If the call was sent, it is charged all the same; the next try has its answer if it was journaled."

    @classmethod
    def check_literals(cls, known: Mapping[str, Any], later: Collection[str]) -> None:
        """Check the arguments that are known when the Dag is parsed."""
        cls._check_policy(known)
        fields = cls.request_type.field_names()
        cls.request_type.check_known(
            {name: known[name] for name in fields if name in known}, [name for name in fields if name in later]
        )

    @staticmethod
    def _check_policy(known: Mapping[str, Any]) -> None:
        policy = known.get("on_lost_reply", "fail")
        if policy not in get_args(OnLostReply):
            raise SunoValidationError(f"on_lost_reply: must be one of {get_args(OnLostReply)}, got {excerpt(policy)}.")
