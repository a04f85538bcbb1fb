"""
Kill and cut parts of an Airflow on Celery while it makes songs, and compare it with the service's ledger.

Exit codes: 0 every check passed; 1 a check failed, or the test could not run; 128 + n ended by signal n.
"""

from __future__ import annotations

import argparse
import secrets
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from demo.airflow_process import AirflowNotReadyError
from demo.airflow_rest import AirflowRestError
from demo.interruption import Stopped, stop_on_signals
from demo.processes import ProcessesLeftError, ProcessFailedError
from reliability.cluster import confinement
from reliability.cluster.programs import programs
from reliability.cluster.report import report
from reliability.cluster.run import Results, run
from reliability.cluster.scenarios import ALL, SCENARIOS


def main(argv: list[str] | None = None) -> int:
    """
    Run the cluster test, in namespaces of its own if this machine allows it.

    :param argv: arguments; those of the process if not given.
    :return: the exit code.
    """
    argv = sys.argv[1:] if argv is None else argv
    arguments = _parser().parse_args(argv)
    if arguments.home is not None:
        return _run(arguments.home, arguments)
    refused = "--ports was given" if arguments.ports else confinement.possible()
    if refused:
        print(f"Without network namespaces ({refused}): all parts are on one address. Cuts are skipped.", flush=True)
    print(f"Songs on a real Airflow on Celery (--seed {arguments.seed}). No key is needed.", flush=True)
    # Here, because there is no way to the packages from inside.
    missing = [package for package, program in programs(print).items() if program is None]
    if missing:
        print(f"The cluster test could not run: {', '.join(missing)} cannot be found or installed", file=sys.stderr)
        return 1
    home = Path(tempfile.mkdtemp(prefix="suno-cluster-")).resolve()
    home.chmod(0o711)  # PostgreSQL's user must be able to enter it
    code = 1
    try:
        seeded = [*argv, "--seed", f"{arguments.seed}"]
        code = _run(home, arguments) if refused else _run_confined(home, seeded)
    finally:
        if arguments.keep or code == 1:
            print(f"Logs and ledgers are in {home}", flush=True)
        else:
            shutil.rmtree(home, ignore_errors=True)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m reliability.cluster", description="kill and cut an Airflow on Celery; count charges."
    )
    parser.add_argument(
        "--rounds", type=int, default=1, help="rounds of sixty songs and up to twelve kills (default: 1)"
    )
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6), help="makes the choices repeatable")
    parser.add_argument("--timeout", type=float, default=300, help="seconds after the last kill (default: 300)")
    parser.add_argument(
        "--scenario",
        nargs="+",
        default=[],
        choices=[*SCENARIOS, ALL],
        metavar="NAME",
        help=f"instead of kills: {', '.join(SCENARIOS)}, or all",
    )
    parser.add_argument("--ports", action="store_true", help="use no namespaces, even as root")
    parser.add_argument("--keep", action="store_true", help="keep the logs and the ledger")
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    return parser


def _run_confined(home: Path, argv: list[str]) -> int:
    return confinement.run_confined(["reliability.cluster", *argv, "--home", str(home)])


def _run(home: Path, arguments: argparse.Namespace) -> int:
    stop_on_signals()
    results = Results()
    try:
        run(home, arguments, results)
    except Stopped as stopped:
        print(f"\nEnded by {signal.Signals(stopped.number).name}; nothing is left running.", flush=True)
        return 128 + stopped.number
    except (AirflowNotReadyError, AirflowRestError, ProcessFailedError, ProcessesLeftError) as error:
        print(f"\nThe cluster test could not run: {error}", file=sys.stderr, flush=True)
        return 1
    finally:
        print(report(results), flush=True)
    return 1 if results.violations else 0


if __name__ == "__main__":
    sys.exit(main())
