"""The orders that no job has taken yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from airflow_provider_suno.simulator.jobs.order import Order, OrderedKind


@dataclass
class _WaitingOrder:
    order: Order
    left: int | None


@dataclass
class OrderQueue:
    """The orders, in the order in which they were added."""

    _waiting: list[_WaitingOrder] = field(default_factory=list)

    def add(self, order: Order) -> None:
        """Add an order for the next jobs of its kind."""
        self._waiting.append(_WaitingOrder(order, order.times))

    def clear(self) -> None:
        """Delete all orders."""
        self._waiting.clear()

    def take(self, kind: OrderedKind) -> Order:
        """
        Return the order for a new job, and count it. An empty order if none waits.

        :param kind: the kind of the job.
        """
        waiting = next((waiting for waiting in self._waiting if waiting.order.kind == kind), None)
        if waiting is None:
            return Order(kind=kind)
        if waiting.left is not None:
            waiting.left -= 1
            if not waiting.left:
                self._waiting.remove(waiting)
        return waiting.order

    def listed(self) -> list[dict[str, Any]]:
        """Return the orders that wait, as JSON; ``times`` is how many jobs are left."""
        return [{**waiting.order.model_dump(), "times": waiting.left} for waiting in self._waiting]
