"""
Every test meets the same Airflow: a home of its own, and nothing of the user's settings and connections.

What tests have counted (:data:`tests.support.figures.figures`) is told at the end.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections import Counter
from typing import Any

import pytest
from hypothesis import settings

from tests.support.figures import figures

# Airflow reads its environment when it is first imported, so this cannot wait for a fixture.
for _name in [name for name in os.environ if name.startswith("AIRFLOW_")]:
    del os.environ[_name]
os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="airflow-provider-suno-tests-")
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
# Airflow 3.2 does not make one for its API in process.
os.environ["AIRFLOW__API_AUTH__JWT_SECRET"] = "a-secret-of-the-tests-that-is-64-bytes-long-as-sha-512-wants-it!!"
atexit.register(shutil.rmtree, os.environ["AIRFLOW_HOME"], ignore_errors=True)

# How long an example takes says nothing on a machine that does something else besides.
settings.register_profile("tests", deadline=None)
settings.load_profile("tests")

_of_workers: Counter[str] = Counter()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put tests that start an Airflow first: at the end, the other parallel workers would wait for them."""
    items.sort(key=lambda item: item.get_closest_marker("airflow") is None)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand the figures of a parallel worker on."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["figures"] = dict(figures)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take the figures of a parallel worker; one that died has none."""
    _of_workers.update(getattr(node, "workeroutput", {}).get("figures", {}))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Tell the figures."""
    for what, number in sorted((_of_workers + figures).items()):
        terminalreporter.write_line(f"{what}: {number:,}")
