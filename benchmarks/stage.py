"""What a benchmark on a real deployment stands on: a folder, a simulator, PostgreSQL; all gone at the end."""

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

_RICH = ("--credits", "1000000")


class Stage:
    """
    Start what is asked for, once each; all of it ends with the benchmark.

    :param home: an empty folder.
    :param services: what ends them.
    """

    def __init__(self, home: Path, services: ExitStack) -> None:
        self.home = home
        self.services = services
        self.progress = services.enter_context(Progress(silence=20))

    def simulator(self, *options: str, speed: float = 1.0) -> RunningSimulatorProcess:
        """Start a simulator whose songs take as long as real ones, or less; its account has credits enough."""
        simulator = RunningSimulatorProcess(self.home / "simulator", speed, options=(*_RICH, *options))
        return self.services.enter_context(simulator)

    def postgres(self) -> RunningPostgres | None:
        """Start PostgreSQL; None where there is none and none can be installed."""
        found = programs(lambda message: self.progress.say("postgres", message))
        return self.services.enter_context(RunningPostgres(self.home / "database", found)) if found else None


def play(prefix: str, benchmark: Callable[[Stage], list[str]], *, keep: bool = False) -> int:
    """
    Run a benchmark, and leave nothing behind but the logs of one that went wrong.

    :param prefix: of the folder's name.
    :param benchmark: returns a sentence for each thing that must not be.
    :param keep: leave the logs of any.
    :return: the exit code: 0 all is well; 1 something is not; 128 + n ended by signal n.
    """
    stop_on_signals()
    home = Path(tempfile.mkdtemp(prefix=prefix)).resolve()
    home.chmod(0o711)  # PostgreSQL's user passes through
    try:
        with ExitStack() as services:
            wrongs = benchmark(Stage(home, services))
    except Stopped as stopped:
        print(f"\nEnded by {signal.Signals(stopped.number).name}; nothing is left running.", flush=True)
        shutil.rmtree(home, ignore_errors=True)
        return 128 + stopped.number
    except (AirflowNotReadyError, AirflowRestError, ProcessFailedError, ProcessesLeftError) as error:
        wrongs = [f"The benchmark did not work: {error}"]
    for wrong in wrongs:
        print(f"WRONG: {wrong}", file=sys.stderr, flush=True)
    if wrongs or keep:
        print(f"Logs are in {home}", flush=True)
    else:
        shutil.rmtree(home, ignore_errors=True)
    return 1 if wrongs else 0
