"""
Property-based tests: few examples in ``make test``, as many as one likes by ``make property-test EXAMPLES=…``.

The number is that of the replies tried in all, of which each property that reads replies has a share; how many really
were tried stands at the end.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.properties.effort import tried

_counts: list[dict[str, int]] = []


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand the counts of a parallel worker on."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["tried"] = dict(tried)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take the counts of a parallel worker."""
    _counts.append(getattr(node, "workeroutput", {}).get("tried", {}))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say how many were really tried."""
    total: dict[str, int] = {}
    for counts in (*_counts, tried):
        for what, number in counts.items():
            total[what] = total.get(what, 0) + number
    for what, number in sorted(total.items()):
        terminalreporter.write_line(f"{what} tried: {number}")
