"""How a user may ask to wait. Dag files load this, but nothing of the waiting itself."""

from __future__ import annotations

from typing import Any, get_args

from airflow_provider_suno.api.fields import checked_seconds
from airflow_provider_suno.api.jobs import Until
from airflow_provider_suno.api.text import excerpt
from airflow_provider_suno.exceptions import SunoValidationError

DEFAULT_TIMEOUT = 1200.0
"""Seconds from the start of a wait to its deadline, unless the user sets a timeout."""


def check_wait(
    *,
    timeout: Any,
    timeout_name: str = "timeout",
    until: Any = "all",
    poll_interval: Any = None,
    interval_name: str = "poll_interval",
) -> None:
    """
    Check how a user wants to wait.

    :param timeout: seconds, or a timedelta.
    :param timeout_name: the user's name for it.
    :param interval_name: the user's name for ``poll_interval``.
    :raises SunoValidationError: names the parameter that is wrong.
    """
    checked_seconds(timeout_name, timeout, zero=True)
    if not isinstance(until, str) or until not in get_args(Until):
        raise SunoValidationError(f"until: must be 'all' or 'first', got {excerpt(until)}.")
    if poll_interval is not None:
        checked_seconds(interval_name, poll_interval)
