"""The environment of a benchmark on a real deployment: a folder, a simulator, PostgreSQL; removed at the end."""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from demo.airflow_process import AirflowNotReadyError
from demo.airflow_rest import AirflowRestError
from demo.interruption import Stopped, stop_on_signals
from demo.processes import ProcessesLeftError, ProcessFailedError
from demo.progress import Progress
from demo.simulator_process import RunningSimulatorProcess
from reliability.postgres import RunningPostgres, programs

_CREDITS = ("--credits", "1000000")


class Testbed:
    """
    Start the requested services, once each; all of them end with the benchmark.

    :param home: an empty folder.
    :param services: ends them.
    """

    def __init__(self, home: Path, services: ExitStack) -> None:
        self.home = home
        self.services = services
        self.progress = services.enter_context(Progress(silence=20))

    def simulator(self, *options: str, speed: float = 1.0) -> RunningSimulatorProcess:
        """Start a simulator; by default its songs take as long as real ones. Its account has enough credits."""
        simulator = RunningSimulatorProcess(self.home / "simulator", speed, options=(*_CREDITS, *options))
        return self.services.enter_context(simulator)

    def postgres(self) -> RunningPostgres | None:
        """Start PostgreSQL; None if it is not installed and cannot be."""
        found = programs(lambda message: self.progress.say("postgres", message))
        return self.services.enter_context(RunningPostgres(self.home / "database", found)) if found else None


def run(prefix: str, benchmark: Callable[[Testbed], list[str]], *, keep: bool = False) -> int:
    """
    Run a benchmark, and remove its folder unless it failed.

    :param prefix: of the folder's name.
    :param benchmark: returns one sentence per failed check.
    :param keep: keep the folder in any case.
    :return: the exit code: 0 every check passed; 1 one failed; 128 + n ended by signal n.
    """
    stop_on_signals()
    home = Path(tempfile.mkdtemp(prefix=prefix)).resolve()
    home.chmod(0o711)  # PostgreSQL's user must be able to enter it
    try:
        with ExitStack() as services:
            wrongs = benchmark(Testbed(home, services))
    except Stopped as stopped:
        print(f"\nEnded by {signal.Signals(stopped.number).name}; nothing is left running.", flush=True)
        shutil.rmtree(home, ignore_errors=True)
        return 128 + stopped.number
    except (AirflowNotReadyError, AirflowRestError, ProcessFailedError, ProcessesLeftError) as error:
        wrongs = [f"The benchmark could not run: {error}"]
    for wrong in wrongs:
        print(f"FAILED: {wrong}", file=sys.stderr, flush=True)
    if wrongs or keep:
        print(f"Logs are in {home}", flush=True)
    else:
        shutil.rmtree(home, ignore_errors=True)
    return 1 if wrongs else 0
