"""Scenarios in which a part is cut off, is asked to end, or stays down."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterable

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
        # It looks for tasks of dead schedulers every 300 s.
        return _scheduler_takeover(stage, "Airflow's default timers", timeout=900)


def triggerer_takeover(stage: Stage) -> Row:
    """Kill a triggerer for good, while songs are waited for."""
    return _triggerer_takeover(stage, "short timers")


def triggerer_takeover_default(stage: Stage) -> Row:
    """Do the same with Airflow's default timers."""
    with default_timers(stage):
        return _triggerer_takeover(stage, "Airflow's default timers", speed=0.7)


def broker_outage(stage: Stage) -> Row:
    """Stop Celery's broker for a while, as its upgrade does, while songs are submitted and waits end."""
    before = len(_logs(stage))

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
    silent = verdict.tries - (len(_logs(stage)) - before - 1)  # the Dag's first task has a log, too
    seen = [f"{further} further tries; {silent} tries without a log, as the task was never run"]
    return _row(f"the broker stopped for {_BROKER_DOWN:g} s", verdict, script, seen)


def _logs(stage: Stage) -> set[str]:
    """Return the tries of which there are logs so far. One that is resumed on another worker has a log on both."""
    folders = [stage.cluster.home / worker / "logs" for worker in WORKERS]
    logs = ((log, folder) for folder in folders for log in folder.glob("dag_id=waits_in_triggerers/**/attempt=*.log"))
    return {f"{log.relative_to(folder)}" for log, folder in logs if log.stem.removeprefix("attempt=").isdigit()}


def _scheduler_takeover(stage: Stage, timers: str, timeout: float | None = None) -> Row:
    dag_id = "waits_in_workers"
    queued: set[int] = set()

    def queued_now() -> set[int]:
        """Return which songs no worker has yet, although a scheduler has queued them."""
        rest = stage.cluster.rest
        return {task.map_index for task in rest.task_states(dag_id, rest.run_ids(dag_id)[-1]) if task.state == "queued"}

    def kill() -> str | None:
        if stage.targets.tasks_running() < 4:
            return None
        queued.update(queued_now())
        return _stop(stage, "scheduler-1") if queued else None

    def taken_over() -> str | None:
        if queued & queued_now():
            return None
        after = time.time() - script.times[0][0]
        return f"{len(queued)} tasks were queued then, and the last of them ran after {after:.0f} s"

    script = Script(kill, taken_over)
    verdict = stage.play(dag_id, 36, script, timeout)
    stage.up("scheduler-1")
    return _row(f"one of two schedulers killed for good ({timers})", verdict, script, script.done[1:])


def _triggerer_takeover(stage: Stage, timers: str, speed: float = 1.5) -> Row:
    stage.simulator.set_speed(speed)
    dag_id, songs = "waits_in_triggerers", 24
    held: dict[int, int] = {}

    def holders() -> dict[int, int]:
        """Return which triggerer holds each wait, by map index."""
        rest = stage.cluster.rest
        tasks = rest.task_instances(dag_id, rest.run_ids(dag_id)[-1])
        waits = [task for task in tasks if task["state"] == "deferred" and task["trigger"]]
        return {task["map_index"]: task["trigger"]["triggerer_id"] for task in waits}

    def kill() -> str | None:
        if stage.targets.tasks_running():
            return None
        held.update(holders())
        both = set(held.values()) - {None}
        return _stop(stage, "triggerer-1") if len(held) >= songs - 4 and len(both) == 2 else None

    def taken_over() -> str | None:
        now = holders()
        moved = [index for index, holder in now.items() if holder is not None and holder != held.get(index)]
        if not moved or len(set(now.values())) > 1:
            return None
        return f"{len(moved)} waits taken over, the last after {time.time() - script.times[0][0]:.0f} s"

    script = Script(kill, taken_over)
    verdict = stage.play(dag_id, songs, script)
    stage.simulator.set_speed(6)
    stage.up("triggerer-1")
    seen = script.done[1:]
    for killed_at, _ in script.times[:1]:
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
    began, songs = time.time(), 20

    def kill() -> str | None:
        if len(stage.requests(SUBMIT, began)) < songs or stage.targets.tasks_running():
            return None
        return _stop(stage, "api-server-1")

    script = Script(kill)
    verdict = stage.play("waits_in_triggerers", songs, script)
    stage.up("api-server-1")
    stage.simulator.set_speed(6)
    ledger = stage.simulator.ledger()
    sent = [one for one in ledger["callbacks"] if one["stage"] == "complete" and one["url"].startswith(cluster.url)]
    taken = sum(one["taken"] for one in sent)
    if not taken == len(sent) == songs:
        verdict.failed.append(f"{taken} of {len(sent)} callbacks were taken, for {songs} songs")
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
