"""
What tests of your own Dags need: the simulator as the connection ``suno_default``, without a key and without costs.

With pytest, import the fixture in a ``conftest.py``::

    from airflow_provider_suno.testing import suno_simulator

Without it, use :func:`simulated_suno`. Only the fixture needs pytest, which is no dependency of this package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_suno.testing.simulated import SunoSimulator, simulated_suno

if TYPE_CHECKING:
    from airflow_provider_suno.testing.fixture import suno_simulator

__all__ = ["SunoSimulator", "simulated_suno", "suno_simulator"]


def __getattr__(name: str) -> Any:
    """Import the fixture when it is asked for, since it needs pytest."""
    if name == "suno_simulator":
        from airflow_provider_suno.testing.fixture import suno_simulator

        return suno_simulator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
