"""Scenarios in which a part is cut off, is asked to end, or stays down."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterable

from reliability.cluster.deployment import API_SERVERS, TRIGGERERS, WORKERS
from reliability.cluster.redis import NAME as REDIS
from reliability.cluster.steps import Steps, after
from reliability.cluster.testbed import CONNECTION, READ, SUBMIT, Row, Testbed, longest_gap
from reliability.cluster.timers import default_timers
from reliability.killing import title
from reliability.verdict import Verdict

_WORKER = WORKERS[0]
_CUT = 75.0
"""Seconds: five times the heartbeat timeout of the short timers."""
_BROKER_DOWN = 60.0
_WITH_CONNECTION = (*API_SERVERS, *TRIGGERERS, *WORKERS)
_SECRET = "one-secret-for-callbacks"


def cut_off(testbed: Testbed) -> Row:
    """Cut a worker off from the API servers, for longer than the heartbeat timeout, while it submits and waits."""
    cluster, seen = testbed.cluster, list[str]()
    testbed.simulator.set_speed(1.5)
    cut: list[str] = []

    def begin() -> str | None:
        if len(testbed.targets.tasks(_WORKER)) < 3 or not testbed.targets.newly_connected(_WORKER):
            return None
        cut.extend(_ids(testbed, _WORKER))
        cluster.network.cut(_WORKER, cluster.balancer.address)
        return f"cut {_WORKER} off from the API servers, with {len(cut)} tasks"

    def end() -> str:
        left = set(_ids(testbed, _WORKER)) & set(cut)
        cluster.network.mend(_WORKER, cluster.balancer.address)
        seen.append(f"{len(cut)} tasks cut off, of which {len(left)} still ran after {_CUT:g} s")
        return f"mended; {len(left)} tasks of {_WORKER} still ran"

    steps = Steps(begin, after(_CUT, end))
    verdict = testbed.run("waits_in_workers", 16, steps)
    testbed.simulator.set_speed(6)
    return _row("a worker cut off from the API servers for 75 s (heartbeat timeout 15 s)", verdict, steps, seen)


def warm_shutdown(testbed: Testbed) -> Row:
    """Ask a worker to end while one of its tasks submits, and another one while its tasks wait."""

    def in_submission() -> str | None:
        return _terminate(testbed, WORKERS[0]) if testbed.targets.newly_connected(WORKERS[0]) else None

    def in_wait() -> str | None:
        return _terminate(testbed, WORKERS[1]) if len(testbed.targets.tasks(WORKERS[1])) >= 3 else None

    steps = Steps(in_submission, after(4, in_wait))
    verdict = testbed.run("waits_in_workers", 24, steps)
    seen = [f"{verdict.tries} tries"]
    return _row("SIGTERM to two workers: one in mid-submission, one in mid-wait", verdict, steps, seen)


def scheduler_takeover(testbed: Testbed) -> Row:
    """Kill a scheduler for good, while songs are submitted."""
    return _scheduler_takeover(testbed, "short timers")


def scheduler_takeover_default(testbed: Testbed) -> Row:
    """Do the same with Airflow's default timers."""
    with default_timers(testbed):
        # It looks for tasks of dead schedulers every 300 s.
        return _scheduler_takeover(testbed, "Airflow's default timers", timeout=900)


def triggerer_takeover(testbed: Testbed) -> Row:
    """Kill a triggerer for good, while songs are waited for."""
    return _triggerer_takeover(testbed, "short timers")


def triggerer_takeover_default(testbed: Testbed) -> Row:
    """Do the same with Airflow's default timers."""
    with default_timers(testbed):
        return _triggerer_takeover(testbed, "Airflow's default timers", speed=0.7)


def broker_outage(testbed: Testbed) -> Row:
    """Stop Celery's broker for a while, as its upgrade does, while songs are submitted and waits end."""
    before = len(_logs(testbed))

    def begin() -> str | None:
        if len(testbed.requests(SUBMIT, began)) < 6:
            return None
        testbed.down(REDIS)
        return "stopped the broker"

    def end() -> str:
        testbed.up(REDIS)
        return "the broker starts again"

    began = time.time()
    steps = Steps(begin, after(_BROKER_DOWN, end))
    verdict = testbed.run("waits_in_triggerers", 36, steps)
    further = verdict.tries - verdict.songs
    silent = verdict.tries - (len(_logs(testbed)) - before - 1)  # the Dag's first task has a log, too
    seen = [f"{further} further tries; {silent} tries without a log, as the task was never run"]
    return _row(f"the broker stopped for {_BROKER_DOWN:g} s", verdict, steps, seen)


def _logs(testbed: Testbed) -> set[str]:
    """Return the tries of which there are logs so far. One that is resumed on another worker has a log on both."""
    folders = [testbed.cluster.home / worker / "logs" for worker in WORKERS]
    logs = ((log, folder) for folder in folders for log in folder.glob("dag_id=waits_in_triggerers/**/attempt=*.log"))
    return {f"{log.relative_to(folder)}" for log, folder in logs if log.stem.removeprefix("attempt=").isdigit()}


