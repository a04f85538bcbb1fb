"""After Ctrl-C at any moment, no process and no file is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests

pytestmark = pytest.mark.airflow

PROJECT = Path(__file__).resolve().parents[2]


def _processes_in(folder: Path) -> list[psutil.Process]:
    """Return processes by their HOME, not by the mark that the tested code uses."""
    found = []
    for process in psutil.process_iter():
        try:
            is_here = process.environ().get("HOME", "").startswith(str(folder))
            if is_here and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


@pytest.fixture
def module() -> str:
    return "demo"


@pytest.fixture
def demo(module: str, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", module],
        cwd=PROJECT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    with process:
        yield process
        process.kill()
    for left in _processes_in(tmp_path):
        left.kill()


@pytest.mark.parametrize(
    ("moment", "number"),
    [
        ("creating its database", signal.SIGINT),
        ("starting api-server", signal.SIGTERM),
        ("waits in the triggerer", signal.SIGINT),
    ],
)
def test_nothing_is_left(demo: subprocess.Popen[str], tmp_path: Path, moment: str, number: signal.Signals) -> None:
    assert demo.stdout is not None
    for line in demo.stdout:
        if moment in line:
            break
    else:
        pytest.fail(f"the demo ended before it said {moment!r}")
    time.sleep(1)
    assert _processes_in(tmp_path), "the search must find the running processes, or the check below proves nothing"
    demo.send_signal(number)
    rest = demo.stdout.read()
    assert demo.wait(60) == 128 + number
    assert f"Ended by {number.name}; nothing is left running." in rest
    assert _processes_in(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("module", ["demo.playground"])
def test_the_playground_stays_open_until_it_is_interrupted(demo: subprocess.Popen[str], tmp_path: Path) -> None:
    assert demo.stdout is not None
    said = ""
    for line in demo.stdout:
        said += line
        if line.startswith("Ctrl-C ends everything."):
            break
    address = said.partition("\nOpen ")[2].split()[0]
    assert requests.get(f"{address}/api/v2/monitor/health", timeout=10).ok
    assert "suno_chain, suno_cover, suno_each_song, suno_extend, suno_jingle" in said
    assert "Connection suno_default: base URL http://127.0.0.1:" in said
    token = requests.get(f"{address}/auth/token", timeout=10).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    listed = requests.get(f"{address}/api/v2/connections", headers=headers, timeout=10).json()["connections"]
    assert [(entry["connection_id"], entry["conn_type"]) for entry in listed] == [
        ("suno_default", "suno"),
        ("suno_kie", "suno"),
    ]
    demo.send_signal(signal.SIGINT)
    demo.stdout.read()
    assert demo.wait(60) == 0
    assert _processes_in(tmp_path) == []
    assert list(tmp_path.iterdir()) == []
