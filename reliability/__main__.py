"""
Kill parts of a real Airflow at random moments while it makes songs, and compare it with the service's ledger.

Exit codes: 0 every check passed; 1 a check failed, or the test could not run; 128 + n ended by signal n.
"""

from __future__ import annotations

import argparse
import json
import random
import secrets
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from demo.airflow_process import AirflowNotReadyError
from demo.airflow_rest import AirflowRestError
from demo.interruption import Stopped, stop_on_signals
from demo.processes import ProcessesLeftError, ProcessFailedError
from demo.progress import Progress
from demo.simulator_process import RunningSimulatorProcess
from reliability.deployment import KeptAirflow
from reliability.killing import Killer
from reliability.local_targets import Kind, LocalTargets
from reliability.postgres import RunningPostgres, programs
from reliability.round import DAG_ID, SLOW_REPLY, SONGS, Round, reattached
from reliability.verdict import Verdict

_SONG_SPEED = 6.0
_CREDITS = ("--credits", "1000000")
_FEWEST_KILLS = 4
"""Per round: the songs may end before all ten planned kills."""


def main(argv: list[str] | None = None) -> int:
    """
    Run the kill test.

    :param argv: arguments; those of the process if not given.
    :return: the exit code.
    """
    parser = argparse.ArgumentParser(prog="python -m reliability", description="kill -9 a real Airflow; count charges.")
    parser.add_argument("--rounds", type=int, default=1, help="rounds of fifty songs and ten kills each (default: 1)")
    parser.add_argument(
        "--seed", type=int, default=secrets.randbelow(10**6), help="makes the choice of kills repeatable"
    )
    parser.add_argument("--timeout", type=float, default=300, help="seconds after a round's last kill (default: 300)")
    parser.add_argument("--sqlite", action="store_true", help="use SQLite even if PostgreSQL is available")
    parser.add_argument("--keep", action="store_true", help="keep the logs and the ledger")
    arguments = parser.parse_args(argv)
    stop_on_signals()
    home = Path(tempfile.mkdtemp(prefix="suno-kills-")).resolve()
    home.chmod(0o711)  # PostgreSQL's user must be able to enter it
    keep = True
    try:
        violations = _run(home, arguments)
        keep = arguments.keep or bool(violations)
    except Stopped as stopped:
        print(f"\nEnded by {signal.Signals(stopped.number).name}; nothing is left running.", flush=True)
        keep = arguments.keep
        return 128 + stopped.number
    except (AirflowNotReadyError, AirflowRestError, ProcessFailedError, ProcessesLeftError) as error:
        print(f"\nThe kill test could not run: {error}", file=sys.stderr, flush=True)
        return 1
    finally:
        if keep:
            print(f"Logs and ledger are in {home}", flush=True)
        else:
            shutil.rmtree(home, ignore_errors=True)
    return 1 if violations else 0


def _run(home: Path, arguments: argparse.Namespace) -> list[str]:
    print(f"Songs on a real Airflow, with random kills (--seed {arguments.seed}). No key is needed.\n", flush=True)
    total = Verdict()
    started = time.monotonic()
    with ExitStack() as services:
        progress = services.enter_context(Progress(silence=20))
        simulator = services.enter_context(RunningSimulatorProcess(home / "simulator", _SONG_SPEED, options=_CREDITS))
        simulator.order_fault(path="/api/v1/generate", method="POST", kind="slow", seconds=SLOW_REPLY, times=None)
        found = None if arguments.sqlite else programs(lambda message: progress.say("postgres", message))
        postgres = services.enter_context(RunningPostgres(home / "database", found)) if found else None
        progress.say("airflow", f"starting on {'PostgreSQL' if postgres else 'SQLite'}")
        airflow = services.enter_context(KeptAirflow(home / "airflow", postgres, simulator.connection_env))
        airflow.wait_for_dags(DAG_ID)
        targets = LocalTargets(airflow)
        killer = Killer(targets, random.Random(arguments.seed), freeing=Kind.SCHEDULER_TO_FREE)
        for number in range(1, arguments.rounds + 1):
            name = f"round {number}"
            before = killer.killed.total()
            killer.plan(targets.plan())
            verdict = Round(airflow, simulator, killer, partial(progress.say, name), arguments.timeout).run()
            progress.say(name, f"over: {killer.killed.total() - before} kills, {len(verdict.violations)} checks failed")
            total.add(verdict)
        (home / "ledger.json").write_text(json.dumps(simulator.ledger(), indent=1))
        found_again = reattached(home)
    total.missing += _missing(total, killer.killed, arguments.rounds)
    database = "PostgreSQL" if postgres else "SQLite"
    print(_table(total, killer.killed, database, time.monotonic() - started, found_again), flush=True)
    return total.violations


def _missing(verdict: Verdict, killed: Counter[str], rounds: int) -> list[str]:
    """Return what the run lacks: enough kills, all songs, and a kill for each task that was lost in the queue."""
    frees = killed[Kind.SCHEDULER_TO_FREE]
    kills = killed.total() - frees
    causes = killed[Kind.SUPERVISOR] + killed[Kind.SCHEDULER] + killed[Kind.SCHEDULER_WITH_ALL]
    too_few = f"only {kills} kills in {rounds} rounds" if kills < _FEWEST_KILLS * rounds else ""
    fewer_songs = f"{verdict.songs} songs and not {SONGS * rounds}" if verdict.songs != SONGS * rounds else ""
    unexplained = (
        f"tasks lost in the queue {frees} times after {causes} kills that can lose one" if frees > causes else ""
    )
    return [what for what in (too_few, fewer_songs, unexplained) if what]


def _table(verdict: Verdict, killed: Counter[str], database: str, seconds: float, found_again: int) -> str:
    rows = [
        ("database", database),
        ("songs", f"{verdict.songs}, in {verdict.tries} tries of their tasks, in {seconds / 60:.1f} minutes"),
        ("kills (SIGKILL)", f"{killed.total() - killed[Kind.SCHEDULER_TO_FREE]}"),
        *((f"  {kind}", f"{killed[kind]}") for kind in Kind if kind is not Kind.SCHEDULER_TO_FREE),
        (f"and {Kind.SCHEDULER_TO_FREE}", f"{killed[Kind.SCHEDULER_TO_FREE]}"),
        *verdict.table(found_again),
    ]
    lines = [f"  {name:<38}{figure}" for name, figure in rows]
    return "\n".join(["", *lines, *(f"FAILED: {violation}" for violation in verdict.violations)])


if __name__ == "__main__":
    sys.exit(main())
