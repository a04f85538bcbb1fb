"""
Wait for 10,000 songs in one real triggerer, and kill it midway: ``python -m benchmarks.triggerer``.

Exit codes: 0 every wait finished within the rate limit; 1 a check failed; 128 + n ended by signal n.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, quantiles
from threading import local
from typing import TYPE_CHECKING, Any

import psutil
import requests

from airflow_provider_suno.simulator.kinds.music.lifecycle import lifecycle_of
from airflow_provider_suno.simulator.kinds.music.prompt_directives import Directives
from benchmarks.metrics import Metrics
from benchmarks.report import parser, publish, table
from benchmarks.testbed import Testbed, run
from demo.airflow_process import RunningAirflow
from demo.simulator_process import RunningSimulatorProcess
from reliability.killing import kill

if TYPE_CHECKING:
    from reliability.deferred import Resumed

_DAGS = Path(__file__).resolve().parent.parent / "reliability" / "waits"
_WINDOW = 10.0
_HOLD = 7.0
"""Seconds for which a trigger holds its event back."""

_LOST_AFTER = 240.0
"""Seconds without the end of a wait after which the rest counts as lost."""

_POLL_INTERVAL = 1.0
_SAY_EVERY = 10.0
_RECORD_PATH = "/api/v1/generate/record-info"
_RUNNING = "triggers.running"
_BLOCKED = "triggers.blocked_main_thread"


class LoneTriggerer(RunningAirflow):
    """An Airflow with only a database and, once started, a triggerer."""

    def start(self) -> float:
        """Start or restart the triggerer; return the time in epoch seconds."""
        at = time.time()
        self.start_component("triggerer")
        return at

    def kill(self) -> float:
        """Kill the triggerer with all its processes; return the time in epoch seconds."""
        at = time.time()
        kill(self.all_processes())
        return at

    def all_processes(self) -> list[psutil.Process]:
        """Return the triggerer's processes."""
        server = self.processes.process("triggerer")
        return [server, *server.children(recursive=True)] if server else []

    def resident(self) -> float:
        """Return the memory of its processes in MiB; shared memory counts for each."""
        return sum(process.memory_info().rss for process in self.all_processes()) / 2**20

    def _start(self) -> None:
        self.run_command("migrate", "db", "migrate")
        self.run_command("reserialize", "dags", "reserialize")


@dataclass
class Life:
    """
    One run of the triggerer's process.

    :param began: when its process was started, in epoch seconds.
    :param waiting: how many waits there were then.
    :param loaded: when it ran all triggers, in epoch seconds; None if it never did.
    :param resident: the most memory it took, in MiB.
    :param blocked: how often its event loop was blocked for more than 0.2 s, by its own count.
    """

    began: float
    waiting: int
    loaded: float | None = None
    resident: float = 0.0
    blocked: int = 0

    def row(self, name: str, reads: Iterable[float]) -> Sequence[object]:
        """
        Return the figures, as a row of a table.

        :param name: which run it is.
        :param reads: when the service was read, in epoch seconds.
        """
        first = min((at for at in reads if at >= self.began), default=None)
        since = [at and at - self.began for at in (self.loaded, first)]
        return name, self.waiting, *since, self.resident, self.blocked


