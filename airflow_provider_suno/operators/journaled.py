"""What the operators that make something share: their journal, and the note of what they delivered."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from airflow_provider_suno.journal.delivery import with_delivery_record
from airflow_provider_suno.journal.store import Journal
from airflow_provider_suno.task.cancellation import CancellableOperator


class JournaledOperator(CancellableOperator):
    """
    Make something at the service that must not be made twice.

    :param suno_conn_id: the connection.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Let no attribute or property of a subclass hide :attr:`on_success_callback`."""
        super().__init_subclass__(**kwargs)
        theirs = next(vars(kind)["on_success_callback"] for kind in cls.__mro__ if "on_success_callback" in vars(kind))
        ours = JournaledOperator.__dict__["on_success_callback"]
        if theirs is ours:
            return
        if isinstance(theirs, property) and theirs.fget is not None and theirs.fset is not None:
            ours = property(partial(_with_record_of, theirs.fget), theirs.fset)
        cls.on_success_callback = ours  # type: ignore[method-assign]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.journal: Journal | None = None

    @property  # type: ignore[override]  # Airflow reads and sets it as it would an attribute
    def on_success_callback(self) -> list[Any]:
        """
        What runs after a success was reported: the note of the delivery in the journal, then the user's own callbacks.

        A property, since a cluster policy or a subclass may set the attribute after ``__init__``; the note would be
        lost then, and the next clear would be given the old song.
        """
        self._success_callbacks[:] = with_delivery_record(self._success_callbacks)
        return self._success_callbacks

    @on_success_callback.setter
    def on_success_callback(self, callbacks: Any) -> None:
        self._success_callbacks = with_delivery_record(callbacks)


def _with_record_of(read: Callable[[Any], Any], task: Any) -> list[Any]:
    return with_delivery_record(read(task))
