"""
Measure what importing costs a Dag file: ``python -m benchmarks.imports``.

Each row is imported by fresh interpreters, on top of ``airflow.sdk``, which every Dag file imports: the floor. The rows
take turns, so that a machine that grows slower or faster does so for all of them. Times are of the imports alone, the
start of the interpreter left out.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.report import parser, publish, table
from demo.surroundings import clean_environment

_FLOOR = "floor: airflow.sdk"
_OURS = "suno: all operators, sensor, trigger"
_ROWS: Mapping[str, Sequence[str]] = {
    _FLOOR: (),
    _OURS: (
        "airflow_provider_suno.operators.music",
        "airflow_provider_suno.operators.persona",
        "airflow_provider_suno.operators.files",
        "airflow_provider_suno.sensors.music_task",
        "airflow_provider_suno.triggers.music_task",
    ),
    "suno: all operators": (
        "airflow_provider_suno.operators.music",
        "airflow_provider_suno.operators.persona",
        "airflow_provider_suno.operators.files",
    ),
    "suno: hook": ("airflow_provider_suno.hooks.suno",),
    "http: all operators": ("airflow.providers.http.operators.http",),
    "openai: all operators": (
        "airflow.providers.openai.operators.openai",
        "airflow.providers.openai.operators.agent",
    ),
    "airbyte: all operators": ("airflow.providers.airbyte.operators.airbyte",),
    "dbt-cloud: all operators": ("airflow.providers.dbt.cloud.operators.dbt",),
}
_HEAVY = ("requests", "aiohttp", "httpx", "fastapi")
_TARGET = 1.03
_FEWEST_RUNS = 15

_CHILD = """
import importlib, json, sys, time
wall, cpu = time.perf_counter(), time.process_time()
for module in ["airflow.sdk", *sys.argv[2:]]:
    importlib.import_module(module)
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
loaded = [name for name in sys.argv[1].split(",") if name in sys.modules]
print(json.dumps({"wall": wall, "cpu": cpu, "rss": int(status["VmRSS"].split()[0]) / 1024, "loaded": loaded}))
"""


@dataclass(frozen=True)
class Import:
    """
    What one interpreter told of its imports.

    :param wall: seconds.
    :param cpu: seconds, of all threads.
    :param rss: resident memory after them, in MiB.
    :param loaded: which of the heavy libraries they loaded.
    """

    wall: float
    cpu: float
    rss: float
    loaded: list[str]


def main() -> None:
    """Import each row many times, and print a table."""
    options = parser("imports", __doc__ or "")
    options.add_argument("--runs", type=int, default=21, help="interpreters per row (default: %(default)s)")
    arguments = options.parse_args()
    publish("imports", _told(measure(arguments.runs)), record=arguments.record)


def measure(runs: int) -> dict[str, list[Import]]:
    """
    Import each row so many times, in turns; a first time, which may write bytecode, does not count.

    :param runs: interpreters per row.
    """
    measured: dict[str, list[Import]] = {name: [] for name in _ROWS}
    with tempfile.TemporaryDirectory() as folder:
        env = {**clean_environment(os.environ, Path(folder)), "AIRFLOW_HOME": folder}
        for name in _ROWS:
            _import(_ROWS[name], env)
        for number in range(runs):
            for name in _ROWS if number % 2 else reversed(list(_ROWS)):
                measured[name].append(_import(_ROWS[name], env))
    return measured


def _import(modules: Sequence[str], env: Mapping[str, str]) -> Import:
    command = [sys.executable, "-c", _CHILD, ",".join(_HEAVY), *modules]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    return Import(**json.loads(done.stdout.splitlines()[-1]))


def _told(measured: Mapping[str, Sequence[Import]]) -> str:
    floor = measured[_FLOOR]
    rows = [_row(name, runs, floor) for name, runs in measured.items()]
    columns = (
        "imported",
        "CPU min, ms",
        "CPU median, ms",
        "CPU min / floor",
        "wall min, ms",
        "wall median, ms",
        "RSS median, MiB",
        "loads beyond the floor",
    )
    runs = len(floor)
    ratio = _least_cpu(measured[_OURS]) / _least_cpu(floor)
    heavy = [name for name in _beyond(measured[_OURS], floor) if name != "httpx"]
    met = ratio <= _TARGET and not heavy
    few = f" (too few to judge by: {_FEWEST_RUNS} at least)" if runs < _FEWEST_RUNS else ""
    how = (
        f"Each row on top of `airflow.sdk`, in {runs} fresh interpreters{few}, in turns; the start of the interpreter "
        f"is left out. Of {', '.join(_HEAVY)}, the floor itself loads {', '.join(floor[0].loaded) or 'none'}."
    )
    verdict = (
        f"Target: all our operator, sensor and trigger modules in at most {_TARGET:g} × the floor's CPU (minimum), "
        f"with none of requests, aiohttp, FastAPI. {'Met' if met else 'Missed'}: {ratio:.3f} ×, "
        f"{', '.join(heavy) or 'none'} loaded."
    )
    return f"{how}\n\n{table(columns, rows)}\n\n{verdict}"


def _row(name: str, runs: Sequence[Import], floor: Sequence[Import]) -> list[object]:
    return [
        name,
        f"{_least_cpu(runs) * 1000:.0f}",
        f"{median(run.cpu for run in runs) * 1000:.0f}",
        f"{_least_cpu(runs) / _least_cpu(floor):.3f}",
        f"{min(run.wall for run in runs) * 1000:.0f}",
        f"{median(run.wall for run in runs) * 1000:.0f}",
        f"{median(run.rss for run in runs):.1f}",
        ", ".join(_beyond(runs, floor)) or None,
    ]


def _least_cpu(runs: Sequence[Import]) -> float:
    return min(run.cpu for run in runs)


def _beyond(runs: Sequence[Import], floor: Sequence[Import]) -> list[str]:
    return [name for name in runs[0].loaded if name not in floor[0].loaded]


if __name__ == "__main__":
    main()
