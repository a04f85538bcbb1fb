"""
Run a program in namespaces of its own, so that nothing of it can outlive it.

Its processes, network and mounts are the kernel's to remove: they end with the first process of the namespaces, however
that one ends. Two runs beside each other do not see each other.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType

_MARK = "SUNO_CLUSTER_CONFINED"
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PROGRAMS = ("unshare", "setpriv", "ip", "mount")
# The first process of a PID namespace. `--kill-child` and `--pdeathsig` make each end when the one before it does.
_PREFIX = (
    *("setpriv", "--pdeathsig", "KILL"),
    *("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"),
)


def confined() -> bool:
    """Return whether this process already runs in namespaces of its own."""
    return os.environ.get(_MARK) == "1"


def possible() -> str | None:
    """Return why namespaces cannot be made here; None if they can."""
    if os.geteuid() != 0:
        return "namespaces need root"
    missing = [program for program in _PROGRAMS if shutil.which(program) is None]
    if missing:
        return f"{', '.join(missing)} is not installed"
    tried = subprocess.run(
        [*_PREFIX, "ip", "link", "add", "name", "tried", "type", "bridge"], check=False, capture_output=True, text=True
    )
    return f"this machine does not allow it: {tried.stderr.strip()}" if tried.returncode else None


def run_confined(arguments: Sequence[str]) -> int:
    """
    Run a Python module in namespaces of its own, to its end. Signals are passed on to it.

    :param arguments: the module and its arguments, as after ``python -m``.
    :return: its exit code.
    """
    command = [*_PREFIX, sys.executable, "-m", __name__, *arguments]
    with subprocess.Popen(command, env={**os.environ, _MARK: "1"}, start_new_session=True) as process:
        _pass_signals_on(process.pid, group=True)
        return _exit_code(process.wait())


def _first_process(command: Sequence[str]) -> int:
    """Be the first process of the namespaces: start the program, and reap what is left to us, until it ends."""
    subprocess.run(("ip", "link", "set", "lo", "up"), check=True)
    # Named network namespaces are files in there; these go with the mount.
    subprocess.run(("mount", "-t", "tmpfs", "tmpfs", "/run"), check=True)
    program = subprocess.Popen([sys.executable, "-m", *command])
    _pass_signals_on(program.pid)
    while True:
        pid, status = os.wait()
        if pid == program.pid:
            return _exit_code(os.waitstatus_to_exitcode(status))


def _pass_signals_on(pid: int, *, group: bool = False) -> None:
    def pass_on(number: int, _frame: FrameType | None) -> None:
        with suppress(ProcessLookupError):
            (os.killpg if group else os.kill)(pid, number)

    for number in _SIGNALS:
        signal.signal(number, pass_on)


def _exit_code(code: int) -> int:
    return 128 - code if code < 0 else code


if __name__ == "__main__":
    sys.exit(_first_process(sys.argv[1:]))
