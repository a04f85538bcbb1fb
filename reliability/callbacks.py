"""
Let callbacks resume tasks of a real Airflow: ``python -m reliability.callbacks``.

The simulator holds its callbacks back until all tasks are deferred. Then they are sent one by one, and the time is
taken until the resumed task polls; all at once; and after a kill of the API server or the triggerer. The jobs of
lost replies are found, finished songs start a Dag, and a flood of bad tokens must leave the API server responsive.

Exit codes: 0 every check passed; 1 a check failed, or the test could not run; 128 + n ended by signal n.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import requests

from airflow_provider_suno.api.callback import CallbackToken
from demo.airflow_process import AirflowNotReadyError
from demo.airflow_rest import AirflowRestError, TaskState
from demo.interruption import Stopped, stop_on_signals
from demo.processes import ProcessesLeftError, ProcessFailedError
from demo.progress import Progress
from demo.simulator_process import RunningSimulatorProcess
from reliability.deployment import KeptAirflow
from reliability.killing import kill
from reliability.postgres import RunningPostgres, programs

_RECORD_INFO = "/api/v1/generate/record-info"
_GENERATE = "/api/v1/generate"
_SECRET = "one-secret-for-callbacks"
_HELD_BACK = 11.0
"""Seconds after a deferral until a callback resumes the task at once."""
_TIMEOUT = 240.0


@dataclass
class Figures:
    """What was measured, and which checks failed."""

    delays: list[float] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)

    def check(self, holds: object, what: str) -> None:
        """Note a check that failed."""
        if not holds:
            self.violations.append(what)


class Callbacks:
    """
    The checks, on one deployment.

    :param airflow: the deployment.
    :param simulator: the service, whose callbacks are held back.
    :param say: called with a line about each step.
    """

    def __init__(
        self, airflow: KeptAirflow, simulator: RunningSimulatorProcess, say: Callable[[str, str], None]
    ) -> None:
        self._airflow = airflow
        self._simulator = simulator
        self._say = say
        self.figures = Figures()

    def one_by_one(self, songs: int) -> None:
        """Send one callback after another, and take the time until each task polls."""
        run_id, jobs = self._deferred("one by one", songs)
        for job_id in jobs:
            before = self._polls()[job_id]
            began = time.time()
            self._send(job_id)
            self._until(partial(self._is_polled_again, job_id, before), f"{job_id} is polled")
            polled_at = max(entry["wall"] for entry in self._reads() if entry["job_id"] == job_id)
            self.figures.delays.append(polled_at - began)
        self._check_run("one by one", run_id, jobs)

    def all_at_once(self, songs: int, *, lost: int = 0) -> None:
        """Send all callbacks at the same moment, but some never."""
        name = f"{songs} at once" + (f", {lost} of them lost" if lost else "")
        run_id, jobs = self._deferred(name, songs)
        threads = [threading.Thread(target=self._send, args=(job_id,)) for job_id in jobs[lost:]]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self._check_run(name, run_id, jobs, began=began)

    def while_it_is_down(self, service: str, songs: int) -> None:
        """Kill one of Airflow's processes, send callbacks, and send them again when it is back."""
        name = f"{service} killed"
        run_id, jobs = self._deferred(name, songs)
        process = self._airflow.processes.process(service)
        if process is None:
            raise ProcessFailedError(f"the {service} is not running")
        kill([process])
        for job_id in jobs:
            self._send(job_id)
        self._airflow.check()
        self._until(lambda: self._airflow.rest.health().get("scheduler") == "healthy", "Airflow is whole again")
        for job_id in jobs:
            self._send(job_id, times=2)
        self._check_run(name, run_id, jobs)

    def begin_lost_replies(self, songs: int) -> str:
        """Submit songs whose replies are lost; their callbacks come all the same."""
        self._simulator.order_fault(path=_GENERATE, method="POST", kind="drop_after", times=songs)
        known = {song["music_task_id"] for song in self._songs()}
        run_id = self._airflow.rest.trigger("called_back", {"songs": songs})
        self._until(lambda: len(self._songs()) == len(known) + songs, "the songs are submitted")
        self._until(lambda: Counter(t.state for t in self._tasks(run_id))["up_for_retry"] == songs, "replies are lost")
        for song in self._songs():
            if song["music_task_id"] not in known:
                self._send(song["music_task_id"])
        return run_id

    def end_lost_replies(self, run_id: str, songs: int) -> None:
        """Wait until the job of each is found."""
        self._follow(run_id)
        tasks = self._tasks(run_id)
        found = sum(task.state == "success" for task in tasks)
        self.figures.check(found == songs, f"lost replies: the jobs of {found} of {songs} were found: {tasks}")
        self.figures.lines.append(f"Lost replies whose job was found: {found} of {songs}.")

    def songs_start_dags(self, songs: int) -> None:
        """Finish songs that nobody waits for; each must reach the Dag that is scheduled on them."""
        known = {song["music_task_id"] for song in self._songs()}
        for _ in range(songs):
            self._airflow.rest.trigger("not_waited_for")
        self._until(lambda: len(self._songs()) == len(known) + songs, "the songs are submitted")
        made = [song for song in self._songs() if song["music_task_id"] not in known]
        for song in made:
            self._until(partial(self._is_finished, song), "a song is finished")
            self._send(song["music_task_id"], times=2)
        wanted = sorted(audio_id for song in made for audio_id in song["audio_ids"])
        self._until(lambda: len(self._keys()) >= len(wanted), "each song has a run of its own", fails=False)
        self._until(self._seen_by_plain_dag, "a song starts the plain Dag", fails=False)
        keys, plain = sorted(self._keys()), self._seen_by_plain_dag()
        self.figures.check(keys == wanted, f"runs for songs {keys}, not for {wanted}")
        self.figures.check(plain, "no song has started the plain Dag")
        self.figures.lines.append(
            f"Songs that nobody waits for: {len(wanted)} tracks at once, {len(keys)} runs with a key, one for each; a "
            f"Dag without keys saw {len(plain & set(wanted))} of them."
        )

    def flood(self, seconds: float, rate: int = 500) -> None:
        """Send bad tokens at a rate, and take the time of the health endpoint beside that."""
        idle = [self._health_seconds() for _ in range(50)]
        over = time.monotonic() + seconds
        answers: Counter[int] = Counter()
        senders = [threading.Thread(target=self._send_bad, args=(over, rate / 8, answers)) for _ in range(8)]
        for sender in senders:
            sender.start()
        flooded = []
        while time.monotonic() < over:
            flooded.append(self._health_seconds())
            time.sleep(0.1)
        for sender in senders:
            sender.join()
        self.figures.check(set(answers) == {404}, f"bad tokens were answered with {dict(answers)}")
        self.figures.lines.append(
            f"Bad tokens: {answers.total() / seconds:.0f} in a second for {seconds:g} s, all answered with 404; health "
            f"endpoint p95 {_p95(flooded) * 1000:.0f} ms beside {_p95(idle) * 1000:.0f} ms when idle."
        )

    def table(self, database: str) -> str:
        """Return the figures as text."""
        delays = self.figures.delays
        first = (
            f"On {database}: callback to the resumed task's poll p50 {statistics.median(delays):.2f} s, p95 "
            f"{_p95(delays):.2f} s, longest {max(delays):.2f} s, of {len(delays)}."
        )
        return "\n".join([first, *self.figures.lines])

    def _deferred(self, name: str, songs: int) -> tuple[str, list[str]]:
        """Start a run, and return it with its jobs once all wait and can be resumed at once."""
        self._say(name, f"submitting {songs} songs")
        known = {song["music_task_id"] for song in self._songs()}
        run_id = self._airflow.rest.trigger("called_back", {"songs": songs})
        self._until(lambda: Counter(task.state for task in self._tasks(run_id))["deferred"] == songs, "all wait")
        jobs = [song["music_task_id"] for song in self._songs() if song["music_task_id"] not in known]
        time.sleep(_HELD_BACK)
        self._say(name, "sending callbacks")
        return run_id, jobs

    def _check_run(self, name: str, run_id: str, jobs: Sequence[str], began: float | None = None) -> None:
        self._follow(run_id)
        tasks = self._tasks(run_id)
        states = Counter((task.state, task.try_number) for task in tasks)
        self.figures.check(states == {("success", 1): len(jobs)}, f"{name}: tasks ended as {dict(states)}")
        charges = Counter(song["charges"] for song in self._songs() if song["music_task_id"] in jobs)
        self.figures.check(charges == {1: len(jobs)}, f"{name}: charges {dict(charges)}")
        polls = self._polls()
        mean = sum(polls[job_id] for job_id in jobs) / len(jobs)
        took = "" if began is None else f", all ended after {time.monotonic() - began:.1f} s"
        self.figures.lines.append(f"{name}: {len(jobs)} tasks resumed, {mean:.2f} polls for each{took}.")
        self.figures.check("lost" in name or mean <= 2.5, f"{name}: {mean:.2f} polls for each song")

    def _follow(self, run_id: str) -> None:
        for _ in self._airflow.follow("called_back", run_id, timeout=600):
            pass

    def _send(self, job_id: str, times: int = 1) -> None:
        body = {"job_id": job_id, "stage": "complete", "times": times}
        requests.post(f"{self._simulator.url}/_sim/callbacks/send", json=body, timeout=60)

    def _send_bad(self, over: float, rate: float, answers: Counter[int]) -> None:
        forged = CallbackToken("suno_default", "music", "n", waits=False).signed("another secret than this one")
        urls = [f"{self._airflow.url}/suno/callback?suno_token={token}" for token in ("bad.token", forged)]
        with requests.Session() as session:
            session.trust_env = False
            while (began := time.monotonic()) < over:
                with suppress(requests.RequestException):
                    answers[session.post(urls[answers.total() % 2], b"{}", timeout=30).status_code] += 1
                time.sleep(max(0.0, began + 1 / rate - time.monotonic()))

    def _health_seconds(self) -> float:
        began = time.perf_counter()
        self._airflow.rest.health()
        return time.perf_counter() - began

    def _songs(self) -> list[dict[str, Any]]:
        songs: list[dict[str, Any]] = self._simulator.ledger()["songs"]
        return songs

    def _is_finished(self, song: dict[str, Any]) -> bool:
        found = (one["status"] for one in self._songs() if one["music_task_id"] == song["music_task_id"])
        return bool(next(found) == "SUCCESS")

    def _is_polled_again(self, job_id: str, before: int) -> bool:
        return self._polls()[job_id] > before

    def _reads(self) -> Iterator[dict[str, Any]]:
        return (entry for entry in self._simulator.ledger()["requests"] if entry["path"] == _RECORD_INFO)

    def _polls(self) -> Counter[str]:
        return Counter(entry["job_id"] for entry in self._reads())

    def _tasks(self, run_id: str) -> list[TaskState]:
        return [task for task in self._airflow.rest.task_states("called_back", run_id) if task.task_id == "generate"]

    def _results(self, dag_id: str, task_id: str) -> list[Any]:
        rest = self._airflow.rest
        with suppress(AirflowRestError):
            ended = [run_id for run_id in rest.run_ids(dag_id) if rest.run_state(dag_id, run_id) == "success"]
            return [rest.xcom(dag_id, run_id, task_id) for run_id in ended]
        return []

    def _keys(self) -> list[str]:
        return self._results("each_song", "key")

    def _seen_by_plain_dag(self) -> set[str]:
        return {audio_id for found in self._results("song_finished", "listen") for audio_id in found or []}

    def _until(self, condition: Callable[[], object], what: str, *, fails: bool = True) -> None:
        deadline = time.monotonic() + (_TIMEOUT if fails else 30)
        while time.monotonic() < deadline:
            self._airflow.check()
            with suppress(AirflowRestError, requests.RequestException):
                if condition():
                    return
            time.sleep(0.1)
        if fails:
            raise AirflowNotReadyError(f"it did not happen in {_TIMEOUT:g} s: {what}")