@dataclass
class Results:
    """
    The figures of the benchmark.

    :param songs: when each music task was submitted, in epoch seconds, by its id; in the order of the map indexes.
    :param lives: the triggerer's runs.
    :param resumed: what the task instances are resumed with, by map index.
    :param requests: the service's list of requests.
    :param limit: reads in 10 s that it allows.
    """

    songs: Mapping[str, float]
    lives: Sequence[Life]
    resumed: Mapping[int, Resumed]
    requests: Sequence[Mapping[str, Any]]
    limit: int

    def wrongs(self) -> list[str]:
        """Return one sentence per failed check."""
        lost = sorted(set(range(len(self.songs))) - set(self.resumed))
        failed = {index: found for index, found in self.resumed.items() if found.status != "finished"}
        few = f"of {len(self.songs)} waits"
        examples = "; ".join(f"{index}: {found.status}, {found.message}" for index, found in list(failed.items())[:5])
        return [
            *([f"{len(lost)} {few} are lost, such as those of the map indexes {lost[:5]}"] if lost else []),
            *([f"{len(failed)} {few} ended otherwise than finished: {examples}"] if failed else []),
            *([f"the service refused {self.refusals} reads"] if self.refusals else []),
        ]

    @property
    def reads(self) -> list[Mapping[str, Any]]:
        """The requests for records."""
        return [request for request in self.requests if request["path"] == _RECORD_PATH]

    @property
    def refusals(self) -> int:
        """How many of them the service refused."""
        return sum(request["code"] == 429 for request in self.reads)

    def outcome(self) -> str:
        """Return how the waits ended, as a table."""
        finished = sum(found.status == "finished" for found in self.resumed.values())
        reads = self.reads
        took = max((found.at for found in self.resumed.values()), default=0.0) - self.lives[0].began
        rows = [
            ("waits", len(self.songs)),
            ("finished", finished),
            ("ended otherwise", len(self.resumed) - finished),
            ("lost", len(self.songs) - len(self.resumed)),
            ("from the triggerer's start to the last event (s)", took),
            ("reads", len(reads)),
            ("reads per finished wait", len(reads) / max(1, finished)),
            (f"most reads in 10 s, of {self.limit}", _most_in_a_window(request["wall"] for request in reads)),
            ("refusals (429)", self.refusals),
        ]
        return table(("", ""), rows)

    def triggerer(self) -> str:
        """Return the triggerer's figures, as a table."""
        columns = (
            "triggerer",
            "waiting",
            "all triggers run after (s)",
            "first read after (s)",
            "memory at most (MiB)",
            "loop blocked for over 0.2 s (times)",
        )
        reads = [request["wall"] for request in self.reads]
        names = ("first", "after kill -9")
        return table(columns, [life.row(name, reads) for name, life in zip(names, self.lives, strict=False)])

    def delays(self) -> str:
        """Return how late the events came, as a table."""
        every, watched = [], []
        for index, (music_task_id, submitted_at) in enumerate(self.songs.items()):
            if index not in self.resumed:
                continue
            finished_at = submitted_at + (lifecycle_of(music_task_id, Directives()).start_of("SUCCESS") or 0.0)
            delay = self.resumed[index].at - finished_at
            every.append(delay)
            loaded = [life.loaded for life in self.lives if life.began <= self.resumed[index].at][-1]
            if loaded is not None and finished_at >= loaded + _HOLD:
                watched.append(delay)
        columns = ("from the song's end to the task's resumption (s)", "waits", "mean", "p50", "p95", "max")
        rows = [("all", *_spread(every)), ("songs that ended while their triggers ran", *_spread(watched))]
        return table(columns, rows)


def main() -> int:
    """Wait, kill, wait on, and print the figures."""
    options = parser("triggerer", "10,000 waits in one real triggerer, which is killed midway")
    options.add_argument("--waits", type=int, default=10_000, help="how many (default: %(default)s)")
    options.add_argument("--limit", type=int, default=1000, help="the account's reads in 10 s (default: %(default)s)")
    options.add_argument("--log-level", default="WARNING", help="of Airflow (default: %(default)s)")
    arguments = options.parse_args()
    if arguments.waits < 1:
        options.error("--waits: at least 1")

    def benchmark(testbed: Testbed) -> list[str]:
        simulator = testbed.simulator("--account-read-limit", f"{arguments.limit}")
        metrics = testbed.services.enter_context(Metrics())
        postgres = testbed.postgres()
        database = "PostgreSQL" if postgres else "SQLite"
        env = {
            **(postgres.settings if postgres else {}),
            **_with_poll_limit(simulator.connection_env, arguments.limit),
            **metrics.settings,
            "AIRFLOW__LOGGING__LOGGING_LEVEL": arguments.log_level,
            "AIRFLOW__TRIGGERER__CAPACITY": f"{arguments.waits}",
            "AIRFLOW__TRIGGERER__MAX_TRIGGER_TO_SELECT_PER_LOOP": "1000",
        }
        testbed.progress.say("airflow", f"creating its database ({database})")
        airflow = testbed.services.enter_context(LoneTriggerer(testbed.home / "airflow", _DAGS, env))
        results = _run(testbed, simulator, airflow, metrics, arguments)
        text = "\n\n".join(
            [
                _text(database, arguments.log_level, arguments.limit),
                results.outcome(),
                results.triggerer(),
                results.delays(),
            ]
        )
        publish("triggerer", text, record=arguments.record)
        return results.wrongs()

    return run("suno-triggerer-", benchmark)


