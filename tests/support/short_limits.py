"""Other limits of waiting than the real ones, for one test."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from airflow_provider_suno.polling import limits


def set_limits(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    """Change some of the limits in force."""
    monkeypatch.setattr(limits, "DEFAULT", replace(limits.DEFAULT, **changes))
