"""The base of operators that send one request: its fields as parameters, the journal, the record of the delivery."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.common.compat.sdk import AirflowNotFoundException

from airflow_provider_suno.api.request import SunoRequest
from airflow_provider_suno.exceptions import SunoError, SunoUnavailableError
from airflow_provider_suno.journal.delivery import with_delivery_record
from airflow_provider_suno.task.arguments import refuse_empty
from airflow_provider_suno.task.costs import log_warning
from airflow_provider_suno.task.names import spell_out_parameters
from airflow_provider_suno.task.suno_task import SunoTask

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_suno.hooks.suno import SunoHook
    from airflow_provider_suno.journal.store import Journal


class JournaledOperator(SunoTask):
    """
    Make something at the service that must not be made twice.

    A subclass names its ``request_type``. The fields of that model become attributes, template fields and parameters.
    """

    request_type: ClassVar[type[SunoRequest]]
    other_types: ClassVar[Mapping[str, Any]] = {}
    """The types of the parameters in :meth:`fields` that are no fields of the request, where they are not text."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Take the fields from the request model, and keep :attr:`on_success_callback` if a subclass overrides it."""
        super().__init_subclass__(**kwargs)
        if "request_type" in vars(cls):
            fields = cls.fields()
            cls.template_fields = (*fields, *(name for name in cls.template_fields if name not in fields))
            models = cls.request_type.model_fields
            others = {name: cls.other_types.get(name, str) for name in fields}
            types = {name: models[name].annotation if name in models else others[name] for name in fields}
            spell_out_parameters(cls, fields, types)
        theirs = next(vars(kind)["on_success_callback"] for kind in cls.__mro__ if "on_success_callback" in vars(kind))
        ours = JournaledOperator.__dict__["on_success_callback"]
        if theirs is ours:
            return
        if isinstance(theirs, property) and (read := theirs.fget) is not None and theirs.fset is not None:
            ours = property(lambda task: with_delivery_record(read(task)), theirs.fset)
        cls.on_success_callback = ours  # type: ignore[method-assign]

    def __init__(self, **arguments: Any) -> None:
        for name, default in self.fields().items():
            setattr(self, name, arguments.pop(name, default))
        self.journal: Journal | None = None
        super().__init__(**arguments)

    @classmethod
    def fields(cls) -> dict[str, Any]:
        """Return the parameters that become attributes unchanged, with their defaults."""
        return cls.request_type.defaults()

    def open_journal(self, context: Context) -> Journal:
        """Return the journal of the task instance that runs; loaded here, so that Dag files load without it."""
        from airflow_provider_suno.journal.store import Journal

        return Journal.of(context, self.log)

    def request_fields(self) -> dict[str, Any]:
        """Return the fields of the request, rendered."""
        return {name: getattr(self, name) for name in self.request_type.field_names()}

    def build_request(self, hook: SunoHook) -> SunoRequest:
        """Return the checked request; sends nothing."""
        return hook.build(self.request_type, self.request_fields())

    def prepare(self, context: Context, hook: SunoHook, empty: Mapping[str, str]) -> SunoRequest | SunoError:
        """
        Return the checked request of a call that costs credits, and warn if many runs are about to pay.

        An error is returned, not raised: it must not stop a retry from delivering what an earlier try paid for.

        :param empty: what :func:`~airflow_provider_suno.task.arguments.empty_arguments` found.
        """
        log_warning(self.log, context)
        hook.shows_balance = True
        try:
            refuse_empty(empty)
            return self.build_request(hook)
        except SunoError as problem:
            return problem
        except AirflowNotFoundException as missing:
            from airflow_provider_suno.hooks.connection import no_connection

            return SunoUnavailableError(no_connection(self.suno_conn_id, missing))

    @classmethod
    def may_be_left_out(cls, name: str) -> bool:
        """Return whether a parameter may be left out."""
        field = cls.request_type.model_fields.get(name)
        return super().may_be_left_out(name) if field is None else not field.is_required()

    @property  # type: ignore[override]  # Airflow reads and sets it as it would an attribute
    def on_success_callback(self) -> list[Any]:
        """
        The success callbacks: first record the delivery in the journal, then the user's.

        A property, since a cluster policy or a subclass may set the attribute after ``__init__``. Without the record,
        the next clear would resume the old job.
        """
        self._success_callbacks[:] = with_delivery_record(self._success_callbacks)
        return self._success_callbacks

    @on_success_callback.setter
    def on_success_callback(self, callbacks: Any) -> None:
        self._success_callbacks = with_delivery_record(callbacks)