def _scheduler_takeover(testbed: Testbed, timers: str, timeout: float | None = None) -> Row:
    dag_id = "waits_in_workers"
    queued: set[int] = set()

    def queued_now() -> set[int]:
        """Return which songs no worker has yet, although a scheduler has queued them."""
        rest = testbed.cluster.rest
        return {task.map_index for task in rest.task_states(dag_id, rest.run_ids(dag_id)[-1]) if task.state == "queued"}

    def kill() -> str | None:
        if testbed.targets.tasks_running() < 4:
            return None
        queued.update(queued_now())
        return _stop(testbed, "scheduler-1") if queued else None

    def taken_over() -> str | None:
        if queued & queued_now():
            return None
        took = time.time() - steps.times[0][0]
        return f"tasks that were queued then: {len(queued)}; the last of them ran after {took:.0f} s"

    steps = Steps(kill, taken_over)
    verdict = testbed.run(dag_id, 36, steps, timeout)
    testbed.up("scheduler-1")
    return _row(f"one of two schedulers killed for good ({timers})", verdict, steps, steps.done[1:])


def _triggerer_takeover(testbed: Testbed, timers: str, speed: float = 1.5) -> Row:
    testbed.simulator.set_speed(speed)
    dag_id, songs = "waits_in_triggerers", 24
    held: dict[int, int] = {}

    def holders() -> dict[int, int]:
        """Return which triggerer holds each wait, by map index."""
        rest = testbed.cluster.rest
        tasks = rest.task_instances(dag_id, rest.run_ids(dag_id)[-1])
        waits = [task for task in tasks if task["state"] == "deferred" and task["trigger"]]
        return {task["map_index"]: task["trigger"]["triggerer_id"] for task in waits}

    def kill() -> str | None:
        if testbed.targets.tasks_running():
            return None
        held.update(holders())
        both = set(held.values()) - {None}
        return _stop(testbed, "triggerer-1") if len(held) >= songs - 4 and len(both) == 2 else None

    def taken_over() -> str | None:
        now = holders()
        moved = [index for index, holder in now.items() if holder is not None and holder != held.get(index)]
        if not moved or len(set(now.values())) > 1:
            return None
        return f"waits taken over: {len(moved)}, the last after {time.time() - steps.times[0][0]:.0f} s"

    steps = Steps(kill, taken_over)
    verdict = testbed.run(dag_id, songs, steps)
    testbed.simulator.set_speed(6)
    testbed.up("triggerer-1")
    seen = steps.done[1:]
    for killed_at, _ in steps.times[:1]:
        reads = testbed.requests(READ, killed_at)
        seen.append(f"each wait polled again within {longest_gap(reads, killed_at):.0f} s")
    return _row(f"one of two triggerers killed for good ({timers})", verdict, steps, seen)


def callbacks(testbed: Testbed) -> Row:
    """Send callbacks through two API servers, one of which is down."""
    cluster = testbed.cluster
    connection = json.loads(cluster.env[CONNECTION])
    connection["extra"] |= {"callback_url": cluster.balancer.url, "callback_secret": _SECRET}
    testbed.change({CONNECTION: json.dumps(connection)}, _WITH_CONNECTION)
    testbed.simulator.set_speed(2)
    began, songs = time.time(), 20

    def kill() -> str | None:
        if len(testbed.requests(SUBMIT, began)) < songs or testbed.targets.tasks_running():
            return None
        return _stop(testbed, "api-server-1")

    steps = Steps(kill)
    verdict = testbed.run("waits_in_triggerers", songs, steps)
    testbed.up("api-server-1")
    testbed.simulator.set_speed(6)
    ledger = testbed.simulator.ledger()
    sent = [one for one in ledger["callbacks"] if one["stage"] == "complete" and one["url"].startswith(cluster.url)]
    taken = sum(one["taken"] for one in sent)
    if not taken == len(sent) == songs:
        verdict.failed.append(f"{taken} of {len(sent)} callbacks were taken, for {songs} songs")
    polls = len(testbed.requests(READ, began)) / max(1, verdict.songs)
    testbed.change({}, _WITH_CONNECTION)
    seen = [f"{taken} of {len(sent)} callbacks taken, {polls:.1f} polls for each song"]
    return _row("callbacks, with one of two API servers down", verdict, steps, seen)


def _stop(testbed: Testbed, component: str) -> str:
    testbed.down(component)
    return f"killed {component} for good"


def _terminate(testbed: Testbed, worker: str) -> str | None:
    process = testbed.cluster.processes.process(worker)
    if process is None:
        return None
    process.send_signal(signal.SIGTERM)
    return f"SIGTERM to {worker}, with {len(testbed.targets.tasks(worker))} tasks"


def _ids(testbed: Testbed, worker: str) -> Iterable[str]:
    """Return the ids of the task instances that a worker runs."""
    return [title(task).rpartition(" ")[2] for task in testbed.targets.tasks(worker)]


def _row(what: str, verdict: Verdict, steps: Steps, seen: list[str]) -> Row:
    if not steps.over:
        verdict.missing.append(f"{what}: it did not come to that")
    return Row(what, verdict, seen)
