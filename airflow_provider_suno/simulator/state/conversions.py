"""Add conversions to the state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_suno.simulator.jobs.conversion import Conversion, SourceTrack
from airflow_provider_suno.simulator.state.service_state import ServiceState


def submit_conversion(
    state: ServiceState,
    kind: type[Conversion],
    request: Mapping[str, Any],
    track: SourceTrack,
    *,
    now: float,
    record_time: float | None = None,
    base_url: str = "",
    **own: Any,
) -> Conversion:
    """
    Start a conversion as its order says, charge for it, and schedule its callback.

    :param kind: the class of its kind.
    :param request: the submitted fields.
    :param track: the track to convert.
    :param now: simulated time.
    :param record_time: time of creation to show on the record; ``now`` if not given.
    :param base_url: the simulator's address as the caller used it.
    :param own: fields that only this kind has.
    """
    order = state.orders.take(kind.kind)
    hidden_for = state.settings.visible_after if order.hidden is None else order.hidden
    job = kind(
        job_id=state.ids.job(),
        request=dict(request),
        track=track,
        order=order,
        created_at=now,
        visible_at=now + hidden_for,
        create_time=now if record_time is None else record_time,
        base_url=base_url,
        **own,
    )
    state.add_conversion(job)
    state.callback_queue.schedule(job.callbacks())
    state.charge(job, now=now)
    return job
