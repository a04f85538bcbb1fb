"""
Measure what waiting costs on a real Airflow: ``python -m benchmarks.end_to_end``.

The sensor in each of its modes, compared with the http provider's sensor, which polls the same records. The songs
arrive steadily, in runs of some mapped tasks each, and this program submits them, so that only waiting is measured.
Airflow's scheduler, triggerer, API server and Dag processor run on PostgreSQL, which records each change of state; the
executor records how long each worker process was occupied.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import requests

from airflow_provider_suno.api.endpoints.music_requests import GenerateMusicRequest
from airflow_provider_suno.http.client import SunoClient
from airflow_provider_suno.http.settings import BearerAuth, ClientSettings
from airflow_provider_suno.simulator.kinds.music.lifecycle import SUCCESS, lifecycle_of
from airflow_provider_suno.simulator.kinds.music.prompt_directives import Directives
from benchmarks.report import parser, publish, table
from benchmarks.states import WORKER_NOTES, Hold, SongWait, StateNotes
from benchmarks.testbed import Testbed, run
from demo.airflow_process import AirflowNotReadyError, RunningAirflow
from demo.simulator_process import RunningSimulatorProcess

_HERE = Path(__file__).resolve().parent
_MODES: Mapping[str, str] = {
    "suno_poke": "MusicTaskSensor, poke",
    "suno_reschedule": "MusicTaskSensor, reschedule",
    "suno_deferrable": "MusicTaskSensor, deferrable",
    "http_poke": "HttpSensor, poke",
    "http_reschedule": "HttpSensor, reschedule",
    "http_deferrable": "HttpSensor, deferrable, response_check",
    "http_deferrable_404": "HttpSensor, deferrable, 404 of a file",
}
_TOGETHER = (
    ("suno_poke", "http_poke", "http_deferrable"),
    ("suno_reschedule",),
    ("http_reschedule",),
    ("suno_deferrable", "http_deferrable_404"),
)
"""Modes that run side by side: each group causes the same kind of load."""

_RECORD_INFO = "/api/v1/generate/record-info"
_ENDED = frozenset({"success", "failed", "upstream_failed", "skipped"})
_POLL_INTERVAL = 3.0
_HURRY = 8.0
"""Factor by which the warm-up's songs are faster."""

_LINGER = 10.0
"""Seconds after the last task's end until its worker process is free."""

_SUPERVISOR_LINGERS = 6.0
"""Seconds for which Airflow's supervisor may outlive a task that has deferred, and the time for its process to end."""

Song = dict[str, str]


@dataclass(frozen=True)
class Results:
    """
    The result of one mode.

    :param waits: one per song.
    :param polls: requests to the service.
    """

    waits: Sequence[SongWait]
    polls: int


