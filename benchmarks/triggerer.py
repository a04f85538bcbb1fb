"""
Wait for 10,000 songs in one real triggerer, and kill it midway: ``python -m benchmarks.triggerer``.

Exit codes: 0 every wait finished and the account's budget was held; 1 not so; 128 + n ended by signal n.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import fmean, quantiles
from threading import local
from typing import TYPE_CHECKING, Any

import psutil
import requests

from airflow_provider_suno.simulator.life import Wishes, life_of
from benchmarks.report import parser, publish, table
from benchmarks.stage import Stage, play
from demo.airflow_process import RunningAirflow
from demo.simulator_process import RunningSimulatorProcess
from reliability.killing import kill

if TYPE_CHECKING:
    from benchmarks.deferred import Left

_DAGS = Path(__file__).resolve().parent / "dags"
_WINDOW = 10.0
_HOLD = 7.0
"""Seconds for which a trigger holds its event back."""

_STILL_FOR = 240.0
"""Seconds without one more wait that has ended after which the rest counts as lost."""

_LOOK_EVERY = 1.0
_SAY_EVERY = 10.0
_RECORD_PATH = "/api/v1/generate/record-info"
_BLOCKED = re.compile(r"async thread was blocked for ([\d.]+) seconds")
_STARTING = re.compile(r'^{"timestamp":"([^"]+)"[^\n]*"event":"trigger [^\n]* starting"')
_TRIGGER_LOG = re.compile(r"map_index=(\d+)/.*\.trigger\.(\d+)\.log$")


class LoneTriggerer(RunningAirflow):
    """An Airflow of which only the database and, when it is told to, the triggerer runs."""

    def start(self) -> float:
        """Start the triggerer, for the first time or again; return when, in epoch seconds."""
        at = time.time()
        self.start_component("triggerer")
        return at

    def kill(self) -> float:
        """Kill the triggerer with all its processes; return when, in epoch seconds."""
        at = time.time()
        kill(self.all_processes())
        return at

    def all_processes(self) -> list[psutil.Process]:
        """Return the triggerer's processes."""
        server = self.processes.process("triggerer")
        return [server, *server.children(recursive=True)] if server else []

    def resident(self) -> float:
        """Return the memory of its processes, in MB."""
        return sum(process.memory_info().rss for process in self.all_processes()) / 2**20

    def log(self) -> str:
        """Return what it has printed."""
        return self.processes.log_file("triggerer").read_text(errors="replace")

    def _start(self) -> None:
        self.run_command("migrate", "db", "migrate")
        self.run_command("reserialize", "dags", "reserialize")


@dataclass
class Life:
    """
    One life of the triggerer.

    :param began: when its process was started, in epoch seconds.
    :param waiting: how many waited then.
    :param resident: the most memory it took, in MB.
    :param log: what it printed.
    :param started: when it started the trigger of each map index, in epoch seconds.
    """

    began: float
    waiting: int
    resident: float = 0.0
    log: str = ""
    started: dict[int, float] = field(default_factory=dict)

    def row(self, name: str) -> Sequence[object]:
        """Return the figures, as a row of a table."""
        blocked = [float(seconds) for seconds in _BLOCKED.findall(self.log)]
        first, last = min(self.started.values()) - self.began, max(self.started.values()) - self.began
        return (
            name,
            self.waiting,
            len(self.started),
            first,
            last,
            self.resident,
            len(blocked),
            max(blocked, default=0.0),
        )


@dataclass
class Played:
    """
    What was seen.

    :param songs: when each music task was submitted, in epoch seconds, by its id; in the order of the map indexes.
    :param lives: of the triggerer.
    :param left: what the task instances are resumed with, by map index.
    :param requests: the service's list.
    :param limit: reads in 10 s that it takes.
    """

    songs: Mapping[str, float]
    lives: Sequence[Life]
    left: Mapping[int, Left]
    requests: Sequence[Mapping[str, Any]]
    limit: int

    def wrongs(self) -> list[str]:
        """Return a sentence for each thing that must not be."""
        lost = sorted(set(range(len(self.songs))) - set(self.left))
        failed = {index: left for index, left in self.left.items() if left.status != "finished"}
        few = f"of {len(self.songs)} waits"
        examples = "; ".join(f"{index}: {left.status}, {left.message}" for index, left in list(failed.items())[:5])
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
        """How often the service refused to show one."""
        return sum(request["code"] == 429 for request in self.reads)

    def outcome(self) -> str:
        """Return what became of the waits, as a table."""
        finished = sum(left.status == "finished" for left in self.left.values())
        reads = self.reads
        took = max(left.at for left in self.left.values()) - self.lives[0].began
        rows = [
            ("waits", len(self.songs)),
            ("finished", finished),
            ("ended otherwise", len(self.left) - finished),
            ("lost", len(self.songs) - len(self.left)),
            ("from the triggerer's start to the last event (s)", took),
            ("reads", len(reads)),
            ("reads per finished wait", len(reads) / max(1, finished)),
            (f"most reads in 10 s, of {self.limit}", _most_in_a_window(request["wall"] for request in reads)),
            ("refusals (429)", self.refusals),
        ]
        return table(("", ""), rows)

    def triggerer(self) -> str:
        """Return what the triggerer needed, as a table."""
        columns = (
            "triggerer",
            "waiting",
            "triggers started",
            "the first after (s)",
            "the last after (s)",
            "memory at most (MB)",
            "loop blocked (warnings)",
            "longest (s)",
        )
        names = ("first", "after kill -9")
        return table(columns, [life.row(name) for name, life in zip(names, self.lives, strict=False) if life.started])

    def delays(self) -> str:
        """Return how late the events came, as a table."""
        every, watched = [], []
        for index, (music_task_id, submitted_at) in enumerate(self.songs.items()):
            if index not in self.left:
                continue
            finished_at = submitted_at + (life_of(music_task_id, Wishes()).begins("SUCCESS") or 0.0)
            delay = self.left[index].at - finished_at
            every.append(delay)
            started_at = max(life.started[index] for life in self.lives if index in life.started)
            if finished_at >= started_at + _HOLD:
                watched.append(delay)
        columns = ("from the song's end to the task's resumption (s)", "waits", "mean", "p50", "p95", "max")
        rows = [("all", *_spread(every)), ("songs that ended while their trigger was up", *_spread(watched))]
        return table(columns, rows)


