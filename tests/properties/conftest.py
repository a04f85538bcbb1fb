"""What hostile texts need of pytest."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    """Let a report pass between pytest's processes: halves of characters, which it may show, cannot be sent."""
    report = yield
    if report.failed:
        report.longrepr = _sendable(str(report.longrepr))
    report.sections = [(name, _sendable(content)) for name, content in report.sections]
    return report


def _sendable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()
