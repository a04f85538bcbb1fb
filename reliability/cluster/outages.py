"""Scenarios in which a part is cut off, is asked to end, or stays down."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterable
from itertools import pairwise

from reliability.cluster.deployment import API_SERVERS, TRIGGERERS, WORKERS
from reliability.cluster.redis import NAME as REDIS
from reliability.cluster.script import Script, after
from reliability.cluster.stage import CONNECTION, READ, SUBMIT, Row, Stage, longest_gap
from reliability.cluster.timers import default_timers
from reliability.killing import title
from reliability.verdict import Verdict

_WORKER = WORKERS[0]
_CUT = 75.0
"""Seconds: five times the heartbeat timeout of the short timers."""
_BROKER_DOWN = 60.0
_WITH_CONNECTION = (*API_SERVERS, *TRIGGERERS, *WORKERS)
_SECRET = "one-secret-for-callbacks"


def cut_off(stage: Stage) -> Row:
    """Cut a worker off from the API servers, for longer than the heartbeat timeout, while it submits and waits."""
    cluster, seen = stage.cluster, list[str]()
    stage.simulator.set_speed(1.5)
    cut: list[str] = []

    def begin() -> str | None:
        if len(stage.targets.tasks(_WORKER)) < 3 or not stage.targets.newly_connected(_WORKER):
            return None
        cut.extend(_ids(stage, _WORKER))
        cluster.network.cut(_WORKER, cluster.balancer.address)
        return f"cut {_WORKER} off from the API servers, with {len(cut)} tasks"

    def end() -> str:
        left = set(_ids(stage, _WORKER)) & set(cut)
        cluster.network.mend(_WORKER, cluster.balancer.address)
        seen.append(f"{len(cut)} tasks cut off, of which {len(left)} still ran after {_CUT:g} s")
        return f"mended; {len(left)} tasks of {_WORKER} still ran"

    script = Script(begin, after(_CUT, end))
    verdict = stage.play("waits_in_workers", 16, script)
    stage.simulator.set_speed(6)
    return _row("a worker cut off from the API servers for 75 s (heartbeat timeout 15 s)", verdict, script, seen)


def warm_shutdown(stage: Stage) -> Row:
    """Ask a worker to end while one of its tasks submits, and another one while its tasks wait."""

    def in_submission() -> str | None:
        return _terminate(stage, WORKERS[0]) if stage.targets.newly_connected(WORKERS[0]) else None

    def in_wait() -> str | None:
        return _terminate(stage, WORKERS[1]) if len(stage.targets.tasks(WORKERS[1])) >= 3 else None

    script = Script(in_submission, after(4, in_wait))
    verdict = stage.play("waits_in_workers", 24, script)
    seen = [f"{verdict.tries} tries"]
    return _row("SIGTERM to two workers: one in mid-submission, one in mid-wait", verdict, script, seen)


def scheduler_takeover(stage: Stage) -> Row:
    """Kill a scheduler for good, while songs are submitted."""
    return _scheduler_takeover(stage, "short timers")


def scheduler_takeover_default(stage: Stage) -> Row:
    """Do the same with Airflow's default timers."""
    with default_timers(stage):
        return _scheduler_takeover(stage, "Airflow's default timers")


def triggerer_takeover(stage: Stage) -> Row:
    """Kill a triggerer for good, while songs are waited for."""
    return _triggerer_takeover(stage, "short timers")


def triggerer_takeover_default(stage: Stage) -> Row:
    """Do the same with Airflow's default timers."""
    with default_timers(stage):
        return _triggerer_takeover(stage, "Airflow's default timers")


def broker_outage(stage: Stage) -> Row:
    """Stop Celery's broker for a while, as its upgrade does, while songs are submitted and waits end."""
    before = _logs(stage)

    def begin() -> str | None:
        if len(stage.requests(SUBMIT, began)) < 6:
            return None
        stage.down(REDIS)
        return "stopped the broker"

    def end() -> str:
        stage.up(REDIS)
        return "the broker starts again"

    began = time.time()
    script = Script(begin, after(_BROKER_DOWN, end))
    verdict = stage.play("waits_in_triggerers", 36, script)
    further = verdict.tries - verdict.songs
    silent = verdict.tries - (_logs(stage) - before - 1)  # the Dag's first task has a log, too
    seen = [f"{further} further tries; {silent} tries without a log, as the task was never run"]
    return _row(f"the broker stopped for {_BROKER_DOWN:g} s", verdict, script, seen)


