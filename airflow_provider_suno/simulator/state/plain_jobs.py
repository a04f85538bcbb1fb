"""Add jobs of all kinds but music to the state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from airflow_provider_suno.simulator.jobs.order import Order
from airflow_provider_suno.simulator.jobs.plain_job import PlainJob
from airflow_provider_suno.simulator.state.service_state import ServiceState

AnyJob = TypeVar("AnyJob", bound=PlainJob)


def submit_job(
    state: ServiceState,
    kind: type[AnyJob],
    request: Mapping[str, Any],
    *,
    now: float,
    record_time: float | None = None,
    base_url: str = "",
    order: Order | None = None,
    **own: Any,
) -> AnyJob:
    """
    Start a job as its order says, charge for it, and schedule its callback.

    :param kind: the class of its kind.
    :param request: the submitted fields.
    :param now: simulated time.
    :param record_time: time of creation to show on the record; ``now`` if not given.
    :param base_url: the simulator's address as the caller used it.
    :param order: what it is to do, if the request itself says so; else an order may wait for it.
    :param own: fields that only this kind has, such as the ``track`` of a conversion.
    """
    order = state.orders.take(kind.kind) if order is None else order
    hidden_for = state.settings.visible_after if order.hidden is None else order.hidden
    job = kind(
        job_id=state.ids.job(),
        request=dict(request),
        order=order,
        created_at=now,
        visible_at=now + hidden_for,
        create_time=now if record_time is None else record_time,
        base_url=base_url,
        **own,
    )
    state.add_job(job)
    state.callback_queue.schedule(job.callbacks())
    state.charge(job, now=now)
    return job


def replace_job(state: ServiceState, job: PlainJob) -> None:
    """Store a job that begins anew under an id that is known, and schedule its callback."""
    state.add_job(job)
    state.callback_queue.schedule(job.callbacks())
