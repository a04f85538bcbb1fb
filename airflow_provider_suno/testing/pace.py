"""Let the provider wait for fractions of a second where it waits for seconds and minutes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from unittest.mock import patch

from airflow_provider_suno.http import retry
from airflow_provider_suno.polling import limits
from airflow_provider_suno.triggers import job as job_trigger

_SHORTEST, _SHORT, _GRACE = 0.02, 0.1, 2.0
"""Seconds: between two polls or sends, at least and at most; until the provider gives up."""


@contextmanager
def hurried() -> Iterator[None]:
    """
    Hurry the waiting in this process, also of triggers that ``dag.test()`` runs.

    The order of things stays the same: a job is polled until it has ended, what failed is sent again as often.
    """
    waiting = replace(
        limits.DEFAULT,
        shortest_gap=_SHORTEST,
        longest_gap=_SHORT,
        unknown_id_gap=_SHORT,
        unknown_id_grace=_GRACE,
        longest_backoff=_SHORT,
        failed_reads_grace=_GRACE,
        stuck_grace=_GRACE,
        old_result_grace=_GRACE,
        refused_pause=_SHORT,
        unknown_connection_grace=_GRACE,
    )
    sending = replace(retry.RETRY_LIMITS, first_gap=_SHORTEST, longest_gap=_SHORT, resubmit_gap=_SHORT)
    with (
        patch.object(limits, "DEFAULT", waiting),
        patch.object(retry, "RETRY_LIMITS", sending),
        # It keeps the scheduler from resuming a task whose worker has not exited. Here is neither.
        patch.object(job_trigger, "shortest_deferral", return_value=0.0),
    ):
        yield