def _logs(stage: Stage) -> int:
    """Return of how many tries there are logs so far."""
    logs = stage.cluster.home.glob("worker-*/logs/dag_id=waits_in_triggerers/**/attempt=*.log")
    return sum(log.stem.removeprefix("attempt=").isdigit() for log in logs)


def _scheduler_takeover(stage: Stage, timers: str) -> Row:
    def kill() -> str | None:
        return _stop(stage, "scheduler-1") if stage.targets.tasks_running() >= 6 else None

    script = Script(kill)
    verdict = stage.play("waits_in_workers", 36, script)
    stage.up("scheduler-1")
    seen = []
    for _, killed_at in script.times:
        submitted = [killed_at, *(one["wall"] for one in stage.requests(SUBMIT, killed_at))]
        gaps = [later - earlier for earlier, later in pairwise(submitted)]
        seen.append(f"at most {max(gaps, default=0):.0f} s between two submissions afterwards")
    return _row(f"one of two schedulers killed for good ({timers})", verdict, script, seen)


def _triggerer_takeover(stage: Stage, timers: str) -> Row:
    stage.simulator.set_speed(1.5)

    def kill() -> str | None:
        ledger = stage.simulator.ledger()["songs"]
        running = [song for song in ledger if song["status"] != "SUCCESS"]
        return _stop(stage, "triggerer-1") if len(running) >= 20 and not stage.targets.tasks_running() else None

    script = Script(kill)
    verdict = stage.play("waits_in_triggerers", 24, script)
    stage.simulator.set_speed(6)
    stage.up("triggerer-1")
    seen = []
    for _, killed_at in script.times:
        reads = stage.requests(READ, killed_at)
        seen.append(f"each wait polled again within {longest_gap(reads, killed_at):.0f} s")
    return _row(f"one of two triggerers killed for good ({timers})", verdict, script, seen)


def callbacks(stage: Stage) -> Row:
    """Send callbacks through two API servers, one of which is down."""
    cluster = stage.cluster
    connection = json.loads(cluster.env[CONNECTION])
    before = cluster.env[CONNECTION]
    connection["extra"] |= {"callback_url": cluster.balancer.url, "callback_secret": _SECRET}
    stage.change({CONNECTION: json.dumps(connection)}, _WITH_CONNECTION)
    stage.simulator.set_speed(2)
    began = time.time()

    def kill() -> str | None:
        if len(stage.requests(SUBMIT, began)) < 20 or stage.targets.tasks_running():
            return None
        return _stop(stage, "api-server-1")

    script = Script(kill)
    verdict = stage.play("waits_in_triggerers", 20, script)
    stage.up("api-server-1")
    stage.simulator.set_speed(6)
    ledger = stage.simulator.ledger()
    sent = [one for one in ledger["callbacks"] if one["stage"] == "complete" and one["url"].startswith(cluster.url)]
    taken = sum(one["taken"] for one in sent)
    polls = len(stage.requests(READ, began)) / max(1, verdict.songs)
    stage.change({CONNECTION: before}, _WITH_CONNECTION)
    seen = [f"{taken} of {len(sent)} callbacks taken, {polls:.1f} polls for each song"]
    return _row("callbacks, with one of two API servers down", verdict, script, seen)


def _stop(stage: Stage, component: str) -> str:
    stage.down(component)
    return f"killed {component} for good"


def _terminate(stage: Stage, worker: str) -> str | None:
    process = stage.cluster.processes.process(worker)
    if process is None:
        return None
    process.send_signal(signal.SIGTERM)
    return f"SIGTERM to {worker}, with {len(stage.targets.tasks(worker))} tasks"


def _ids(stage: Stage, worker: str) -> Iterable[str]:
    """Return the ids of the task instances that a worker runs."""
    return [title(task).rpartition(" ")[2] for task in stage.targets.tasks(worker)]


def _row(what: str, verdict: Verdict, script: Script, seen: list[str]) -> Row:
    if not script.over:
        verdict.missing.append(f"{what}: it did not come to that")
    return Row(what, verdict, seen)
