"""Airflow's own timers, for the time of a scenario."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from reliability.cluster.deployment import API_SERVERS, SCHEDULERS, TRIGGERERS, WORKERS
from reliability.cluster.testbed import Testbed
from reliability.deployment import SHORT_TIMERS

# The API servers judge by them whether the others are healthy.
_WITH_TIMERS = (*API_SERVERS, *SCHEDULERS, *TRIGGERERS, *WORKERS)


@contextmanager
def default_timers(testbed: Testbed) -> Iterator[None]:
    """Restart Airflow with its default timers, and with the short ones afterwards."""
    testbed.change(dict.fromkeys(SHORT_TIMERS), _WITH_TIMERS)
    try:
        yield
    finally:
        testbed.change({}, _WITH_TIMERS)
