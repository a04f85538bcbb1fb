"""Orders for the next jobs that are not music, under ``/_sim/orders``."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from airflow_provider_suno.simulator.control.simulation import Simulation
from airflow_provider_suno.simulator.jobs.order import Order

Json = dict[str, Any]


def order_control(simulation: Simulation) -> APIRouter:
    """Return the routes under ``/_sim/orders``."""
    router = APIRouter(prefix="/orders")

    @router.get("")
    async def list_orders() -> list[Json]:
        return simulation.state.orders.listed()

    @router.post("")
    async def add_order(order: Order) -> list[Json]:
        simulation.state.orders.add(order)
        return simulation.state.orders.listed()

    @router.delete("")
    async def clear_orders() -> list[Json]:
        simulation.state.orders.clear()
        return simulation.state.orders.listed()

    return router
