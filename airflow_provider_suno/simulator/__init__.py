"""
A simulator of the Suno music API, for development and tests without a key and without costs.

Start it from a shell with ``python -m airflow_provider_suno.simulator``, or in a test with :func:`running_simulator`.
It is written from ``docs/suno-openapi.yaml`` and shares no code with the provider's client. So if one side misreads the
contract, the two disagree, and a test fails.

Its folders, each of which imports only those before it: ``jobs`` (what jobs of several kinds share: sounds, pictures,
orders), ``state`` (the account's state), ``rules`` (what rules of several kinds share), ``control`` (the control plane
under ``/_sim/``), ``calls`` (what the handlers of calls share) and ``wire`` (HTTP). Each kind has a folder in
``kinds``: ``job.py`` says what the job is and what its record shows, ``rules.py`` what its calls refuse, and
``calls.py`` what they do.
"""

from __future__ import annotations

from airflow_provider_suno.simulator.control.fault_plan import Fault
from airflow_provider_suno.simulator.embedding import RunningSimulator, running_simulator
from airflow_provider_suno.simulator.jobs.order import Order

__all__ = ["Fault", "Order", "RunningSimulator", "running_simulator"]
