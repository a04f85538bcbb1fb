"""Say in the log what a submission is about to cost, as far as a task can know it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.sdk import Context

_LATE = timedelta(days=1)


def warning_about_many_runs(context: Context, now: datetime) -> str | None:
    """
    Return a warning if this run is one of many that Airflow makes at once, each of which pays for a job of its own.

    That is so in a backfill, and where ``catchup`` makes up for runs that were missed.

    :param now: the present time, with a time zone.
    """
    run, dag = context["dag_run"], context["dag"]
    if str(getattr(run.run_type, "value", run.run_type)) == "backfill":
        return "This run is part of a backfill: each of its runs submits a job of its own, which costs credits."
    due = run.data_interval_end or run.logical_date
    if not getattr(dag, "catchup", False) or str(getattr(run.run_type, "value", run.run_type)) != "scheduled":
        return None
    if due is None or now - due < _LATE:
        return None
    return (
        f"This run was due on {due.astimezone(UTC):%Y-%m-%d %H:%M} UTC, and the Dag has catchup=True: Airflow runs it "
        "for every interval that was missed, and each of these runs submits a job of its own, which costs credits. If "
        "that is not meant, pause the Dag and set catchup=False."
    )


def log_warning(log: Any, context: Context) -> None:
    """Log that warning at the first try of a task instance."""
    if context["ti"].try_number == 1 and (warning := warning_about_many_runs(context, datetime.now(UTC))):
        log.warning("%s", warning)
