"""Say in our words why a task cannot be mapped as it is written, where Airflow only says that it cannot."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_suno.api.fields import EXPANDED
from airflow_provider_suno.task.arguments import refuse_wrong_literals_of_mapped
from airflow_provider_suno.task.names import default_of, hint_at_names, own_parameters

if TYPE_CHECKING:
    from airflow.sdk.definitions.mappedoperator import MappedOperator


class MappableOperator(BaseOperator):
    """Be mapped as other operators are, with a hint where that is refused, and literals checked when it is parsed."""

    also_checked: ClassVar[tuple[str, ...]] = ()
    """Arguments that :meth:`check_literals` reads though they are no templates."""

    @classmethod
    def check_literals(cls, known: Mapping[str, Any], later: Collection[str]) -> None:
        """
        Check what is known when the Dag is parsed.

        :param known: the arguments that are known; one that is neither here nor in ``later`` has its default.
        :param later: the names of those whose values come later.
        :raises SunoValidationError: as the task would when it runs.
        """

    @classmethod
    def may_be_left_out(cls, name: str) -> bool:
        """Return whether a parameter may be left out."""
        return default_of(cls, name) is None

    @classmethod
    def partial(cls, **kwargs: Any) -> Any:
        """
        Return what ``expand`` is called on.

        :raises ValueError: when ``default_args`` holds an argument that Airflow would leave out without a word.
        """
        own = own_parameters(cls)
        if lost := [name for name in kwargs.get("default_args") or () if name in own]:
            raise ValueError(
                f"Airflow does not hand on {', '.join(lost)} from the default_args of a mapped task. Give it to "
                "partial() itself, or put it into the default_args of the Dag or the task group."
            )
        with hint_at_names(cls, kwargs):
            return _Partial(cls, super().partial(**kwargs))


class _Partial:
    """What Airflow's ``partial`` returned."""

    def __init__(self, operator: type, partial: Any) -> None:
        self._operator = operator
        self._partial = partial

    def __getattr__(self, name: str) -> Any:
        """Be what Airflow's own is in all else; not while a copy of this is being made."""
        if name == "_partial":
            raise AttributeError(name)
        return getattr(self._partial, name)

    def __repr__(self) -> str:
        """Return what Airflow's own says."""
        return repr(self._partial)

    def expand(self, **arguments: Any) -> MappedOperator:
        """
        Map the task.

        :raises ValueError: when Airflow cannot; with a hint where the reason is a named XCom.
        :raises TypeError: when an argument is unknown; with a hint at the one that may be meant.
        """
        with hint_at_names(self._operator, arguments), _hint_at_return_values():
            mapped: MappedOperator = self._partial.expand(**arguments)
        self._refuse_wrong_literals(arguments)
        return mapped

    def expand_kwargs(self, *args: Any, **kwargs: Any) -> MappedOperator:
        """
        Map the task over dicts of arguments.

        :raises ValueError: when Airflow cannot; with a hint where the reason is a named XCom.
        """
        with _hint_at_return_values():
            mapped: MappedOperator = self._partial.expand_kwargs(*args, **kwargs)
        self._refuse_wrong_literals(args[0] if args else kwargs.get("kwargs"))
        return mapped

    def _refuse_wrong_literals(self, expanded: Any) -> None:
        given = self._partial.kwargs
        dag, group = given.get("dag"), given.get("task_group")
        defaults = {**(dag.default_args if dag else {}), **((group.default_args if group else None) or {})}
        refuse_wrong_literals_of_mapped(self._operator, given, expanded, defaults)


@contextmanager
def _hint_at_return_values() -> Iterator[None]:
    try:
        yield
    except ValueError as refused:
        if "custom key" in str(refused):
            refused.args = (f"{refused}. Airflow maps over what a task returns, not over a named key: {EXPANDED}.",)
        raise
