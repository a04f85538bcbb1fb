"""
Airflow's database is full, locked or read-only while the journal is written.

SQLite itself fails; the task sees the failure through Airflow's API and supervisor, as it would in production.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from itertools import count
from typing import Any

import pytest
from airflow import settings
from airflow.sdk import DAG
from sqlalchemy import event

from airflow_provider_suno.simulator.embedding import RunningSimulator
from tests.support.generating import a_dag, charges, ended
from tests.support.troubled_api import Trouble
from tests.support.workers import TASK, ContendedRun

pytestmark = pytest.mark.contention

Begin = Callable[[DAG], ContendedRun]
During = Callable[[], AbstractContextManager[None]]

_FILLER = """
INSERT INTO task_state_store (dag_run_id, dag_id, run_id, task_id, map_index, key, value, updated_at)
SELECT id, dag_id, run_id, ?, -1, 'filler', 'x', '2026-01-01' FROM dag_run LIMIT 1
"""


@contextmanager
def settings_of_connections(*pragmas: str) -> Iterator[None]:
    """Apply SQLite settings to each connection that Airflow uses."""

    def set_up(connection: Any, *_: Any) -> None:
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    event.listen(settings.engine, "checkout", set_up)
    try:
        yield
    finally:
        event.remove(settings.engine, "checkout", set_up)
        settings.engine.dispose()


@contextmanager
def another_program() -> Iterator[sqlite3.Connection]:
    """Open a second connection to Airflow's database."""
    connection = sqlite3.connect(settings.engine.url.database, isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def full() -> Iterator[None]:
    """Fill the database: no free page, and no room for a row in the table of the task state store."""
    with another_program() as other:
        (pages,) = other.execute("PRAGMA page_count").fetchone()
        other.execute(f"PRAGMA max_page_count = {pages}")
        try:
            with suppress(sqlite3.OperationalError):
                for number in count():
                    other.execute(_FILLER, (f"filler {number}",))
            with settings_of_connections(f"max_page_count = {pages}"):
                yield
        finally:
            other.execute("DELETE FROM task_state_store WHERE key = 'filler'")


@contextmanager
def locked() -> Iterator[None]:
    """Hold a write lock for longer than Airflow waits."""
    with another_program() as other, settings_of_connections("busy_timeout = 50"):
        other.execute("BEGIN IMMEDIATE")
        yield


def read_only() -> AbstractContextManager[None]:
    """Allow no writes."""
    return settings_of_connections("query_only = ON")


@contextmanager
def refusing_updates() -> Iterator[None]:
    """Reject updates as a full database does; a trigger does it, since SQLite keeps some room for longer rows."""
    with another_program() as other:
        other.execute(
            "CREATE TRIGGER no_room BEFORE UPDATE ON task_state_store "
            "BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
        )
        try:
            yield
        finally:
            other.execute("DROP TRIGGER no_room")


SAYS = {
    full: "database or disk is full",
    refusing_updates: "database or disk is full",
    locked: "database is locked",
    read_only: "attempt to write a readonly database",
}


@pytest.fixture
def database_errors(begin: Begin) -> Iterator[list[str]]:
    """Collect the database's errors, which Airflow's API hides from a task."""
    errors: list[str] = []

    def collect(context: Any) -> None:
        errors.append(str(context.original_exception))

    event.listen(settings.engine, "handle_error", collect)
    yield errors
    event.remove(settings.engine, "handle_error", collect)


@pytest.mark.parametrize("during", [full, locked, read_only])
def test_without_an_intent_nothing_is_sent(
    during: During, sim: RunningSimulator, begin: Begin, database_errors: list[str]
) -> None:
    run = begin(a_dag(retries=0))
    run.troubles.append(Trouble("intent", during=during))
    run.run()
    assert set(database_errors) == {SAYS[during]}
    assert (ended(run), charges(sim)) == ((["failed"], [1]), [])
    assert "'intent' could not be written to Airflow's task state store" in run.said()
    assert "check the API server's log and its database: full, locked, read-only?" in run.said()
    assert run.journal(TASK) is None
    run.troubles.clear()
    run.clear(TASK).run()
    assert (ended(run), charges(sim)) == ((["success"], [2]), [1])


@pytest.mark.parametrize("during", [refusing_updates, locked, read_only])
def test_an_id_is_not_lost(during: During, sim: RunningSimulator, begin: Begin, database_errors: list[str]) -> None:
    run = begin(a_dag())
    run.troubles.append(Trouble("submitted", during=during))
    run.run()
    assert set(database_errors) == {SAYS[during]}
    music_task_id = sim.ledger()["songs"][0]["music_task_id"]
    assert (ended(run), charges(sim)) == ((["failed"], [1]), [1])
    assert f"Set music_task_id={music_task_id!r} to resume this job" in run.said()
    assert run.xcom(TASK, "music_task_id") == music_task_id
    run.troubles.clear()
    run.clear(TASK).run()
    assert (ended(run), charges(sim)) == ((["failed"], [2]), [1])


@pytest.mark.parametrize("during", [full, locked, read_only])
def test_a_temporary_failure_costs_a_retry(during: During, sim: RunningSimulator, begin: Begin) -> None:
    run = begin(a_dag())
    run.troubles.append(Trouble("intent", during=during, times=1))
    assert ended(run.run()) == (["success"], [2])
    assert charges(sim) == [1]
