"""What these tests share with the integration tests."""

from __future__ import annotations

from tests.support.fixtures import hooks_log

__all__ = ["hooks_log"]
