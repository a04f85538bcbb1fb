"""The kill test's ``kill -9`` kills, and PostgreSQL recovers from it."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import psycopg2
import pytest

from reliability import killing, local_targets
from reliability.killing import Killer, kill
from reliability.local_targets import Kind, LocalTargets
from reliability.postgres import NAME, RunningPostgres, installed

IGNORES_SIGTERM = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"


def test_a_killed_process_is_dead() -> None:
    with subprocess.Popen([sys.executable, "-c", IGNORES_SIGTERM]) as process:
        victim = psutil.Process(process.pid)
        kill([victim])
        assert victim.wait() == -signal.SIGKILL


def test_a_title_that_is_shorter_than_the_command_line_ends_where_it_ends() -> None:
    names_itself = "setproctitle.setproctitle('airflow -- 01a2'); print(flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", f"import setproctitle, sys; {names_itself}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        assert killing.title(psutil.Process(process.pid)) == "airflow -- 01a2"


@pytest.mark.parametrize("title", ["airflow worker -- 01a2", "airflow worker -- LocalExecutor: 01a2"])
def test_the_scheduler_is_not_replaced_while_a_process_has_a_task(title: str, monkeypatch: pytest.MonkeyPatch) -> None:
    titles = {"scheduler": "airflow scheduler", "worker": title}
    processes = SimpleNamespace(running=lambda: list(titles), process=lambda name: name)
    airflow: Any = SimpleNamespace(processes=processes, postgres=None)
    targets = LocalTargets(airflow)
    killer = Killer(targets, random.Random(1), freeing=Kind.SCHEDULER_TO_FREE)
    killed: list[Any] = []
    monkeypatch.setattr(local_targets, "title", titles.get)
    monkeypatch.setattr(local_targets, "with_all", lambda process: [process])
    monkeypatch.setattr(killing, "kill", killed.append)
    assert killer.free_lost() is None
    titles["worker"] = "airflow worker -- LocalExecutor: <idle>"
    assert killer.free_lost() == f"killed {Kind.SCHEDULER_TO_FREE}"
    assert killed == [["scheduler"]]
    assert killer.killed == {Kind.SCHEDULER_TO_FREE: 1}


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)  # the server's own user must be able to enter it
        yield Path(folder)


@pytest.mark.skipif(installed() is None, reason="PostgreSQL is not installed; `make kill-test` can install it")
def test_a_killed_postgres_recovers_what_was_committed(home: Path) -> None:
    found = installed()
    assert found is not None
    with RunningPostgres(home, found) as postgres:
        place = postgres.settings["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].replace("+psycopg2", "")
        with psycopg2.connect(place) as before, before.cursor() as cursor:
            cursor.execute("create table kept as select 42 as answer")
        server = postgres.processes.process(NAME)
        assert server is not None
        kill([server, *server.children(recursive=True)])
        assert postgres.processes.process(NAME) is None
        postgres.check()
        with psycopg2.connect(place) as after, after.cursor() as cursor:
            cursor.execute("select answer from kept")
            assert cursor.fetchone() == (42,)
