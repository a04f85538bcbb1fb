"""The pytest fixture ``suno_simulator``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from airflow_provider_suno.testing.simulated import SunoSimulator, simulated_suno


@pytest.fixture
def suno_simulator() -> Iterator[SunoSimulator]:
    """Run a new simulator for the test, and let the connection ``suno_default`` lead to it."""
    with simulated_suno() as simulator:
        yield simulator