def main() -> int:
    """Wait, kill, wait on, and print the figures."""
    options = parser("triggerer", "10,000 waits in one real triggerer, which is killed midway")
    options.add_argument("--waits", type=int, default=10_000, help="how many (default: %(default)s)")
    options.add_argument("--limit", type=int, default=1000, help="the account's reads in 10 s (default: %(default)s)")
    arguments = options.parse_args()

    def benchmark(stage: Stage) -> list[str]:
        limit = f"{arguments.limit}"
        simulator = stage.simulator("--account-read-limit", limit)
        postgres = stage.postgres()
        database = "PostgreSQL" if postgres else "SQLite"
        env = {
            **(postgres.settings if postgres else {}),
            **_with_poll_limit(simulator.connection_env, arguments.limit),
            "AIRFLOW__TRIGGERER__CAPACITY": f"{arguments.waits}",
            "AIRFLOW__TRIGGERER__MAX_TRIGGER_TO_SELECT_PER_LOOP": "1000",
        }
        stage.progress.say("airflow", f"creating its database ({database})")
        airflow = stage.services.enter_context(LoneTriggerer(stage.home / "airflow", _DAGS, env))
        played = _play(stage, simulator, airflow, arguments.waits, arguments.limit)
        text = "\n\n".join([_said(database), played.outcome(), played.triggerer(), played.delays()])
        publish("triggerer", text, record=arguments.record)
        return played.wrongs()

    return play("suno-triggerer-", benchmark)


def _said(database: str) -> str:
    return (
        f"Real: the `airflow triggerer` process on its database ({database}), the provider's triggers in it, HTTP to a "
        "simulator whose songs take as long as the service's (62 to 130 s), `kill -9` of all the triggerer's processes "
        "once half of the waits have ended, and the 30 s after which Airflow lets the next triggerer take over what a "
        "dead one had. Shortened: no worker has run; the task instances are written to the database as deferred, each "
        "with the trigger that its worker would have left, and what counts is the event by which it is resumed: nothing "
        "runs it after that. All songs begin within seconds. Other than by default: `[triggerer] capacity` is the "
        "number of waits, and `max_trigger_to_select_per_loop` is 1000. A trigger holds its event for the first 7 s."
    )


def _play(stage: Stage, simulator: RunningSimulatorProcess, airflow: LoneTriggerer, waits: int, limit: int) -> Played:
    os.environ.update(airflow.env)
    from benchmarks import deferred

    say = stage.progress.say
    say("simulator", f"{waits} songs")
    songs = _submit(simulator.url, waits)
    say("airflow", f"deferring {waits} task instances")
    deferred.defer(songs)
    lives = [Life(airflow.start(), waits)]
    say("triggerer", f"started, {waits} wait")
    waiting, changed_at = waits, time.monotonic()
    said_at, printed = changed_at, 0
    while waiting and time.monotonic() - changed_at < _STILL_FOR:
        time.sleep(_LOOK_EVERY)
        airflow.processes.check("triggerer")
        simulator.check()
        lives[-1].resident = max(lives[-1].resident, airflow.resident())
        before, waiting = waiting, deferred.still_deferred()
        if waiting != before:
            changed_at = time.monotonic()
        if time.monotonic() - said_at > _SAY_EVERY:
            said_at = time.monotonic()
            say("triggerer", f"{waiting} wait; {lives[-1].resident:.0f} MB")
        if waiting <= waits / 2 and len(lives) == 1:
            airflow.kill()
            lives[0].log = airflow.log()
            printed = len(lives[0].log)
            waiting, changed_at = deferred.still_deferred(), time.monotonic()
            lives.append(Life(airflow.start(), waiting))
            say("triggerer", f"killed and started again, {waiting} wait")
    lives[-1].log = airflow.log()[printed:]
    for life, job in zip(lives, deferred.triggerers(), strict=False):
        life.started = _started(airflow.home, job)
    return Played(songs, lives, deferred.left(), simulator.ledger()["requests"], limit)


def _with_poll_limit(connection_env: Mapping[str, str], limit: int) -> dict[str, str]:
    [(name, text)] = connection_env.items()
    connection = json.loads(text)
    connection["extra"] = {**(connection.get("extra") or {}), "poll_limit": limit}
    return {name: json.dumps(connection)}


def _submit(url: str, count: int) -> dict[str, float]:
    """Let songs begin at the simulator, and return when each did, by its id."""
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


def _started(home: Path, job: int) -> dict[int, float]:
    """Return when a triggerer started each trigger, by map index, as the logs of the tasks tell."""
    started = {}
    for log in (home / "logs").rglob(f"*.trigger.{job}.log"):
        place = _TRIGGER_LOG.search(str(log))
        with log.open(errors="replace") as lines:
            line = _STARTING.match(lines.readline())
        if place and line:
            started[int(place[1])] = datetime.fromisoformat(line[1]).timestamp()
    return started


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
