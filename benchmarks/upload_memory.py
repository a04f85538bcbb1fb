"""
Measure how much memory an upload takes: ``python -m benchmarks.upload_memory``.

Each size is uploaded by a process of its own, to a simulator in another one; the peak of the resident memory of both
is compared with that of a 1 MB upload.
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

from demo.simulator_process import RunningSimulatorProcess

_MEGABYTE = 1024 * 1024
_SIZES = (1, 10, 60, 100)


def main() -> None:
    """Upload files of several sizes and print a table."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        print(f"{'file':>8} {'time':>8} {'uploader':>16} {'simulator':>16}")
        first: tuple[float, float] | None = None
        for size in _SIZES:
            with RunningSimulatorProcess(home / str(size), speed=1) as simulator:
                [simulator_process] = [process for process in simulator.processes.running() if process.is_running()]
                before = time.monotonic()
                uploader = _upload(home / "sound.wav", size, simulator.connection_env)
                seconds = time.monotonic() - before
                status = Path(f"/proc/{simulator_process.pid}/status").read_text()
            peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024
            first = first or (uploader, peak)
            print(
                f"{size:>5} MB {seconds:>6.1f} s {uploader:>7.1f} MB {uploader - first[0]:>+5.1f} "
                f"{peak:>7.1f} MB {peak - first[1]:>+5.1f}"
            )


def _upload(sound: Path, size: int, connection: dict[str, str]) -> float:
    """Upload a file in a process of its own and return the peak of its resident memory, in MB."""
    sound.write_bytes(b"RIFF" + b"\0" * 60)
    os.truncate(sound, size * _MEGABYTE)
    command = [sys.executable, "-m", "benchmarks.upload_memory", str(sound)]
    done = subprocess.run(command, env={**os.environ, **connection}, capture_output=True, text=True, check=True)
    peak: float = json.loads(done.stdout.splitlines()[-1])
    return peak


def _be_the_uploader(sound: str) -> None:
    from airflow_provider_suno.hooks.suno import SunoHook

    SunoHook().upload_file(sound)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


if __name__ == "__main__":
    _be_the_uploader(sys.argv[1]) if sys.argv[1:] else main()
