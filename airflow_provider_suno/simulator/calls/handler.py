"""What all handlers of API calls share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from airflow_provider_suno.simulator.calls.replies import Reply
from airflow_provider_suno.simulator.rules.call import Call
from airflow_provider_suno.simulator.state.service_state import ServiceState


@dataclass(frozen=True)
class Context:
    """
    What a handler needs beside the call.

    :param state: the service's state.
    :param now: simulated time.
    :param record_time: time of creation to show on new records, in epoch seconds; ``now`` if None.
    :param base_url: the simulator's address as the caller used it, without a slash at the end.
    """

    state: ServiceState
    now: float
    record_time: float | None = None
    base_url: str = ""


Handler = Callable[[Call, Context], Reply]
"""Does what an accepted call asks for. The rules have been checked before."""