def _text(database: str, log_level: str, limit: int) -> str:
    return (
        f"Real: the `airflow triggerer` process on its database ({database}), the provider's triggers in it, HTTP to a "
        "simulator whose songs take as long as the service's (62 to 130 s), `kill -9` of all the triggerer's processes "
        "once half of the waits have ended, and the 30 s after which Airflow moves a dead triggerer's triggers to the "
        "next one. Simplified: no worker runs. The task instances are written to the database as deferred, each with "
        "the trigger that its worker would have created; the figures end at the event that resumes it. All songs start "
        "within seconds. A trigger holds its event back for the first 7 s.\n\n"
        f"Changed defaults: the account and `poll_limit` allow {limit:,} reads in 10 s, since at the usual 100 so many "
        "waits would take longer than their 20 minutes; `[triggerer] capacity` is the number of waits, "
        "`max_trigger_to_select_per_loop` is "
        f"1000, and `[logging] logging_level` is {log_level}: Airflow's triggerer reads only 4 KB of its triggers' "
        "log lines per round of its main loop, and at INFO so many triggers block until it has read theirs."
    )


def _run(
    testbed: Testbed,
    simulator: RunningSimulatorProcess,
    airflow: LoneTriggerer,
    metrics: Metrics,
    arguments: argparse.Namespace,
) -> Results:
    os.environ.update(airflow.env)
    from reliability import deferred

    say = testbed.progress.say
    say("simulator", f"{arguments.waits} songs")
    songs = _submit(simulator.url, arguments.waits)
    say("airflow", f"deferring {arguments.waits} task instances")
    deferred.defer(songs)
    lives: list[Life] = []
    waiting, still_since, said_at = arguments.waits, 0.0, 0.0
    while waiting:
        if not lives or (len(lives) == 1 and waiting <= arguments.waits / 2):
            if lives:
                airflow.kill()
            metrics.forget()
            waiting = deferred.still_deferred()
            lives.append(Life(airflow.start(), waiting))
            say("triggerer", f"{'killed and started again' if len(lives) > 1 else 'started'}: {waiting} wait")
            still_since = said_at = time.monotonic()
        time.sleep(_POLL_INTERVAL)
        airflow.processes.check("triggerer")
        simulator.check()
        life, before, waiting = lives[-1], waiting, deferred.still_deferred()
        life.resident = max(life.resident, airflow.resident())
        life.blocked = metrics.counted[_BLOCKED]
        if life.loaded is None and metrics.gauges.get(_RUNNING, 0) >= waiting:
            life.loaded = time.time()
        if waiting != before:
            still_since = time.monotonic()
        if time.monotonic() - still_since > _LOST_AFTER:
            break
        if time.monotonic() - said_at > _SAY_EVERY:
            said_at = time.monotonic()
            say("triggerer", f"{waiting} wait; {life.resident:.0f} MiB")
    return Results(songs, lives, deferred.resumed(), simulator.ledger()["requests"], arguments.limit)


def _with_poll_limit(connection_env: Mapping[str, str], limit: int) -> dict[str, str]:
    [(name, text)] = connection_env.items()
    connection = json.loads(text)
    connection["extra"] = {**(connection.get("extra") or {}), "poll_limit": limit}
    return {name: json.dumps(connection)}


def _submit(url: str, count: int) -> dict[str, float]:
    """Start songs at the simulator, and return when each started, by its id."""
    mine = local()

    def begin(_: int) -> tuple[str, float]:
        if not hasattr(mine, "session"):
            mine.session = requests.Session()
            mine.session.trust_env = False
            mine.session.headers["User-Agent"] = "airflow-provider-suno benchmark"
        reply = mine.session.post(f"{url}/_sim/tasks", json={"status": "PENDING"}, timeout=30)
        reply.raise_for_status()
        song = reply.json()
        return song["music_task_id"], song["created_at"]

    with ThreadPoolExecutor(8) as threads:
        return dict(threads.map(begin, range(count)))


def _most_in_a_window(times: Iterable[float]) -> int:
    """Return the most that came within any 10 s."""
    window: deque[float] = deque()
    most = 0
    for at in sorted(times):
        window.append(at)
        while window[0] <= at - _WINDOW:
            window.popleft()
        most = max(most, len(window))
    return most


def _spread(values: Sequence[float]) -> Sequence[object]:
    if len(values) < 2:
        return len(values), None, None, None, None
    cuts = quantiles(values, n=20)
    return len(values), fmean(values), cuts[9], cuts[18], max(values)


if __name__ == "__main__":
    sys.exit(main())