class Deployment:
    """
    An Airflow, and the service whose songs it waits for.

    :param airflow: the running Airflow.
    :param simulator: the running simulator.
    :param notes: Airflow's changes of state.
    :param worker_notes: the file of the executor.
    :param arguments: those of the command line.
    """

    def __init__(
        self,
        airflow: RunningAirflow,
        simulator: RunningSimulatorProcess,
        notes: StateNotes,
        worker_notes: Path,
        arguments: argparse.Namespace,
    ) -> None:
        self._airflow = airflow
        self._simulator = simulator
        self._notes = notes
        self._worker_notes = worker_notes
        self._arguments = arguments

    def warm_up(self, dag_ids: Sequence[str]) -> None:
        """Let each Dag wait for songs that finish soon, so that one-time loading is not measured."""
        self._simulator.set_speed(self._arguments.speed * _HURRY)
        begun = {dag_id: dict([self._begin_run(dag_id)]) for dag_id in dag_ids}
        for dag_id, runs in begun.items():
            self._until_all_ended(dag_id, runs)
        self._simulator.set_speed(self._arguments.speed)

    def run(self, dag_ids: Sequence[str], say: Callable[[str, str], None]) -> dict[str, Results]:
        """
        Let the songs come, wait for all of them to end, and return what their waits were like.

        :param dag_ids: the Dags that wait, side by side.
        :param say: called with a subject and a line about each step.
        """
        requests.post(f"{self._simulator.url}/_sim/reset", timeout=30).raise_for_status()
        runs: dict[str, dict[str, list[Song]]] = {dag_id: {} for dag_id in dag_ids}
        begun = time.monotonic()
        for number in range(self._arguments.songs // self._arguments.batch):
            time.sleep(max(0.0, begun + number * self._arguments.every - time.monotonic()))
            for dag_id in dag_ids:
                runs[dag_id].update([self._begin_run(dag_id)])
            say(", ".join(dag_ids), f"run {number + 1} of {self._arguments.songs // self._arguments.batch}")
        for dag_id in dag_ids:
            self._until_all_ended(dag_id, runs[dag_id], partial(say, dag_id))
        time.sleep(_LINGER)
        say(", ".join(dag_ids), f"over after {time.monotonic() - begun:.0f} s")
        ledger = self._simulator.ledger()
        return {
            dag_id: Results(self._waits(dag_id, runs[dag_id], ledger), _polls(runs[dag_id], ledger))
            for dag_id in dag_ids
        }

    def _begin_run(self, dag_id: str) -> tuple[str, list[Song]]:
        """Submit the songs of a run and begin it; return its id and the songs."""
        settings = ClientSettings(auth=BearerAuth(self._simulator.api_key), base_url=self._simulator.url)
        request = GenerateMusicRequest.build({"model": "V5", "prompt": "A song to wait for"})
        with SunoClient(settings) as client:
            ids = [client.submit(request) for _ in range(self._arguments.batch)]
        made = {song["music_task_id"]: song["audio_ids"] for song in self._simulator.ledger()["songs"]}
        songs = [{"music_task_id": each, "last_audio_id": made[each][-1]} for each in ids]
        return self._airflow.rest.trigger(dag_id, {"songs": songs}), songs

    def _until_all_ended(self, dag_id: str, runs: Collection[str], say: Callable[[str], None] = lambda _: None) -> None:
        give_up_at = time.monotonic() + self._arguments.timeout
        expected, reported = len(runs) * self._arguments.batch, 0
        while reported < expected:
            if time.monotonic() > give_up_at:
                raise AirflowNotReadyError(f"{reported} of {expected} waits of {dag_id} ended in time")
            time.sleep(_POLL_INTERVAL)
            self._airflow.check()
            noted = self._notes.of_dag(dag_id).items()
            ended = sum(run_id in runs and notes[-1].state in _ENDED for (run_id, _), (_, notes) in noted)
            if ended != reported:
                say(f"{ended} of {expected} waits have ended")
            reported = ended

    def _waits(self, dag_id: str, runs: Mapping[str, Sequence[Song]], ledger: Mapping[str, Any]) -> list[SongWait]:
        holds: dict[str, list[Hold]] = {}
        for line in self._worker_notes.read_text().splitlines():
            note = json.loads(line)
            holds.setdefault(note["task_instance"], []).append(Hold(note["begun"], note["ended"]))
        finished_at = _finished_at(ledger, self._arguments.speed)
        return [
            SongWait(finished_at[runs[run_id][map_index]["music_task_id"]], notes, holds.get(task_instance, []))
            for (run_id, map_index), (task_instance, notes) in self._notes.of_dag(dag_id).items()
            if run_id in runs
        ]


def main() -> int:
    """Run each mode, and print a table."""
    arguments = _arguments()

    def benchmark(testbed: Testbed) -> list[str]:
        deployment = _set_up(testbed, arguments)
        testbed.progress.say("airflow", "warming up")
        deployment.warm_up(arguments.modes)
        results: dict[str, Results] = {}
        for together in _TOGETHER:
            if chosen := [dag_id for dag_id in together if dag_id in arguments.modes]:
                results |= deployment.run(chosen, testbed.progress.say)
        publish("end-to-end", _text(results, arguments), record=arguments.record)
        return []

    return run("suno-benchmark-", benchmark, keep=arguments.keep)


def _arguments() -> argparse.Namespace:
    options = parser("end_to_end", __doc__ or "")
    options.add_argument("--songs", type=int, default=200, help="per mode (default: %(default)s)")
    options.add_argument("--batch", type=int, default=10, help="songs of one run (default: %(default)s)")
    options.add_argument("--every", type=float, default=30, help="seconds between two runs (default: %(default)s)")
    options.add_argument("--slots", type=int, default=32, help="tasks of a mode at once (default: %(default)s)")
    options.add_argument("--speed", type=float, default=1, help="of the simulator (default: %(default)s)")
    options.add_argument(
        "--http-interval", type=float, default=15, help="poke_interval of HttpSensor, in seconds (default: %(default)s)"
    )
    options.add_argument("--modes", nargs="+", choices=list(_MODES), default=list(_MODES), help="default: all")
    options.add_argument("--timeout", type=float, default=3600, help="seconds per mode (default: %(default)s)")
    options.add_argument("--keep", action="store_true", help="keep the logs")
    arguments = options.parse_args()
    arguments.batch = min(arguments.batch, arguments.songs)
    if arguments.songs % arguments.batch:
        options.error("--songs must be a multiple of --batch")
    return arguments


def _set_up(testbed: Testbed, arguments: argparse.Namespace) -> Deployment:
    postgres = testbed.postgres()
    if postgres is None:
        raise AirflowNotReadyError("PostgreSQL is needed: it notes each change of state")
    simulator = testbed.simulator("--submit-limit", "off", speed=arguments.speed)
    testbed.progress.say("airflow", "starting on PostgreSQL")
    worker_notes = testbed.home / "workers.jsonl"
    settings = {
        **postgres.settings,
        **simulator.connection_env,
        WORKER_NOTES: str(worker_notes),
        "AIRFLOW_CONN_HTTP_DEFAULT": json.dumps({"conn_type": "http", "host": simulator.url}),
        "AIRFLOW__CORE__EXECUTOR": "benchmarks.clocked_executor.ClockedExecutor",
        "AIRFLOW__CORE__PARALLELISM": f"{arguments.slots * max(map(len, _TOGETHER))}",
        "PYTHONPATH": str(_HERE.parent),
        "SUNO_BENCHMARK_BATCH": f"{arguments.batch}",
        "SUNO_BENCHMARK_SLOTS": f"{arguments.slots}",
        "SUNO_BENCHMARK_HTTP_INTERVAL": f"{arguments.http_interval}",
    }
    airflow = testbed.services.enter_context(
        RunningAirflow(testbed.home / "airflow", _HERE / "dags" / "waiting", settings)
    )
    airflow.wait_for_dags(*_MODES)
    notes = StateNotes(postgres.settings["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"])
    notes.begin()
    return Deployment(airflow, simulator, notes, worker_notes, arguments)


def _finished_at(ledger: Mapping[str, Any], speed: float) -> dict[str, float]:
    """Return when each song was finished, in epoch seconds."""
    return {
        request["job_id"]: request["wall"]
        + (lifecycle_of(request["job_id"], Directives()).start_of(SUCCESS) or 0) / speed
        for request in ledger["requests"]
        if request["method"] == "POST" and request["accepted"]
    }


def _polls(runs: Mapping[str, Sequence[Song]], ledger: Mapping[str, Any]) -> int:
    """Return the number of requests for these songs: for their records or for the files of their tracks."""
    songs = [song for songs in runs.values() for song in songs]
    music_task_ids = {song["music_task_id"] for song in songs}
    audio_ids = {song["last_audio_id"] for song in songs}
    records = [entry for entry in ledger["requests"] if entry["path"] == _RECORD_INFO]
    return sum(entry["job_id"] in music_task_ids for entry in records) + sum(
        Path(entry["path"]).stem in audio_ids for entry in ledger["downloads"]
    )


def _text(results: Mapping[str, Results], arguments: argparse.Namespace) -> str:
    columns = (
        "sensor",
        "worker slot, s per song",
        "of it while deferred, s",
        "added delay median, s",
        "added delay p95, s",
        "queued at first median, s",
        "start median, s",
        "resume median, s",
        "polls per song",
        "failed",
    )
    how = (
        f"{arguments.songs} songs per mode, {arguments.batch} mapped tasks in each run, a run every "
        f"{arguments.every:g} s, {arguments.slots} slots per mode (LocalExecutor), the simulator at speed "
        f"{arguments.speed:g}: a song takes {62 / arguments.speed:.0f} to {130 / arguments.speed:.0f} s. One Airflow, "
        "after a warm-up run of each. The three modes that hold their slot run side by side, and so do the two that "
        "defer; each of the two that reschedule runs alone."
    )
    explained = (
        "- Worker slot: the time for which a worker process of the executor was occupied, recorded by that process; it "
        "includes the start of the task's process and the time for which its supervisor outlives it.\n"
        "- Added delay: from the end of the music at the service to the task's success. It includes the time until the "
        "next poll and all of Airflow's own queueing. A mode that holds a slot for a whole song "
        f"handles {arguments.slots} songs at once; the others queue.\n"
        "- Queued at first: from being ready to run until running.\n"
        "- Start: from being queued to being deferred; resume: from the trigger's event to the end. Our trigger holds "
        "an event back until 7 s after it began, on purpose.\n"
        f"- `HttpSensor` polls every {arguments.http_interval:g} s. With its default of 60 s it would be half a minute "
        "late on average. Our sensor polls by age and status, some ten times per song, and at most every 15 s in "
        "reschedule mode.\n"
        "- With a `response_check`, which a record needs, `HttpSensor(deferrable=True)` does not defer: it pokes. "
        "To make it defer, it polls the file of the last track instead, which is 404 until the music is finished; the "
        "real API does not show that address so early."
    )
    rows = [_row(name, results[name]) for name in _MODES if name in results]
    return f"{how}\n\n{table(columns, rows)}\n\n{explained}{_verdict(results)}"


def _row(name: str, results: Results) -> list[object]:
    waits = results.waits
    good = [wait for wait in waits if wait.succeeded]
    added = sorted(wait.added for wait in good)
    return [
        _MODES[name],
        sum(wait.held for wait in waits) / len(waits),
        sum(wait.held_while_deferred for wait in waits) / len(waits) if any(wait.deferred for wait in waits) else None,
        _median(added),
        quantiles(added, n=20, method="inclusive")[-1] if len(added) > 1 else None,
        _median([wait.queued for wait in good]),
        _median([wait.start for wait in good]),
        _median([wait.resume for wait in good]),
        results.polls / len(waits),
        len(waits) - len(good),
    ]


def _verdict(results: Mapping[str, Results]) -> str:
    """Return the targets and whether they are met, if both sides were measured."""
    sides = [results[name].waits if name in results else () for name in ("suno_deferrable", "http_deferrable_404")]
    ours, theirs = ([wait for wait in waits if wait.deferred] for waits in sides)
    if not ours or not theirs:
        return ""
    lingered, peer_lingered = (max(wait.held_while_deferred for wait in waits) for waits in (ours, theirs))
    spent, peer = ([(wait.start or 0) + (wait.resume or 0) for wait in waits] for waits in (ours, theirs))
    quick = _median(spent) or 0.0, _median(peer) or 0.0
    return (
        "\n\nTargets, when deferrable:\n\n"
        f"- {_met(lingered <= _SUPERVISOR_LINGERS)}: no worker slot is held while the song is waited for, but for the "
        f"seconds for which Airflow's own supervisor outlives a task that has deferred: at most {lingered:.1f} s here, "
        f"{peer_lingered:.1f} s with the http provider's sensor.\n"
        f"- {_met(quick[0] <= quick[1])}: start and resume together take no longer than those of the http provider's "
        f"deferrable sensor: {_spread(spent)} s against {_spread(peer)} s (median, and quartiles; "
        f"{len(ours)} and {len(theirs)} tasks that were deferred). Ours pushes two XComs as it ends, that one none."
    )


def _met(is_met: bool) -> str:
    return "Met" if is_met else "Missed"


def _spread(values: Sequence[float]) -> str:
    if len(values) < 2:
        return f"{values[0]:.2f}"
    low, middle, high = quantiles(values, n=4, method="inclusive")
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(median(known)) if known else None


if __name__ == "__main__":
    sys.exit(main())