def _p95(seconds: Sequence[float]) -> float:
    return statistics.quantiles(seconds, n=20)[-1]


def main(argv: list[str] | None = None) -> int:
    """
    Run the checks.

    :param argv: arguments; those of the process if not given.
    :return: the exit code.
    """
    parser = argparse.ArgumentParser(prog="python -m reliability.callbacks", description=__doc__)
    parser.add_argument("--songs", type=int, default=12, help="callbacks sent one by one (default: %(default)s)")
    parser.add_argument("--at-once", type=int, default=20, help="callbacks at once (default: %(default)s)")
    parser.add_argument("--lost", type=int, default=0, help="also send as many, of which a tenth is lost")
    parser.add_argument("--flood", type=float, default=5, help="seconds of bad tokens (default: %(default)s)")
    parser.add_argument("--sqlite", action="store_true", help="use SQLite even if PostgreSQL is available")
    parser.add_argument("--keep", action="store_true", help="keep the logs and the ledger")
    arguments = parser.parse_args(argv)
    stop_on_signals()
    home = Path(tempfile.mkdtemp(prefix="suno-callbacks-")).resolve()
    home.chmod(0o711)  # PostgreSQL's user must be able to enter it
    keep = True
    try:
        violations = _run(home, arguments)
        keep = arguments.keep or bool(violations)
    except Stopped as stopped:
        print(f"\nEnded by {signal.Signals(stopped.number).name}; nothing is left running.", flush=True)
        keep = arguments.keep
        return 128 + stopped.number
    except (AirflowNotReadyError, AirflowRestError, ProcessFailedError, ProcessesLeftError) as error:
        print(f"\nThe test of callbacks could not run: {error}", file=sys.stderr, flush=True)
        return 1
    finally:
        if keep:
            print(f"Logs and ledger are in {home}", flush=True)
        else:
            shutil.rmtree(home, ignore_errors=True)
    return 1 if violations else 0


