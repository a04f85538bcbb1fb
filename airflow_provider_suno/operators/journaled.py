"""What the operators that make something share: their journal, and the note of what they delivered."""

from __future__ import annotations

from typing import Any

from airflow_provider_suno.journal.store import Journal, with_delivery_record
from airflow_provider_suno.task.cancellation import CancellableOperator


class JournaledOperator(CancellableOperator):
    """
    Make something at the service that must not be made twice.

    :param suno_conn_id: the connection.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Let no class attribute of a subclass hide :attr:`on_success_callback`; Airflow would not read it either."""
        super().__init_subclass__(**kwargs)
        if not hasattr(cls.__dict__.get("on_success_callback", property()), "__set__"):
            del cls.on_success_callback

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
        return self._success_callbacks

    @on_success_callback.setter
    def on_success_callback(self, callbacks: Any) -> None:
        self._success_callbacks = with_delivery_record(callbacks)
