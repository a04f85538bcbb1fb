"""Airflow's own timers, for the time of a scenario."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from reliability.cluster.stage import Stage
from reliability.deployment import SHORT_TIMERS


@contextmanager
def default_timers(stage: Stage) -> Iterator[None]:
    """Restart Airflow with its default timers, and with the short ones afterwards."""
    stage.change(dict.fromkeys(SHORT_TIMERS))
    try:
        yield
    finally:
        stage.change(dict(SHORT_TIMERS))
