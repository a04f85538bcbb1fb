"""
Make ``.venv`` or another environment: the project, its dependencies and the developers' tools. Run by the Makefile.

Uses only the standard library. A finished environment has a stamp: a fingerprint of ``pyproject.toml``, the Python
version and the folder. When the stamp differs, or that Python is gone, the environment is made again.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

STAMP = "complete"
LOG = "install.log"
LOCK = "lock"
DEVELOPERS = "dev"

_ALSO = "# also:"


def fingerprint(
    project: Path,
    version: Sequence[int],
    constraints: Path | None = None,
    airflow: str | None = None,
    group: str = DEVELOPERS,
    tools_only: bool = False,
) -> str:
    """
    Return what an environment depends on, as one line.

    :param project: the checkout; an editable installation points into it, so a moved one needs a new
        environment.
    :param version: major and minor version of Python.
    :param constraints: a file of versions to keep to.
    :param airflow: the version of Airflow to use, if not the newest.
    :param group: the dependency group that is installed beside the project.
    :param tools_only: whether that group is installed without the project.
    """
    made_from = (project / "pyproject.toml").read_bytes() + (constraints.read_bytes() if constraints else b"")
    return f"{hashlib.sha256(made_from).hexdigest()} {version[0]}.{version[1]} {airflow} {group} {tools_only} {project}"


def is_complete(venv: Path, wanted: str) -> bool:
    """
    Return whether the environment can be used as it is.

    :param venv: its folder.
    :param wanted: the fingerprint that its stamp should have.
    """
    try:
        stamped = (venv / STAMP).read_text().strip()
    except OSError:
        return False
    if stamped != wanted:
        return False
    # The Python that it was made from may have been upgraded or removed since.
    try:
        check = subprocess.run([venv / "bin" / "python", "-c", ""], check=False, capture_output=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return check.returncode == 0


def make(
    project: Path,
    venv: Path,
    wanted: str,
    constraints: Path | None = None,
    airflow: str | None = None,
    group: str = DEVELOPERS,
    tools_only: bool = False,
) -> None:
    """
    Make the environment from scratch; write the stamp last.

    :param project: the checkout.
    :param venv: folder of the environment; its content is deleted, except the lock.
    :param wanted: the fingerprint for the stamp.
    :param constraints: a file of versions to keep to. The distributions that its ``# also:`` lines name are
        installed too.
    :param airflow: the version of Airflow to use, if not the newest.
    :param group: the dependency group to install beside the project.
    :param tools_only: whether to install that group without the project.
    :raises SystemExit: a step failed; its whole output has been printed.
    """
    for old in venv.iterdir():
        if old.name != LOCK:
            shutil.rmtree(old) if old.is_dir() and not old.is_symlink() else old.unlink()
    (venv / ".gitignore").write_text("*\n")
    log = venv / LOG
    python = str(venv / "bin" / "python")
    print(f"Setting up {venv} with Python {sys.version.split()[0]} (once; one to three minutes)", flush=True)
    started = time.monotonic()
    _step([sys.executable, "-m", "venv", str(venv)], project, log)
    pip = [python, "-m", "pip", "--no-input", "install", "--progress-bar", "off"]
    _step([*pip, "--upgrade", "pip"], project, log)
    chosen = ["--constraint", str(constraints), *_also(constraints)] if constraints else []
    chosen += [f"apache-airflow=={airflow}"] if airflow else []
    chosen += [] if tools_only else ["--editable", "."]
    _step([*pip, "--no-compile", *chosen, "--group", group], project, log)
    # On all cores, unlike pip. A file for another Python, which cannot be compiled, matters to nobody.
    _step([python, "-m", "compileall", "-q", "-j", "0", str(venv / "lib")], project, log, may_fail=True)
    (venv / STAMP).write_text(wanted + "\n")
    print(f"  ready after {time.monotonic() - started:.0f} s", flush=True)


def _also(constraints: Path) -> list[str]:
    marked = [line for line in constraints.read_text().splitlines() if line.startswith(_ALSO)]
    return [line.removeprefix(_ALSO).strip() for line in marked]


def _step(command: list[str], project: Path, log: Path, *, may_fail: bool = False) -> None:
    """Run a command, write its output to the log, and print the log's last line every few seconds."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, cwd=project, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
    shown = started = time.monotonic()
    try:
        while process.poll() is None:
            time.sleep(0.2)
            if time.monotonic() - shown > 4:
                shown = time.monotonic()
                print(f"  {shown - started:3.0f} s  {_last_line(log)}", flush=True)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
    if process.returncode and not may_fail:
        print(log.read_text(errors="replace"))
        sys.exit(f"{' '.join(command[1:])} failed with exit code {process.returncode}. Its output is above.")


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    return lines[-1].strip()[:100] if lines else "..."


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Wait while another ``make`` in the same checkout sets up the environment."""
    lock.parent.mkdir(exist_ok=True)
    with lock.open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print("Another make is setting up the environment; waiting for it", flush=True)
            fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _stop(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def main() -> None:
    """Make the environment unless it is complete."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    parser = argparse.ArgumentParser(description="Make the development environment unless it is complete.")
    parser.add_argument("--venv", default=".venv", help="its folder in the project (default: .venv)")
    parser.add_argument("--constraints", help="a file of versions to keep to")
    parser.add_argument("--airflow", help="the version of Airflow to use (default: the newest)")
    parser.add_argument("--group", default=DEVELOPERS, help=f"the tools to install (default: {DEVELOPERS})")
    parser.add_argument("--tools-only", action="store_true", help="install these without the project")
    arguments = parser.parse_args()
    project = Path(__file__).resolve().parent.parent
    venv = project / arguments.venv
    constraints = project / arguments.constraints if arguments.constraints else None
    chosen = (constraints, arguments.airflow, arguments.group, arguments.tools_only)
    wanted = fingerprint(project, sys.version_info[:2], *chosen)
    if is_complete(venv, wanted):
        return
    with _alone(venv / LOCK):
        if not is_complete(venv, wanted):
            make(project, venv, wanted, *chosen)


if __name__ == "__main__":
    main()
