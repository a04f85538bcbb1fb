"""
Thousands of waits on one account that allows 100 reads in 10 s, compared with the http provider.

Each contender waits for the same music, in its own process, against its own service that enforces the limit. The
reference is simulated: it knows how long music takes, polls where an end is likeliest, and has no latency.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.hurried_time import real_monotonic
from benchmarks.jobs import Delays, Scenario
from benchmarks.reference import greedy, round_robin
from benchmarks.service import serving
from benchmarks.targets import Result, verdicts
from benchmarks.waits import CONTENDERS

DEADLINE = 1500.0
"""Seconds after its submission, or at the end of a run, after which an unfinished wait counts as lost."""

OURS, OF_UNKNOWN_AGE, LOOP, SENSOR, EVENT, PACED, PACED_SENSOR, PACED_EVENT = CONTENDERS
_START = 6.0
"""Real seconds until both processes are up and the run begins; more for thousands of waits."""

_COLUMNS = (
    "waits",
    "requests per finished",
    "429s",
    "not finished",
    "delay: mean (s)",
    "p50",
    "p95",
    "max",
    "× reference",
    "× blind",
    "CPU (s)",
    "CPU (ms) per request",
    "and per finished",
    "RSS per wait (KiB)",
    "loop lag: p99 (ms)",
    "max",
)


@dataclass(frozen=True)
class Entry:
    """One contender in one scenario."""

    contender: str
    scenario: Scenario


def entries() -> list[Entry]:
    """Return all combinations to run."""
    numbers = (10, 100, 1_000, 5_000, 10_000)
    steady = [Scenario(1_000, 0.2), *(Scenario(waits, load) for waits in (1_000, 5_000) for load in (0.5, 0.8))]
    halved = [Scenario(100, limit=50), Scenario(1_000, limit=50), Scenario(1_000, 0.2, limit=50)]
    some = Scenario(1_000), Scenario(1_000, 0.5)
    return [
        *(Entry(OURS, scenario) for scenario in (*map(Scenario, numbers), *steady, *halved)),
        *(Entry(OF_UNKNOWN_AGE, scenario) for scenario in some),
        *(Entry(peer, Scenario(waits)) for waits in numbers for peer in (LOOP, SENSOR, EVENT)),
        *(Entry(peer, Scenario(1_000, 0.5)) for peer in (LOOP, SENSOR, EVENT)),
        *(Entry(peer, scenario) for scenario in some for peer in (PACED, PACED_SENSOR, PACED_EVENT)),
        Entry(PACED, Scenario(10_000)),
    ]


def main(argv: list[str] | None = None) -> None:
    """Run all, and print a table."""
    parser = report.parser("density", __doc__ or "")
    parser.add_argument("--speed", type=float, default=10.0, help="seconds in one real second (default: %(default)s)")
    parser.add_argument("--only", choices=list(CONTENDERS), help="one contender")
    parser.add_argument("--waits", type=int, help="the scenarios with so many waits")
    arguments = parser.parse_args(argv)
    chosen = [
        entry
        for entry in entries()
        if arguments.only in (None, entry.contender) and arguments.waits in (None, entry.scenario.waits)
    ]
    if not chosen:
        parser.error("there is no such scenario; scenarios have 10, 100, 1000, 5000 or 10000 waits")
    if arguments.record and len(chosen) < len(entries()):
        parser.error("only the whole table is recorded: leave out --only and --waits")
    rows = []
    references: dict[Scenario, tuple[Delays | None, Delays | None]] = {}
    results = []
    for entry in chosen:
        scenario = entry.scenario
        if scenario not in references:
            jobs, true_limit = scenario.jobs(), min(scenario.poll_limit, scenario.limit)
            references[scenario] = greedy(jobs, true_limit), round_robin(jobs, true_limit)
            rows += [_simulated(scenario, name, delays) for name, delays in _named(references[scenario])]
        print(f"{entry.contender}: {scenario.name}", file=sys.stderr, flush=True)
        result = Result(entry.contender, scenario, _run(entry, arguments.speed), *references[scenario])
        for failure in result.measured["failures"]:
            print(f"  {failure}", file=sys.stderr, flush=True)
        rows.append(_measured(result))
        results.append(result)
    text = (
        f"Time runs {arguments.speed:g} times as fast, for the service and for the contenders. CPU seconds, memory "
        "and the event loop's lag are those of the machine, under as many times the load. Music takes 60 to 180 s, "
        'evenly spread; the service allows 100 reads in 10 s unless said otherwise, and `poll_limit` is 100. "Not '
        f'finished" are waits that failed, or whose end was not noticed {DEADLINE:g} s after the last submission. '
        "The peers poll every 5 s, or as often as the rate limit allows for all of them (every 100 s for 1,000 at "
        "once, every 60 s for steady arrivals). The http provider's hook, with its defaults, tries a refused "
        "request three times, a second apart; its sensor trigger gets a 404 until the music is finished, as it "
        "expects. The reference knows how long music takes, but reads no statuses, which show this provider that an "
        "end is near: so it can be beaten.\n\n" + report.table(("contender", *_COLUMNS), rows)
    )
    if targets := verdicts(results, OURS, PACED):
        text += "\n\nTargets:\n\n" + "\n".join(f"- {target}" for target in targets)
    report.publish("density", text, record=arguments.record)


def _named(simulated: tuple[Delays | None, Delays | None]) -> Iterator[tuple[str, Delays | None]]:
    yield from zip(("*reference*", "*blind round-robin*"), simulated, strict=True)


def _run(entry: Entry, speed: float) -> dict[str, Any]:
    scenario = entry.scenario
    jobs = scenario.jobs()
    with tempfile.TemporaryDirectory() as folder:
        run = {
            "contender": entry.contender,
            "jobs": [asdict(job) for job in jobs],
            "poll_limit": scenario.poll_limit,
            "limit": scenario.limit,
            "speed": speed,
            "deadline": DEADLINE,
            "stop_at": jobs[-1].begins + DEADLINE + 10.0,
            "begin": real_monotonic() + _START + scenario.waits / 2_000,
        }
        described = Path(folder) / "run.json"
        described.write_text(json.dumps(run))
        with serving(described) as url:
            described.write_text(json.dumps({**run, "url": url}))
            env = {**os.environ, "AIRFLOW_HOME": folder, "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING"}
            ended = subprocess.run(
                [sys.executable, "-m", "benchmarks.waits", described], env=env, check=False, capture_output=True
            )
            if ended.returncode:
                raise RuntimeError(f"{entry.contender}: {ended.stderr.decode()[-2000:]}")
            measured: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
            with urllib.request.urlopen(f"{url}/tally", timeout=60) as reply:
                measured["service"] = json.load(reply)
    return measured


def _simulated(scenario: Scenario, name: str, delays: Delays | None) -> list[object]:
    return [name, scenario.name, None, None, None, *_delays(delays), *[None] * 8]


def _measured(result: Result) -> list[object]:
    measured, delays = result.measured, result.delays
    burst = result.scenario.load is None
    return [
        result.contender,
        result.scenario.name,
        result.reads / max(1, measured["finished"]),
        result.refused,
        result.lost,
        *_delays(delays),
        _ratio(delays, result.reference),
        _ratio(delays, result.blind),
        measured["cpu"],
        1000 * result.cpu_per_read,
        1000 * measured["cpu"] / max(1, measured["finished"]),
        measured["rss_per_wait"] / 1024 if burst and result.scenario.waits >= 100 else None,
        1000 * measured["lag_p99"],
        1000 * measured["lag_max"],
    ]


def _ratio(delays: Delays | None, other: Delays | None) -> str | None:
    return f"{delays.mean / other.mean:.2f}" if delays and other else None


def _delays(delays: Delays | None) -> list[float | None]:
    return [delays.mean, delays.p50, delays.p95, delays.longest] if delays else [None] * 4


if __name__ == "__main__":
    main()
