"""Airflow's database, and a simulator that the default connection leads to."""

from __future__ import annotations

from tests.support.fixtures import _database, _simulator, schedule, short_clocks, sim, supervise

__all__ = ["_database", "_simulator", "schedule", "short_clocks", "sim", "supervise"]
