"""
Run the chain on a real Airflow and the simulator, and compare what both say of it.

Exit codes: 0 everything worked and all figures agree; 1 something failed or two figures disagree; 128 + n
ended by signal n.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from demo.account import ChainRun, account, disagreements
from demo.airflow_process import AirflowNotReadyError, RunningAirflow
from demo.airflow_rest import AirflowRestError, TaskState
from demo.interruption import Stopped, stop_on_signals
from demo.processes import ProcessesLeftError, ProcessFailedError
from demo.progress import Progress
from demo.simulator_process import RunningSimulatorProcess

DAG_ID = "suno_chain"
_ROOT = Path(__file__).resolve().parent.parent
DAGS_FOLDER = _ROOT / "example_dags"
SONGS = _ROOT / "build" / "songs"
"""Where the songs are kept; it outlives the demo."""

RUN_TIMEOUT = 300.0
"""Seconds until the run must have ended."""

_WORDS = {
    "queued": "waits for a worker",
    "running": "runs in a worker",
    "deferred": "waits in the triggerer and holds no worker",
    "success": "done",
    "failed": "FAILED",
    "up_for_retry": "failed; Airflow will retry it",
    "upstream_failed": "not run: an upstream task failed",
}


class DemoFailedError(Exception):
    """The chain failed, or its figures are wrong; the message says which."""


def main(argv: list[str] | None = None) -> int:
    """
    Run the demo.

    :param argv: arguments; those of the process if not given.
    :return: the exit code.
    """
    parser = argparse.ArgumentParser(prog="python -m demo", description="Run the example suno_chain on a real Airflow.")
    parser.add_argument("--speed", type=float, default=10, help="how much faster songs are made (default: 10)")
    parser.add_argument("--keep", action="store_true", help="keep the logs and the database")
    arguments = parser.parse_args(argv)
    stop_on_signals()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    home = Path(tempfile.mkdtemp(prefix="suno-demo-")).resolve()
    keep = arguments.keep
    try:
        _demonstrate(home, arguments.speed)
    except Stopped as stopped:
        print(f"\nEnded by {signal.Signals(stopped.number).name}; nothing is left running.", flush=True)
        return 128 + stopped.number
    except (
        DemoFailedError,
        AirflowNotReadyError,
        AirflowRestError,
        ProcessFailedError,
        ProcessesLeftError,
    ) as error:
        more = "; what a task's own log lacks is in processes/scheduler.log"
        print(f"\nThe demo FAILED: {error}\n\nLogs are kept in {home}{more}", file=sys.stderr, flush=True)
        keep = True
        return 1
    except Exception as error:
        print(f"\nThe demo FAILED: {error!r}. Logs are kept in {home}", file=sys.stderr, flush=True)
        keep = True
        raise
    finally:
        if not keep:
            shutil.rmtree(home, ignore_errors=True)
    if keep:
        print(f"Logs and database are in {home}")
    return 0


def _demonstrate(home: Path, speed: float) -> None:
    print("generate -> wait -> persona -> again -> wait_again, on a real Airflow and the simulator. No key is needed.")
    print("Polls are timed for real songs of one to three minutes, so the end of these short ones is noticed late.\n")
    with Progress() as progress:
        progress.say("simulator", "starting")
        with RunningSimulatorProcess(home, speed) as simulator:
            progress.say(
                "simulator", f"simulates the Suno API at {simulator.url}; songs take 1/{speed:g} of the real time"
            )
            airflow = RunningAirflow(
                home=home,
                dags_folder=DAGS_FOLDER,
                env=simulator.connection_env,
                say=lambda message: progress.say("airflow", message),
            )
            with airflow:
                run, before, after = _run_chain(airflow, simulator, progress)
                problems = [*_problems(run, before, after, simulator), *_damaged(run)]
            progress.say("simulator", "ending")
    if problems:
        raise DemoFailedError("Airflow and the simulator disagree.\n  " + "\n  ".join(problems))
    print(f"\n{account(run, before, after)}")
    print("\nChecked: Airflow's XComs and the simulator's ledger agree, each song is charged once, all tracks play.")
    print("\nThe tracks are kept, and can be played:")
    for file in run.files:
        print(f"  {file['uri'].removeprefix('file://')}")
    print("\nAirflow and the simulator have ended. To open Airflow's UI, run `make playground`.")


def _run_chain(
    airflow: RunningAirflow, simulator: RunningSimulatorProcess, progress: Progress
) -> tuple[ChainRun, dict[str, Any], dict[str, Any]]:
    progress.say("airflow", "all components are healthy; reading the Dag files")
    airflow.wait_for_dags(DAG_ID)
    before = simulator.ledger()
    run_id = airflow.rest.trigger(DAG_ID, {"folder": str(SONGS)})
    progress.say(DAG_ID, f"run {run_id}")
    shown: dict[str, str] = {}
    last: dict[str, TaskState] = {}
    for changed in airflow.follow(DAG_ID, run_id, RUN_TIMEOUT):
        for task in changed:
            last[task.label] = task
            if task.state in _WORDS:
                progress.say(task.label, _WORDS[task.state])
        for song, status in _status_changes(simulator.ledger(), shown):
            progress.note("simulator", f"{song} is {status}")
    if airflow.rest.run_state(DAG_ID, run_id) != "success":
        raise DemoFailedError(_failure_report(airflow, run_id, last))
    run = ChainRun.read(lambda task_id, key: airflow.rest.xcom(DAG_ID, run_id, task_id, key))
    return run, before, simulator.ledger()


def _status_changes(ledger: dict[str, Any], shown: dict[str, str]) -> Iterator[tuple[str, str]]:
    for number, song in enumerate(ledger["songs"], start=1):
        if shown.get(song["music_task_id"]) != song["status"]:
            shown[song["music_task_id"]] = song["status"]
            yield f"song {number}", song["status"]


def _problems(
    run: ChainRun, before: dict[str, Any], after: dict[str, Any], simulator: RunningSimulatorProcess
) -> list[str]:
    try:
        return [*disagreements(run, before, after), *_unplayable(run, simulator)]
    except (LookupError, TypeError, AttributeError) as error:
        raise DemoFailedError(f"an XCom has an unexpected shape ({error!r}): {run}") from error


def _unplayable(run: ChainRun, simulator: RunningSimulatorProcess) -> Iterator[str]:
    for song in (run.first, run.second):
        for track in song.music_task["tracks"]:
            found = simulator.media_type(track["audio_url"])
            if not found.startswith("audio/"):
                yield f"{track['audio_url']} does not play: {found}"


def _damaged(run: ChainRun) -> Iterator[str]:
    """Yield what is wrong with the files that were kept."""
    for file in run.files:
        path = Path(file["uri"].removeprefix("file://"))
        if not path.is_file() or sha256(path.read_bytes()).hexdigest() != file["sha256"]:
            yield f"{path} is not what its task kept"


def _failure_report(airflow: RunningAirflow, run_id: str, last: dict[str, TaskState]) -> str:
    lines = [f"the run {run_id} of {DAG_ID} did not succeed."]
    for task in (task for task in last.values() if task.state == "failed"):
        log = airflow.rest.task_log(DAG_ID, run_id, task.task_id, task.try_number, task.map_index)
        closing = "\n".join(f"    {line}" for line in log.splitlines()[-15:])
        lines.append(f"The end of the log of {task.label}:\n{closing}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
