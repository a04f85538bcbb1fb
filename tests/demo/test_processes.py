"""All child processes are ended, and an error quotes the end of the log."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from demo.processes import (
    MARKER,
    Processes,
    ProcessFailedError,
    closing_lines,
    marked_processes,
    signals_held,
)

STUBBORN = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()  # away from the parent's session and process group, as a daemon
    if os.fork() == 0:
        print("ready", flush=True)
        time.sleep(600)
    os._exit(0)
time.sleep(600)
"""

RENAMED = """
import setproctitle, time
setproctitle.setproctitle("x" * 3000)
print("ready", flush=True)
time.sleep(600)
"""


MARKLESS = """
import os, sys
os.execve(sys.executable, [sys.executable, "-c", "import time; print('ready', flush=True); time.sleep(600)"], {})
"""


def _env() -> dict[str, str]:
    return {"PATH": os.environ["PATH"]}


def _start(processes: Processes, name: str, code: str) -> Path:
    return processes.start(name, [sys.executable, "-c", code], _env())


def _wait_for(text: str, log: Path) -> None:
    deadline = time.monotonic() + 30
    while text not in log.read_text():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.02)


def test_processes_that_ignore_sigterm_and_leave_the_session_are_ended(tmp_path: Path) -> None:
    with Processes(tmp_path, grace=0.5) as processes:
        _wait_for("ready", _start(processes, "family", STUBBORN))
        family = processes.running()
        assert len(family) == 2
        assert len({os.getsid(member.pid) for member in family}) == 2
    assert not [member for member in family if member.is_running() and member.status() != psutil.STATUS_ZOMBIE]
    assert not marked_processes(processes.mark)


def test_a_process_that_renames_itself_keeps_its_mark(tmp_path: Path) -> None:
    with Processes(tmp_path, grace=0.5) as processes:
        _wait_for("ready", _start(processes, "renamed", RENAMED))
        assert [found.environ()[MARKER] for found in marked_processes(processes.mark)] == [processes.mark]


def test_a_process_that_loses_its_mark_is_ended(tmp_path: Path) -> None:
    with Processes(tmp_path, grace=0.5) as processes:
        _wait_for("ready", _start(processes, "markless", MARKLESS))
        assert not marked_processes(processes.mark)
        (markless,) = processes.running()
    assert not markless.is_running() or markless.status() == psutil.STATUS_ZOMBIE


def test_they_are_ended_when_the_block_fails(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), Processes(tmp_path, grace=0.5) as processes:
        _wait_for("ready", _start(processes, "family", STUBBORN))
        raise KeyboardInterrupt
    assert not marked_processes(processes.mark)


def test_the_processes_of_others_stay(tmp_path: Path) -> None:
    with Processes(tmp_path / "ours", grace=0.5) as ours, Processes(tmp_path / "theirs", grace=0.5) as theirs:
        _start(theirs, "sleeper", "import time; time.sleep(600)")
        ours.end()
        theirs.check("sleeper")


def test_an_error_quotes_the_last_lines_of_a_dead_process(tmp_path: Path) -> None:
    with Processes(tmp_path, grace=0.5) as processes:
        _start(processes, "broken", "import sys; print('no such table'); sys.exit(3)")
        with pytest.raises(ProcessFailedError) as failure:
            while not processes.finished("broken"):
                time.sleep(0.02)
        with pytest.raises(ProcessFailedError):
            processes.check("broken")
    assert str(failure.value) == f"broken ended with exit code 3. The end of {tmp_path}/broken.log:\n    no such table"


def test_an_error_names_the_signal_of_a_killed_process(tmp_path: Path) -> None:
    with Processes(tmp_path, grace=0.5) as processes:
        _start(processes, "victim", "import os; os.kill(os.getpid(), 9)")
        with pytest.raises(ProcessFailedError, match=r"^victim was killed by signal 9\."):
            while not processes.finished("victim"):
                time.sleep(0.02)


def test_a_signal_is_held_until_the_end_of_the_block() -> None:
    # A shell lets what it runs in the background ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    steps = []
    with pytest.raises(KeyboardInterrupt):
        with signals_held():
            os.kill(os.getpid(), signal.SIGINT)
            steps.append("the body continued")
        steps.append("never")
    assert steps == ["the body continued"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_closing_lines_of_a_missing_file(tmp_path: Path) -> None:
    assert closing_lines(tmp_path / "missing.log") == "    (it is empty)"
