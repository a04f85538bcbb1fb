"""
Run a real Airflow with all example Dags on the simulator, and leave its UI open until Ctrl-C.

Exit codes: 0 ended by Ctrl-C; 1 something did not start or broke; 128 + n ended by another signal n.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from demo.__main__ import DAGS_FOLDER
from demo.airflow_process import AirflowNotReadyError, RunningAirflow
from demo.airflow_rest import AirflowRestError
from demo.interruption import Stopped, stop_on_signals
from demo.processes import ProcessesLeftError, ProcessFailedError
from demo.progress import Progress
from demo.simulator_process import RunningSimulatorProcess

_CHECK_INTERVAL = 2.0


def main(argv: list[str] | None = None) -> int:
    """
    Run the playground.

    :param argv: arguments; those of the process if not given.
    :return: the exit code.
    """
    parser = argparse.ArgumentParser(prog="python -m demo.playground", description="Airflow, the examples, no key.")
    parser.add_argument("--speed", type=float, default=10, help="how much faster songs are made (default: 10)")
    arguments = parser.parse_args(argv)
    stop_on_signals()
    home = Path(tempfile.mkdtemp(prefix="suno-playground-")).resolve()
    try:
        _play(home, arguments.speed)
    except Stopped as stopped:
        print("Ended; nothing is left running.", flush=True)
        return 0 if stopped.number == signal.SIGINT else 128 + stopped.number
    except (AirflowNotReadyError, AirflowRestError, ProcessFailedError, ProcessesLeftError) as error:
        print(f"\nThe playground FAILED: {error}", file=sys.stderr, flush=True)
        return 1
    finally:
        shutil.rmtree(home, ignore_errors=True)
    return 1


def _play(home: Path, speed: float) -> None:
    with ExitStack() as services:
        with Progress() as progress:
            simulator = services.enter_context(RunningSimulatorProcess(home, speed))
            # Another host, since that of suno_default has no voices.
            kie = RunningSimulatorProcess(home / "kie", speed, options=["--profile", "kie"])
            services.enter_context(kie)
            progress.say(
                "simulator", f"simulates the Suno API at {simulator.url}; songs take 1/{speed:g} of the real time"
            )
            airflow = RunningAirflow(
                home=home,
                dags_folder=DAGS_FOLDER,
                env={"AIRFLOW__CORE__TEST_CONNECTION": "Enabled"},
                say=lambda message: progress.say("airflow", message),
            )
            services.enter_context(airflow)
            # Not an environment variable: the UI lists only stored connections.
            airflow.rest.create_connection("suno_default", simulator.connection, simulator.port)
            airflow.rest.create_connection("suno_kie", kie.connection, kie.port)
            dag_ids = sorted(path.stem for path in DAGS_FOLDER.glob("*.py"))
            airflow.wait_for_dags(*dag_ids)
        print(
            f"\nOpen {airflow.url} (no login). Its Dags: {', '.join(dag_ids)}.\n"
            f"Connection suno_default: base URL {simulator.url} (the simulator), API key {simulator.api_key}.\n"
            f"Connection suno_kie: {kie.url}, simulates kie.ai, which has voices.\n"
            f"See and test them under Admin -> Connections: {airflow.url}/connections\n"
            f"Requests and charges: {simulator.url}/_sim/ledger\n"
            "Ctrl-C ends everything.",
            flush=True,
        )
        while True:
            time.sleep(_CHECK_INTERVAL)
            airflow.check()
            simulator.check()
            kie.check()


if __name__ == "__main__":
    sys.exit(main())
