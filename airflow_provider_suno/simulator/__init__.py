"""
A stateful stand-in for the Suno music API, to develop and test against without a key and without paying.

Start it for people with ``python -m airflow_provider_suno.simulator``; for a test, or anything else that
lives in one process, use :func:`running_simulator`. It is written from ``docs/suno-openapi.yaml`` alone and
shares no code with the provider's client, so that a misreading on either side shows up as a disagreement.
"""

from __future__ import annotations

from airflow_provider_suno.simulator.embedding import RunningSimulator, running_simulator

__all__ = ["RunningSimulator", "running_simulator"]
