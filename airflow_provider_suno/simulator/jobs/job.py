"""What all jobs have in common, whatever their kind."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Protocol


class Job(Protocol):
    """A piece of work that was submitted: charged at once, finished later."""

    @property
    def kind(self) -> str:
        """The kind of job, such as music or wav."""

    @property
    def job_id(self) -> str:
        """Its id, called ``taskId`` by the API."""

    @property
    def request(self) -> Mapping[str, Any]:
        """The submitted fields."""

    @property
    def price(self) -> Decimal:
        """The credits that were charged."""

    @property
    def refund_at(self) -> float | None:
        """Simulated time at which it fails and the credits are refunded; None if it does not fail."""
