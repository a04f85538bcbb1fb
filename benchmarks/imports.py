"""
Measure what importing costs a Dag file: ``python -m benchmarks.imports``.

Each row is imported by new interpreters, on top of ``airflow.sdk``, which every Dag file imports: the floor. The rows
are measured alternately, so that a change of the machine's speed affects all of them. Times are of the imports only,
without the interpreter's start. The floor is measured in the same process as the row: it varies between processes by
more than a row adds.
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
    "airflow: what it loads plugins with": ("airflow.plugins_manager",),
    "suno: the same and both plugins": (
        "airflow.plugins_manager",
        "airflow_provider_suno.plugins.callback_receiver",
        "airflow_provider_suno.plugins.player.player_plugin",
    ),
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
def clocks():
    return time.perf_counter(), time.process_time()
started = clocks()
import airflow.sdk
floor = clocks()
for module in sys.argv[2:]:
    importlib.import_module(module)
ended = clocks()
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
loaded = [name for name in sys.argv[1].split(",") if name in sys.modules]
print(json.dumps({
    "floor_wall": floor[0] - started[0], "floor_cpu": floor[1] - started[1],
    "wall": ended[0] - floor[0], "cpu": ended[1] - floor[1],
    "rss": int(status["VmRSS"].split()[0]) / 1024, "loaded": loaded,
}))
"""


@dataclass(frozen=True)
class Import:
    """
    The imports of one interpreter.

    :param floor_wall: seconds that the floor took.
    :param floor_cpu: the same in CPU time, of all threads.
    :param wall: seconds that the row took on top of it.
    :param cpu: the same in CPU time.
    :param rss: resident memory at the end, in MiB.
    :param loaded: which of the heavy libraries are loaded then.
    """

    floor_wall: float
    floor_cpu: float
    wall: float
    cpu: float
    rss: float
    loaded: list[str]


def main() -> None:
    """Import each row many times, and print a table."""
    options = parser("imports", __doc__ or "")
    options.add_argument("--runs", type=int, default=21, help="interpreters per row (default: %(default)s)")
    arguments = options.parse_args()
    publish("imports", _text(measure(arguments.runs)), record=arguments.record)


def measure(runs: int) -> dict[str, list[Import]]:
    """
    Import each row several times, alternately; the first time, which may write bytecode, does not count.

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


def _text(measured: Mapping[str, Sequence[Import]]) -> str:
    every = [run for runs in measured.values() for run in runs]
    least, usual = min(run.floor_cpu for run in every), median(run.floor_cpu for run in every)
    wall = sorted(run.floor_wall for run in every)
    floor = measured[_FLOOR]
    rows = [_row(name, runs, floor, least) for name, runs in measured.items() if name != _FLOOR]
    columns = (
        "imported",
        "CPU added min, ms",
        "CPU added median, ms",
        "CPU with the floor / floor",
        "wall added min, ms",
        "wall added median, ms",
        "RSS median, MiB",
        "loads beyond the floor",
    )
    runs = len(floor)
    ratio = _ratio(measured[_OURS], least)
    heavy = [name for name in _beyond(measured[_OURS], floor) if name != "httpx"]
    few = f" (too few: at least {_FEWEST_RUNS} are needed)" if runs < _FEWEST_RUNS else ""
    how = (
        f"What each row adds to `airflow.sdk`, in {runs} new interpreters{few}, measured alternately. "
        f"The floor, in all of them: {least * 1000:.0f} ms of CPU at least, {usual * 1000:.0f} in the median; wall "
        f"{wall[0] * 1000:.0f} and {median(wall) * 1000:.0f} ms; "
        f"RSS {median(run.rss for run in floor):.1f} MiB; of {', '.join(_HEAVY)} it loads "
        f"{', '.join(floor[0].loaded) or 'none'}. The ratio is that of the minima."
    )
    verdict = (
        f"Target: all our operator, sensor and trigger modules in at most {_TARGET:g} × the floor's CPU (minimum), "
        f"with none of requests, aiohttp, FastAPI. {'Missed' if heavy or ratio > _TARGET else 'Met'}: {ratio:.3f} ×, "
        f"{', '.join(heavy) or 'none'} loaded."
    )
    return f"{how}\n\n{table(columns, rows)}\n\n{verdict}"


def _row(name: str, runs: Sequence[Import], floor: Sequence[Import], least: float) -> list[object]:
    return [
        name,
        f"{min(run.cpu for run in runs) * 1000:.1f}",
        f"{median(run.cpu for run in runs) * 1000:.1f}",
        f"{_ratio(runs, least):.3f}",
        f"{min(run.wall for run in runs) * 1000:.1f}",
        f"{median(run.wall for run in runs) * 1000:.1f}",
        f"{median(run.rss for run in runs):.1f}",
        ", ".join(_beyond(runs, floor)) or None,
    ]


def _ratio(runs: Sequence[Import], least: float) -> float:
    return 1 + min(run.cpu for run in runs) / least


def _beyond(runs: Sequence[Import], floor: Sequence[Import]) -> list[str]:
    return [name for name in runs[0].loaded if name not in floor[0].loaded]


if __name__ == "__main__":
    main()
