"""Check mapped tasks when the Dag is parsed, and explain why Airflow refuses to map one."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_suno.api.fields import EXPANDED
from airflow_provider_suno.task.arguments import refuse_wrong_literals_of_mapped
from airflow_provider_suno.task.names import default_of, own_parameters, suggest_names

if TYPE_CHECKING:
    from airflow.sdk.definitions.mappedoperator import MappedOperator


class MappableOperator(BaseOperator):
    """An operator that can be mapped; its literals are checked when the Dag is parsed."""

    also_checked: ClassVar[tuple[str, ...]] = ()
    """Arguments that :meth:`check_literals` reads although they are not templated."""

    @classmethod
    def check_literals(cls, known: Mapping[str, Any], later: Collection[str]) -> None:
        """
        Check the arguments that are known when the Dag is parsed.

        :param known: the known arguments; one that is neither here nor in ``later`` has its default.
        :param later: the names of the arguments that are resolved when the task runs.
        :raises SunoValidationError: as the task would when it runs.
        """

    @classmethod
    def may_be_left_out(cls, name: str) -> bool:
        """Return whether a parameter may be left out."""
        return default_of(cls, name) is None

    @classmethod
    def partial(cls, **kwargs: Any) -> Any:
        """
        Return the object to call ``expand`` on.

        :raises ValueError: when ``default_args`` holds an argument that Airflow would silently drop.
        """
        own = own_parameters(cls)
        if lost := [name for name in kwargs.get("default_args") or () if name in own]:
            raise ValueError(
                f"Airflow drops {', '.join(lost)} from the default_args of a mapped task. Pass it to partial() "
                "itself, or put it into the default_args of the Dag or the task group."
            )
        with suggest_names(cls, kwargs):
            return _Partial(cls, super().partial(**kwargs))


class _Partial:
    """Wrap what Airflow's ``partial`` returned."""

    def __init__(self, operator: type, partial: Any) -> None:
        self._operator = operator
        self._partial = partial

    def __getattr__(self, name: str) -> Any:
        if name == "_partial":  # a copy of this that has no attributes yet
            raise AttributeError(name)
        return getattr(self._partial, name)

    def __repr__(self) -> str:
        return repr(self._partial)

    def expand(self, **arguments: Any) -> MappedOperator:
        """Map the task; see Airflow's ``expand``."""
        with suggest_names(self._operator, arguments), _explain_named_xcoms():
            mapped: MappedOperator = self._partial.expand(**arguments)
        self._refuse_wrong_literals(arguments)
        return mapped

    def expand_kwargs(self, *args: Any, **kwargs: Any) -> MappedOperator:
        """Map the task over dicts of arguments; see Airflow's ``expand_kwargs``."""
        with _explain_named_xcoms():
            mapped: MappedOperator = self._partial.expand_kwargs(*args, **kwargs)
        self._refuse_wrong_literals(args[0] if args else kwargs.get("kwargs"))
        return mapped

    def _refuse_wrong_literals(self, expanded: Any) -> None:
        given = self._partial.kwargs
        dag, group = given.get("dag"), given.get("task_group")
        defaults = {**(dag.default_args if dag else {}), **((group.default_args if group else None) or {})}
        refuse_wrong_literals_of_mapped(self._operator, given, expanded, defaults)


@contextmanager
def _explain_named_xcoms() -> Iterator[None]:
    try:
        yield
    except ValueError as refused:
        if "custom key" in str(refused):
            refused.args = (f"{refused}. Airflow maps over what a task returns, not over a named key: {EXPANDED}.",)
        raise
