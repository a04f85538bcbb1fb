"""Where Airflow stores data: files, tables, command lines. Each is searched completely."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tests.support.secrets.forms import Seeker

FLEETING = ("trigger", "task_instance", "callback", "connection_test_request", "task_reschedule", "dag_run")
"""Tables whose rows or values are deleted when the runs have ended."""

_TOLD_BY = ("conn_id", "connection_id", "dag_id", "task_id", "map_index", "key", "event", "classpath", "id")
_ENCRYPTED_ON_PURPOSE = {
    (table, column) for table in ("connection", "connection_test_request") for column in ("password", "extra")
}
_DATABASE = "airflow.db"


@dataclass(frozen=True, order=True)
class Finding:
    """A key that was found: whose, where, and in which form."""

    key: str
    place: str
    form: str


@dataclass
class Sweep:
    """
    What was looked at, and what was found.

    :param seeker: searches.
    """

    seeker: Seeker
    leaks: set[Finding] = field(default_factory=set)
    kept: set[Finding] = field(default_factory=set)
    """Where Airflow keeps connections, encrypted."""
    _known: set[int] = field(default_factory=set)
    looked_at: Counter[str] = field(default_factory=Counter)

    def look(self, kind: str, place: str, data: bytes | str, *, encrypted_on_purpose: bool = False) -> None:
        """
        Search one place, unless it held the same when it was searched before.

        :param kind: what to count it as.
        :param place: where it is, for a person.
        :param data: its content.
        :param encrypted_on_purpose: whether Airflow's own encryption may hold the key there.
        """
        known = hash((kind, place, data))
        if known in self._known:
            return
        self._known.add(known)
        self.looked_at[kind] += 1
        self.looked_at["byte"] += len(data)
        for key, form in self.seeker.find(data):
            kept = encrypted_on_purpose and "encrypted" in form
            (self.kept if kept else self.leaks).add(Finding(key, f"{kind}: {place}", form))

    def leaks_of(self, *keys: str) -> list[Finding]:
        """Return where these keys were found and should not be, sorted by place."""
        return sorted(one for one in self.leaks if one.key in keys)

    def look_at_files(self, folder: Path) -> None:
        """Search every file below a folder, a database's freed pages included."""
        for path in sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()):
            database = path.name.startswith(_DATABASE)
            self.look("file", str(path.relative_to(folder)), path.read_bytes(), encrypted_on_purpose=database)
            self.look("file name", str(path.relative_to(folder)), str(path))

    def look_at_database(self, path: Path, tables: Collection[str] | None = None) -> None:
        """
        Search every column of every row, what is compressed or encrypted there included.

        :param path: the SQLite file.
        :param tables: which tables; all by default.
        """
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as database:
            for table in _tables(database) if tables is None else tables:
                cursor = database.execute(f'SELECT * FROM "{table}"')
                columns = [column[0] for column in cursor.description]
                if tables is None:
                    self.looked_at["table"] += 1
                    self.looked_at["column"] += len(columns)
                for row in cursor.fetchall():  # at once: who reads keeps others from writing
                    self._look_at_row(table, dict(zip(columns, row, strict=True)), sampled=tables is not None)

    def _look_at_row(self, table: str, row: dict[str, Any], *, sampled: bool) -> None:
        self.looked_at["sampled row" if sampled else "row"] += 1
        told = ", ".join(f"{name}={row[name]}" for name in _TOLD_BY if row.get(name) not in (None, "") and name in row)
        for column, value in row.items():
            if value is not None and not isinstance(value, (int, float)):
                on_purpose = (table, column) in _ENCRYPTED_ON_PURPOSE
                self.look("value", f"{table}.{column} ({told})", value, encrypted_on_purpose=on_purpose)

    def look_at_commands(self, processes: Iterable[psutil.Process]) -> None:
        """Search the command lines, which everybody on the machine can read."""
        for process in processes:
            try:
                command = " ".join(process.cmdline())
            except psutil.Error:
                continue
            self.look("command line", command[:40].partition(" --")[0], command)


def _tables(database: sqlite3.Connection) -> Iterator[str]:
    yield from (name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall())
