"""
Measure how much memory an upload takes: ``python -m benchmarks.upload_memory``.

Each size is uploaded by its own process, to a simulator in another one. The peak of the resident memory of both is
compared with that of a 1 MiB upload.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.report import parser, publish, table
from demo.simulator_process import RunningSimulatorProcess

_SIZES = (1, 10, 60, 100)
_COLUMNS = (
    "file (MiB)",
    "time (s)",
    "uploader's peak (MiB)",
    "over that of the first",
    "simulator's peak (MiB)",
    "over it",
)


def main() -> None:
    """Upload files of several sizes and print a table."""
    options = parser("upload_memory", __doc__ or "")
    options.add_argument("--file", help="used internally: upload this file, and print the peak memory")
    arguments = options.parse_args()
    if arguments.file is not None:
        _upload_and_print_peak(arguments.file)
        return
    rows: list[list[float]] = []
    with tempfile.TemporaryDirectory() as folder:
        for size in _SIZES:
            seconds, uploader, simulator = _upload(Path(folder), size)
            first = rows[0] if rows else [0.0, 0.0, uploader, 0.0, simulator]
            rows.append([size, seconds, uploader, uploader - first[2], simulator, simulator - first[4]])
    publish("uploads", table(_COLUMNS, rows), record=arguments.record)


def _upload(home: Path, size: int) -> tuple[float, float, float]:
    """Upload a file of so many MiB; return the seconds, and the peaks of both processes in MiB."""
    sound = home / "sound.wav"
    sound.write_bytes(b"RIFF" + b"\0" * 60)
    os.truncate(sound, size * 2**20)
    with RunningSimulatorProcess(home / str(size), speed=1) as simulator:
        [process] = [process for process in simulator.processes.running() if process.is_running()]
        command = [sys.executable, "-m", "benchmarks.upload_memory", "--file", str(sound)]
        env = {**os.environ, **simulator.connection_env}
        before = time.monotonic()
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
        seconds = time.monotonic() - before
        status = Path(f"/proc/{process.pid}/status").read_text()
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024
    return seconds, float(json.loads(done.stdout.splitlines()[-1])), peak


def _upload_and_print_peak(sound: str) -> None:
    from airflow_provider_suno.hooks.suno import SunoHook

    SunoHook().upload_file(sound)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


if __name__ == "__main__":
    main()
