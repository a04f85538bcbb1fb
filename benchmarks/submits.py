"""
Submit 200 songs at once to an account that allows 20 in 10 s: ``python -m benchmarks.submits``.

Three runs, each on a simulator with that limit: 200 threads, each with its own client; 200 mapped
``GenerateMusicOperator``s on a real Airflow, with default settings and ``retries=0``; the same in a pool.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier
from typing import Any

from airflow_provider_suno.api.endpoints.music_requests import GenerateMusicRequest
from airflow_provider_suno.exceptions import SunoError
from airflow_provider_suno.http.client import SunoClient
from airflow_provider_suno.http.settings import BearerAuth, ClientSettings
from benchmarks.report import parser, publish, table
from benchmarks.testbed import Testbed, run
from demo.airflow_process import AirflowNotReadyError, RunningAirflow
from demo.simulator_process import RunningSimulatorProcess
from reliability.verdict import Song, judge

_DAGS = Path(__file__).resolve().parent / "dags" / "submits"
SONGS = 200
_POOL = "suno"
_TASKS_AT_ONCE = 32
_TIMEOUT = 900.0
_ENDED = {"success", "failed"}
_PATH = "/api/v1/generate"
_COLUMNS = (
    "",
    "songs",
    "charged once",
    "failed",
    "refusals (429)",
    "first to last submission (s)",
    "least possible (s)",
)


@dataclass(frozen=True)
class Submitted:
    """
    The result of songs that were submitted at once.

    :param name: how they were submitted.
    :param songs: the result of each submission.
    :param ledger: the service's ledger of that time.
    """

    name: str
    songs: Sequence[Song]
    ledger: dict[str, Any]

    def row(self, limit: int) -> Sequence[object]:
        """Return the figures, as a row of the table."""
        sends = [request for request in self.ledger["requests"] if request["path"] == _PATH]
        taken = [request["wall"] for request in sends if request["accepted"]]
        charged_once = judge(self.songs, self.ledger).charges[1]
        failed = sum(song.state != "success" for song in self.songs)
        took = max(taken) - min(request["wall"] for request in sends)
        least = (len(self.songs) - 1) // limit * 10
        return self.name, len(self.songs), charged_once, failed, len(sends) - len(taken), took, least

    def wrongs(self) -> list[str]:
        """Return one sentence per failed check."""
        verdict = judge(self.songs, self.ledger)
        never = [song.label for song in self.songs if not self._charges(song.prompt)]
        return [
            *(f"{self.name}: {wrong}" for wrong in verdict.violations),
            *(f"{self.name}: {label} was never charged" for label in never),
        ]

    def _charges(self, prompt: str) -> int:
        return sum(entry["charges"] for entry in self.ledger["songs"] if entry["request"]["prompt"] == prompt)


def main() -> int:
    """Submit, and print a table."""
    options = parser("submits", "200 submissions at once against 20 in 10 s: threads, a real Airflow, a pool")
    options.add_argument("--slots", type=int, default=4, help="slots of the pool (default: %(default)s)")
    options.add_argument("--limit", type=int, default=20, help="submissions in 10 s (default: %(default)s)")
    options.add_argument("--without-airflow", action="store_true", help="the threads only")
    arguments = options.parse_args()

    def benchmark(testbed: Testbed) -> list[str]:
        simulator = testbed.simulator("--submit-limit", f"{arguments.limit}")
        submitted = [_by_threads(simulator, testbed)]
        database = ""
        if not arguments.without_airflow:
            postgres = testbed.postgres()
            database = f" on {'PostgreSQL' if postgres else 'SQLite'}"
            env = {
                **(postgres.settings if postgres else {}),
                **simulator.connection_env,
                "AIRFLOW__CORE__PARALLELISM": f"{_TASKS_AT_ONCE}",
            }
            testbed.progress.say("airflow", f"starting{database}")
            airflow = testbed.services.enter_context(RunningAirflow(testbed.home / "airflow", _DAGS, env))
            airflow.wait_for_dags("at_once", "in_a_pool")
            airflow.rest.create_pool(_POOL, arguments.slots)
            submitted.append(_by_airflow("at_once", "mapped operators", airflow, simulator, testbed))
            in_pool = f"mapped operators, pool of {arguments.slots}"
            submitted.append(_by_airflow("in_a_pool", in_pool, airflow, simulator, testbed))
        text = _text(arguments.limit, database) + table(_COLUMNS, [each.row(arguments.limit) for each in submitted])
        publish("submits", text, record=arguments.record)
        return [wrong for each in submitted for wrong in each.wrongs()]

    return run("suno-submits-", benchmark)


def _text(limit: int, database: str) -> str:
    where = (
        f" The operators run on a real Airflow{database}: LocalExecutor with {_TASKS_AT_ONCE} tasks at once, "
        "`retries=0`, otherwise default settings. So many processes on so few cores start more slowly than threads."
        if database
        else ""
    )
    return (
        f"Simultaneous submissions over HTTP to a simulator that accepts {limit} in any 10 s and refuses the rest. The "
        f"threads, each with its own client, start at the same moment.{where}\n\n"
    )


def _by_threads(simulator: RunningSimulatorProcess, testbed: Testbed) -> Submitted:
    """Submit each song by its own client, all at once."""
    testbed.progress.say("threads", "submitting")
    settings = ClientSettings(BearerAuth(simulator.api_key), simulator.url)
    together = Barrier(SONGS)

    def submit(number: int) -> Song:
        prompt = f"thread {number}"
        request = GenerateMusicRequest.build({"model": "V5", "prompt": prompt})
        with SunoClient(settings) as client:
            together.wait()
            try:
                return Song(prompt, prompt, "success", client.submit(request), waited=None)
            except SunoError as error:
                testbed.progress.note("threads", f"{prompt}: {error}")
                return Song(prompt, prompt, "failed", None, waited=None)

    with ThreadPoolExecutor(SONGS) as threads:
        songs = list(threads.map(submit, range(SONGS)))
    return Submitted("clients, one per thread", songs, _since(0, simulator, songs))


def _by_airflow(
    dag_id: str, name: str, airflow: RunningAirflow, simulator: RunningSimulatorProcess, testbed: Testbed
) -> Submitted:
    """Submit with a run of a Dag."""
    first = len(simulator.ledger()["requests"])
    run_id = airflow.rest.trigger(dag_id)
    testbed.progress.say(name, f"run {run_id}")
    give_up_at = time.monotonic() + _TIMEOUT
    while airflow.rest.run_state(dag_id, run_id) not in _ENDED:
        airflow.check()
        if time.monotonic() > give_up_at:
            raise AirflowNotReadyError(f"the run {run_id} of {dag_id} did not end within {_TIMEOUT:g} s")
        time.sleep(2)
    songs = []
    for task in airflow.rest.task_states(dag_id, run_id):
        made = task.state == "success"
        found = airflow.rest.xcom(dag_id, run_id, task.task_id, map_index=task.map_index) if made else None
        songs.append(Song(f"{dag_id} {task.label}", f"{run_id} {task.map_index}", task.state, found, waited=None))
    return Submitted(name, songs, _since(first, simulator, songs))


def _since(first: int, simulator: RunningSimulatorProcess, songs: Iterable[Song]) -> dict[str, Any]:
    """Return the part of the ledger about these songs, from a request on."""
    ledger = simulator.ledger()
    prompts = {song.prompt for song in songs}
    about = [entry for entry in ledger["songs"] if entry["request"].get("prompt") in prompts]
    return {"requests": ledger["requests"][first:], "songs": about}


if __name__ == "__main__":
    sys.exit(main())
