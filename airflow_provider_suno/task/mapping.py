"""Say in our words why a task cannot be mapped as it is written, where Airflow only says that it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_suno.api.request_fields import EXPANDED
from airflow_provider_suno.task.names import hint_at_names

if TYPE_CHECKING:
    from airflow.sdk.definitions.mappedoperator import MappedOperator


class MappableOperator(BaseOperator):
    """Be mapped as other operators are, with a hint where that is refused."""

    @classmethod
    def partial(cls, **kwargs: Any) -> Any:
        """Return what ``expand`` is called on."""
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
            return mapped

    def expand_kwargs(self, *args: Any, **kwargs: Any) -> MappedOperator:
        """
        Map the task over dicts of arguments.

        :raises ValueError: when Airflow cannot; with a hint where the reason is a named XCom.
        """
        with _hint_at_return_values():
            mapped: MappedOperator = self._partial.expand_kwargs(*args, **kwargs)
            return mapped


@contextmanager
def _hint_at_return_values() -> Iterator[None]:
    try:
        yield
    except ValueError as refused:
        if "custom key" in str(refused):
            refused.args = (f"{refused}. Airflow maps over what a task returns, not over a named key: {EXPANDED}.",)
        raise
