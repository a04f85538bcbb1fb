"""Let Airflow retry when the service has asked to come back, where Airflow (3.3 and later) lets a task say so."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_suno.compat import HAS_TASK_STATE
from airflow_provider_suno.exceptions import SunoError

if TYPE_CHECKING or HAS_TASK_STATE:
    from airflow.sdk import RetryDecision, RetryPolicy
else:
    RetryPolicy = object

LONGEST_DELAY = 86_400.0
"""Seconds: a service that asks for more than a day is not believed."""


class ServerDelayRetryPolicy(RetryPolicy):
    """
    Retry after the delay that the service asked for (``Retry-After``); in all else as the task says.

    The number of retries stays the task's own, and a fatal error is never retried.
    """

    def evaluate(self, exception: BaseException, *_: Any, **__: Any) -> RetryDecision:
        """Return the service's delay, if the error carries one."""
        seconds = exception.retry_after if isinstance(exception, SunoError) else None
        if seconds is None or not 0 < seconds <= LONGEST_DELAY:
            return RetryDecision.default()
        return RetryDecision.retry(timedelta(seconds=seconds), reason=f"The service asked to wait {seconds:g} s.")


class Retried(Protocol):
    """A task that Airflow may retry."""

    retry_policy: Any


def honour_server_delays(task: Retried) -> None:
    """
    Let the delay before a task's retry be the one that the service asked for, unless the user has a policy.

    :param task: after the ``__init__`` of its base class, which takes a policy from ``default_args`` too.
    """
    if HAS_TASK_STATE and task.retry_policy is None:
        task.retry_policy = ServerDelayRetryPolicy()
