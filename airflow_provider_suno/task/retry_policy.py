"""Retry after the delay that the service asks for (``Retry-After``), on Airflow 3.3 and later."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_suno.compat import HAS_TASK_STATE
from airflow_provider_suno.exceptions import SunoError

if TYPE_CHECKING:
    from airflow.sdk import RetryDecision, RetryPolicy
else:
    RetryPolicy = object  # Airflow only calls evaluate(), so a Dag file need not load the class

LONGEST_DELAY = 86_400.0
"""Seconds; a longer delay is ignored."""


class ServerDelayRetryPolicy(RetryPolicy):
    """
    Retry after the delay that the service asked for, if it did; else after the task's own.

    The number of retries stays the task's. A fatal error is never retried.
    """

    def evaluate(self, exception: BaseException, *_: Any, **__: Any) -> RetryDecision:
        """Return the service's delay, if the error carries one."""
        from airflow.sdk import RetryDecision

        seconds = exception.retry_after if isinstance(exception, SunoError) else None
        if seconds is None or not 0 < seconds <= LONGEST_DELAY:
            return RetryDecision.default()
        return RetryDecision.retry(timedelta(seconds=seconds), reason=f"The error asks for a retry in {seconds:g} s.")


def honour_server_delays(task: Any) -> None:
    """Set the policy unless the user has set one; call it after the base ``__init__``, which reads ``default_args``."""
    if HAS_TASK_STATE and task.retry_policy is None:
        task.retry_policy = ServerDelayRetryPolicy()