def _run(home: Path, arguments: argparse.Namespace) -> list[str]:
    print("Callbacks on a real Airflow and the simulator. No key is needed.\n", flush=True)
    with ExitStack() as services:
        progress = services.enter_context(Progress(silence=20))
        options = ("--credits", "1000000")
        simulator = services.enter_context(RunningSimulatorProcess(home / "simulator", 100, options=options))
        requests.post(f"{simulator.url}/_sim/callbacks", json={"held": True}, timeout=10).raise_for_status()
        found = None if arguments.sqlite else programs(partial(progress.say, "postgres"))
        postgres = services.enter_context(RunningPostgres(home / "database", found)) if found else None
        progress.say("airflow", f"starting on {'PostgreSQL' if postgres else 'SQLite'}")
        airflow = KeptAirflow(home / "airflow", postgres, {})
        connection = json.loads(next(iter(simulator.connection_env.values())))
        connection["extra"] |= {"callback_url": airflow.url, "callback_secret": _SECRET}
        airflow.env["AIRFLOW_CONN_SUNO_DEFAULT"] = json.dumps(connection)
        services.enter_context(airflow)
        airflow.wait_for_dags("called_back", "not_waited_for", "song_finished", "each_song")
        checks = Callbacks(airflow, simulator, progress.say)
        lost_run = checks.begin_lost_replies(3)
        checks.one_by_one(arguments.songs)
        checks.all_at_once(arguments.at_once)
        checks.while_it_is_down("api-server", 3)
        checks.while_it_is_down("triggerer", 3)
        progress.say("lost replies", "waiting for their retries")
        checks.end_lost_replies(lost_run, 3)
        progress.say("assets", "finishing songs that nobody waits for")
        checks.songs_start_dags(3)
        if arguments.lost:
            checks.all_at_once(arguments.lost, lost=arguments.lost // 10)
        progress.say("flood", "sending bad tokens")
        checks.flood(arguments.flood)
        (home / "ledger.json").write_text(json.dumps(simulator.ledger(), indent=1))
    print("\n" + checks.table("PostgreSQL" if postgres else "SQLite"), flush=True)
    for violation in checks.figures.violations:
        print(f"FAILED: {violation}", flush=True)
    return checks.figures.violations


if __name__ == "__main__":
    sys.exit(main())
