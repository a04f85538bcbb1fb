"""The times and counts that bound waiting, all in one place."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """
    What bounds waiting; all times are in seconds.

    :param shortest_gap: between two polls of one job, and between two look-ups of a connection.
    :param longest_gap: before the first poll of a job and between two; without a bound, but in tests.
    :param unknown_id_gap: between two polls of an id that the service does not know yet, give or take a quarter.
    :param unknown_id_grace: how long the service may not know an id before the wait gives up.
    :param longest_backoff: between two polls that fail, give or take a quarter.
    :param failed_reads_grace: how long all polls may fail before the wait gives up.
    :param fewest_failed_polls: how many polls in a row must have failed, too: with thousands of waits, polls are
        minutes apart, and three failures may be bad luck.
    :param stuck_grace: how long a record may stay in a state that no job stays in, such as ``CALLBACK_EXCEPTION``.
    :param old_result_grace: how long after the submission a record may show the result that it showed before it.
    :param progress_log_gap: between two log lines about a wait whose status stays the same.
    :param threads: polls in flight at once, for each account; a thread starts when it is needed.
    :param failing_polls: how many of them may be of jobs whose last poll failed, as these may hang.
    :param refused_pause: after a refusal for rate; doubled while the first poll after each pause is refused.
    :param connection_timeout: for a look-up of the connection.
    :param unknown_connection_grace: how long Airflow may not know the connection: it says the same during an outage.
    :param statistics_log_gap: between two log lines about an account.
    :param callback_patience: the multiple of a job's usual duration after which an expected callback is late.
    :param callback_gap: between two polls of a job whose callback is expected.
    :param callbacks_missed: how long jobs of an account are polled as usual after a callback has failed to come.
    """

    shortest_gap: float = 2.0
    longest_gap: float = math.inf
    unknown_id_gap: float = 7.5
    unknown_id_grace: float = 60.0
    longest_backoff: float = 30.0
    failed_reads_grace: float = 600.0
    fewest_failed_polls: int = 10
    stuck_grace: float = 600.0
    old_result_grace: float = 120.0
    progress_log_gap: float = 60.0
    threads: int = 64
    failing_polls: int = 32
    refused_pause: float = 1.0
    connection_timeout: float = 30.0
    unknown_connection_grace: float = 60.0
    statistics_log_gap: float = 60.0
    callback_patience: float = 2.0
    callback_gap: float = 60.0
    callbacks_missed: float = 300.0


DEFAULT = Limits()
"""The limits in force; read when they are needed, so that tests can replace this one value."""
