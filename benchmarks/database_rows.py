"""The rows that a song leaves in Airflow's database, and the writes that it takes, counted by PostgreSQL."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import create_engine, text

from benchmarks.testbed import Testbed
from demo.airflow_process import AirflowNotReadyError, RunningAirflow

SONGS = 10
"""Songs in the run that is counted."""

TABLES = (
    "task_instance",
    "task_instance_history",
    "trigger",
    "xcom",
    "task_state_store",
    "rendered_task_instance_fields",
    "log",
)

_DAGS = Path(__file__).resolve().parent / "dags" / "rows"
_SETTLES_IN = 15.0
"""Seconds until PostgreSQL's processes have reported what they wrote: an idle one may take ten."""

_COUNTED = """
SELECT relname, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_user_tables WHERE relname = ANY(:tables)
"""


@dataclass(frozen=True)
class Writes:
    """
    Writes to one table.

    :param inserted: rows inserted.
    :param updated: rows updated.
    :param deleted: rows deleted.
    """

    inserted: float
    updated: float
    deleted: float

    @property
    def left(self) -> float:
        """Rows that stay."""
        return self.inserted - self.deleted

    @property
    def all(self) -> float:
        """All writes."""
        return self.inserted + self.updated + self.deleted


def measured(testbed: Testbed) -> Mapping[str, Writes] | None:
    """
    Run songs on a real Airflow, and return the writes per song, by table; None without PostgreSQL.

    :param testbed: starts the services.
    """
    postgres = testbed.postgres()
    if postgres is None:
        return None
    simulator = testbed.simulator(speed=10)
    testbed.progress.say("airflow", "starting on PostgreSQL")
    env = {**postgres.settings, **simulator.connection_env}
    airflow = testbed.services.enter_context(RunningAirflow(testbed.home / "airflow", _DAGS, env))
    airflow.wait_for_dags("rows")
    engine = create_engine(postgres.settings["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"])

    def counted() -> Mapping[str, tuple[int, ...]]:
        time.sleep(_SETTLES_IN)
        with engine.connect() as connection:
            rows = connection.execute(text(_COUNTED), {"tables": list(TABLES)})
            return {name: tuple(counts) for name, *counts in rows}

    airflow.run("rows")  # what only the first run writes does not count
    before = counted()
    _, state = airflow.run("rows")
    if state != "success":
        raise AirflowNotReadyError(f"the run of songs ended as {state}")
    after = counted()
    engine.dispose()
    return {
        name: Writes(*((new - old) / SONGS for new, old in zip(after[name], before[name], strict=True)))
        for name in TABLES
        if name in after
    }
