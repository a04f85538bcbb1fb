"""Changes of state and worker times of a wait, recorded by the database and by the executor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from sqlalchemy import create_engine, text

WORKER_NOTES = "SUNO_BENCHMARK_WORKER_NOTES"
"""The environment variable with the file of the executor's notes, one line of JSON each."""

_NOTE_EVERY_CHANGE = """
CREATE TABLE benchmark_note (
    id bigserial PRIMARY KEY,
    task_instance uuid NOT NULL,
    state text,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE FUNCTION benchmark_note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO benchmark_note (task_instance, state) VALUES (NEW.id, NEW.state);
    RETURN NEW;
END $$;
CREATE TRIGGER benchmark_note AFTER UPDATE OF state ON task_instance
    FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION benchmark_note();
"""

_NOTES = """
SELECT CAST(note.task_instance AS text), ti.run_id, ti.map_index, note.state, CAST(extract(epoch FROM note.at) AS float)
FROM benchmark_note AS note JOIN task_instance AS ti ON ti.id = note.task_instance
WHERE ti.dag_id = :dag_id ORDER BY note.id
"""


@dataclass(frozen=True)
class Note:
    """
    A change of state.

    :param state: the state that began.
    :param at: when, in epoch seconds.
    """

    state: str | None
    at: float


@dataclass(frozen=True)
class Hold:
    """
    A time for which a worker process was occupied, in epoch seconds.

    :param begun: when it accepted the task.
    :param ended: when it could accept the next one.
    """

    begun: float
    ended: float


@dataclass(frozen=True)
class SongWait:
    """
    One task instance's wait for one song.

    :param finished_at: when the music was finished at the service, in epoch seconds.
    :param notes: its changes of state, in order.
    :param holds: the times for which it occupied a worker process.
    """

    finished_at: float
    notes: Sequence[Note]
    holds: Sequence[Hold]

    @property
    def succeeded(self) -> bool:
        """Whether it succeeded."""
        return bool(self.notes) and self.notes[-1].state == "success"

    @property
    def queued(self) -> float:
        """Seconds from being ready to run until it ran: Airflow's queue."""
        return self._first("running") - self.notes[0].at

    @property
    def held(self) -> float:
        """Seconds for which it occupied a worker process."""
        return sum(hold.ended - hold.begun for hold in self.holds)

    @property
    def added(self) -> float:
        """Seconds from the end of the music to that of the task."""
        return self.notes[-1].at - self.finished_at

    @property
    def deferred(self) -> bool:
        """Whether it was ever deferred."""
        return any(note.state == "deferred" for note in self.notes)

    @property
    def start(self) -> float | None:
        """Seconds from being queued to being deferred; None if it never was."""
        return self._first("deferred") - self._first("queued") if self.deferred else None

    @property
    def resume(self) -> float | None:
        """Seconds from the trigger's event to the end; None if it was never deferred."""
        return self.notes[-1].at - self._deferrals[-1].ended if self.deferred else None

    @property
    def held_while_deferred(self) -> float:
        """Seconds for which it occupied a worker process while it was deferred."""
        return sum(
            max(0.0, min(hold.ended, deferral.ended) - max(hold.begun, deferral.begun))
            for hold in self.holds
            for deferral in self._deferrals
        )

    @property
    def _deferrals(self) -> list[Hold]:
        return [Hold(note.at, later.at) for note, later in pairwise(self.notes) if note.state == "deferred"]

    def _first(self, state: str) -> float:
        return next(note.at for note in self.notes if note.state == state)


class StateNotes:
    """
    The notes in Airflow's database.

    :param url: the database, for SQLAlchemy.
    """

    def __init__(self, url: str) -> None:
        self._engine = create_engine(url)

    def begin(self) -> None:
        """Make the database record every change of state from now on."""
        with self._engine.begin() as connection:
            connection.execute(text(_NOTE_EVERY_CHANGE))

    def of_dag(self, dag_id: str) -> Mapping[tuple[str, int], tuple[str, list[Note]]]:
        """
        Return the notes of a Dag's task instances.

        :param dag_id: the Dag.
        :return: by run and map index: the task instance's id, and its changes of state.
        """
        found: dict[tuple[str, int], tuple[str, list[Note]]] = {}
        with self._engine.connect() as connection:
            for task_instance, run_id, map_index, state, at in connection.execute(text(_NOTES), {"dag_id": dag_id}):
                found.setdefault((run_id, map_index), (task_instance, []))[1].append(Note(state, at))
        return found
