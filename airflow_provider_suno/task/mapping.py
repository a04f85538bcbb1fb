"""Airflow's errors about a Dag file that says what it cannot mean, with a hint at what to write instead."""

from __future__ import annotations

import inspect
from collections.abc import Hashable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any, cast

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_suno.api.request_fields import MAPPED_OVER, nearest_names

_OURS = __name__.partition(".")[0]


def parameter_names(operator: type[BaseOperator]) -> list[str]:
    """Return the names of the parameters that this provider gives an operator, without those of Airflow."""
    ours = [kind for kind in operator.__mro__ if kind.__module__.partition(".")[0] == _OURS]
    names = [name for kind in ours for name in inspect.signature(kind.__init__).parameters]  # type: ignore[misc]
    return [*dict.fromkeys(names)]


class MappableOperator(BaseOperator):
    """Be mapped as other operators are; an error of ``partial`` or ``expand`` says what to write instead."""

    @classmethod
    def partial(cls, **kwargs: Any) -> Any:
        """
        Return what ``expand`` is called on.

        :raises TypeError: when there is no such parameter; names the nearest one.
        """
        with nearest_names(kwargs, lambda: parameter_names(cls)):
            made = super().partial(**kwargs)
        with suppress(TypeError):  # this Airflow makes it in another way: its errors come without a hint
            made.__class__ = _with_hints(cast("Hashable", type(made)))
        return made


@cache
def _with_hints(kind: Any) -> Any:
    """Return the class of what Airflow's ``partial`` returns, with hints in its errors."""

    class Partial(kind):  # type: ignore[misc]
        __slots__ = ()

        def expand(self, **mapped: Any) -> Any:
            with nearest_names(mapped, lambda: parameter_names(self.operator_class)), _hint_at_returned_lists():
                return super().expand(**mapped)

        def expand_kwargs(self, *args: Any, **kwargs: Any) -> Any:
            with _hint_at_returned_lists():
                return super().expand_kwargs(*args, **kwargs)

    return Partial


@contextmanager
def _hint_at_returned_lists() -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        if "custom key" in str(error):
            error.args = (f"{error}. Airflow maps over what a task returns, not over a named key: {MAPPED_OVER}.",)
        raise
