"""Airflow's database, and a simulator that the default connection leads to."""

from __future__ import annotations

from airflow_provider_suno.testing import suno_simulator
from tests.support.fixtures import (
    _database,
    _simulator,
    hooks_log,
    schedule,
    short_clocks,
    sim,
    song,
    supervise,
)

__all__ = [
    "_database",
    "_simulator",
    "hooks_log",
    "schedule",
    "short_clocks",
    "sim",
    "song",
    "suno_simulator",
    "supervise",
]
