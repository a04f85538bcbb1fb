"""Child processes that are always ended: on success, on failure and on Ctrl-C."""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import threading
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Self

import psutil

MARKER = "SUNO_DEMO_PROCESSES"
"""Environment variable that marks our processes. Children inherit it, even those that leave the session."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class ProcessFailedError(RuntimeError):
    """A child process ended too early, or with an error."""


class ProcessesLeftError(RuntimeError):
    """Child processes survived SIGKILL."""


class Processes:
    """
    Start child processes, and end all of them with their descendants.

    Airflow's components start processes that survive their parent and may leave its session. So our processes are
    found by a mark in the environment, which each one inherits, and by descent.

    :param logs: folder that gets one ``<name>.log`` per process.
    :param grace: seconds from SIGTERM to SIGKILL.
    """

    def __init__(self, logs: Path, grace: float = 3.0) -> None:
        self.logs = logs
        self.grace = grace
        self.mark = uuid.uuid4().hex
        self._started: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        self.logs.mkdir(parents=True, exist_ok=True)
        atexit.register(self.end)
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        atexit.unregister(self.end)

    def start(self, name: str, command: Sequence[str], env: Mapping[str, str]) -> Path:
        """
        Start a process in its own session, so that Ctrl-C in the terminal does not reach it.

        A process that has ended can be started again under its name; its log is appended to.

        :param name: its name in messages and of its log file.
        :param command: the program and its arguments.
        :param env: its whole environment.
        :return: the log file with its output.
        """
        log = self.log_file(name)
        # Airflow's processes rename themselves; without SPT_NOENV that would overwrite their environment in
        # /proc, and our mark with it.
        marked = {**env, MARKER: self.mark, "SPT_NOENV": "1"}
        with log.open("ab") as output:
            self._started[name] = subprocess.Popen(
                command,
                env=marked,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return log

    def finished(self, name: str) -> bool:
        """
        Return whether the process has ended without an error.

        :raises ProcessFailedError: it ended with an error.
        """
        code = self._started[name].poll()
        if code is None:
            return False
        if code != 0:
            raise ProcessFailedError(self._exit_report(name, code))
        return True

    def process(self, name: str) -> psutil.Process | None:
        """Return a process that was started, or None if it has ended."""
        started = self._started.get(name)
        return psutil.Process(started.pid) if started is not None and started.poll() is None else None

    def check(self, *names: str) -> None:
        """
        Make sure that these processes are running.

        :raises ProcessFailedError: one is not; the message has the closing lines of its log.
        """
        for name in names:
            code = self._started[name].poll()
            if code is not None:
                raise ProcessFailedError(self._exit_report(name, code))

    def log_file(self, name: str) -> Path:
        """Return where the output of a process goes."""
        return self.logs / f"{name}.log"

    def running(self) -> list[psutil.Process]:
        """Return every process that belongs to us: marked, or a descendant of one we started."""
        ours = {process.pid: process for process in marked_processes(self.mark)}
        for started in self._started.values():
            if started.poll() is None:
                try:
                    itself = psutil.Process(started.pid)
                    # Some, such as Redis, write their title over their environment, and with it over the mark.
                    found = [itself, *itself.children(recursive=True)]
                except psutil.Error:
                    continue
                ours.update({process.pid: process for process in found if _is_alive(process)})
        return list(ours.values())

    def end(self) -> None:
        """
        End every process of ours: politely, then after ``grace`` seconds by force; look that none is left.

        A signal that arrives meanwhile waits: half an end would leave processes behind.

        :raises ProcessesLeftError: some could not be ended.
        """
        with signals_held():
            for process in self.running():
                _send(process, signal.SIGTERM)
            if not self._wait_until_gone(self.grace):
                deadline = time.monotonic() + 10
                while time.monotonic() < deadline:
                    for process in self.running():
                        _send(process, signal.SIGKILL)
                    if self._wait_until_gone(0.5):
                        break
            left = self.running()
        if left:
            raise ProcessesLeftError(f"still running after SIGKILL: {', '.join(map(_describe, left))}")

    def _wait_until_gone(self, seconds: float) -> bool:
        """Wait until two checks in a row find nothing: between fork and exec a process has no mark yet."""
        deadline = time.monotonic() + seconds
        quiet = 0
        while quiet < 2 and time.monotonic() < deadline:
            quiet = 0 if self.running() else quiet + 1
            time.sleep(0.1)
        return quiet >= 2

    def _exit_report(self, name: str, code: int) -> str:
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        log = self.log_file(name)
        return f"{name} {how}. The end of {log}:\n{closing_lines(log)}"


class Service(ABC):
    """
    A service made of child processes. They all end with the ``with`` block, and when one fails to start.

    :param logs: folder that gets one ``<name>.log`` per process.
    """

    def __init__(self, logs: Path) -> None:
        self.processes = Processes(logs)

    def __enter__(self) -> Self:
        self.processes.__enter__()
        try:
            self._start()
        except BaseException:
            self.processes.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.processes.__exit__()

    @abstractmethod
    def _start(self) -> None:
        """Start the processes, and wait until they are ready."""


def marked_processes(mark: str) -> list[psutil.Process]:
    """Return the live processes that have this mark in their environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARKER) == mark and _is_alive(process):
                found.append(process)
        except (psutil.Error, OSError):
            continue  # it has just ended, or belongs to another user
    return found


def closing_lines(log: Path, count: int = 15) -> str:
    """Return the last lines of a text file, indented; a note if there are none."""
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    return "\n".join(f"    {line}" for line in lines[-count:]) or "    (it is empty)"


@contextmanager
def signals_held() -> Iterator[None]:
    """Hold SIGINT, SIGTERM and SIGHUP back during the block, then deliver the last one that arrived."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received: list[int] = []

    def hold(number: int, _frame: FrameType | None) -> None:
        received.append(number)

    before = {number: signal.signal(number, hold) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if received:
            os.kill(os.getpid(), received[-1])


def _is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _send(process: psutil.Process, number: signal.Signals) -> None:
    with suppress(psutil.Error, OSError):  # it may have ended in between
        process.send_signal(number)


def _describe(process: psutil.Process) -> str:
    try:
        return f"{process.pid} ({' '.join(process.cmdline()[:4])})"
    except psutil.Error:
        return str(process.pid)
