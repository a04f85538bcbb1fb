"""Scenarios in which a part is cut off, is asked to end, or stays down."""

from __future__ import annotations

import json
import signal
import time

from reliability.cluster.deployment import API_SERVERS, SCHEDULERS, SLOTS, TRIGGERERS, WORKERS
from reliability.cluster.redis import NAME as REDIS
from reliability.cluster.steps import Steps, after
from reliability.cluster.testbed import CONNECTION, READ, SUBMIT, Row, Testbed, longest_gap
from reliability.deployment import SHORT_TIMERS
from reliability.killing import title
from reliability.verdict import Verdict

_IN_WORKERS = "waits_in_workers"
_IN_TRIGGERERS = "waits_in_triggerers"
_WORKER = WORKERS[0]
_CUT = 75.0
"""Seconds: five times the heartbeat timeout of the short timers."""
_BROKER_DOWN = 60.0
_WITH_CONNECTION = (*API_SERVERS, *TRIGGERERS, *WORKERS)
_MOST_POLLS = 1.5
"""For each song that is resumed by its callback: one poll checks what the callback says, and a few come before it."""
_SECRET = "one-secret-for-callbacks"


def cut_off(testbed: Testbed) -> Row:
    """Cut a worker off from the API servers, for longer than the heartbeat timeout, while it submits and waits."""
    cluster = testbed.cluster
    testbed.simulator.set_speed(1.5)
    cut: dict[str, int] = {}
    """Ids and map indexes of the tasks."""
    replaced: set[int] = set()

    def begin() -> str | None:
        if len(testbed.targets.tasks(_WORKER)) < 3 or not testbed.targets.newly_connected(_WORKER):
            return None
        running = _ids(testbed, _WORKER)
        cut.update({task.id: task.map_index for task in testbed.task_states(_IN_WORKERS) if task.id in running})
        cluster.network.cut(_WORKER, cluster.balancer.address)
        return f"cut {_WORKER} off from the API servers, with {len(cut)} tasks"

    def end() -> str:
        left = _ids(testbed, _WORKER) & cut.keys()
        cluster.network.mend()
        return f"mended; of {len(cut)} tasks that were cut off {len(left)} still ran after {_CUT:g} s"

    end_in_time = after(_CUT, end)

    def watch() -> str | None:
        """Note which tasks run beside their replacements, until the cut ends."""
        states = testbed.task_states(_IN_WORKERS)
        replacements = {task.map_index for task in states if task.state == "running" and task.id not in cut}
        still_run = {cut[task_id] for task_id in _ids(testbed, _WORKER) & cut.keys()}
        replaced.update(still_run & replacements)
        return end_in_time()

    steps = Steps(begin, watch, may_cost_replies=True)
    verdict = testbed.run(_IN_WORKERS, 16, steps)
    if not replaced:
        verdict.missing.append("no task that was cut off ran beside its replacement")
    seen = [*steps.done[1:], f"tasks that ran beside their replacement: {len(replaced)}"]
    return _row("a worker cut off from the API servers for 75 s (heartbeat timeout 15 s)", verdict, steps, seen)


def warm_shutdown(testbed: Testbed) -> Row:
    """Ask a worker to end while one of its tasks submits, and another one while its tasks wait."""

    def in_submission() -> str | None:
        return _terminate(testbed, WORKERS[0]) if testbed.targets.newly_connected(WORKERS[0]) else None

    def in_wait() -> str | None:
        return _terminate(testbed, WORKERS[1]) if len(testbed.targets.tasks(WORKERS[1])) >= 3 else None

    steps = Steps(in_submission, after(4, in_wait))
    verdict = testbed.run(_IN_WORKERS, 24, steps)
    further = verdict.tries - verdict.songs
    if further:
        verdict.failed.append(f"{further} further tries: a worker ended before its tasks")
    seen = [*steps.done, f"{further} further tries"]
    return _row("SIGTERM to two workers: one in mid-submission, one in mid-wait", verdict, steps, seen)


def scheduler_takeover(testbed: Testbed) -> Row:
    """Kill the scheduler that has queued all tasks, for good, while they wait for their songs in workers."""
    return _scheduler_takeover(testbed, "short timers", speed=1)


def scheduler_takeover_default(testbed: Testbed) -> Row:
    """Do the same with Airflow's default timers, with which it looks for tasks of dead schedulers every 300 s."""
    _use_default_timers(testbed)
    return _scheduler_takeover(testbed, "Airflow's default timers", speed=0.3, timeout=900)


def triggerer_takeover(testbed: Testbed) -> Row:
    """Kill a triggerer for good, while songs are waited for."""
    return _triggerer_takeover(testbed, "short timers")


def triggerer_takeover_default(testbed: Testbed) -> Row:
    """Do the same with Airflow's default timers."""
    _use_default_timers(testbed)
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
    verdict = testbed.run(_IN_TRIGGERERS, 36, steps)
    further = verdict.tries - verdict.songs
    silent = verdict.tries - (len(_logs(testbed)) - before - 1)  # the Dag's first task has a log, too
    seen = [f"{further} further tries; {silent} tries without a log, as the task was never run"]
    return _row(f"the broker stopped for {_BROKER_DOWN:g} s", verdict, steps, seen)


def _logs(testbed: Testbed) -> set[str]:
    """Return the tries of which there are logs so far. One that is resumed on another worker has a log on both."""
    folders = [testbed.cluster.home / worker / "logs" for worker in WORKERS]
    logs = ((log, folder) for folder in folders for log in folder.glob(f"dag_id={_IN_TRIGGERERS}/**/attempt=*.log"))
    return {f"{log.relative_to(folder)}" for log, folder in logs if log.stem.removeprefix("attempt=").isdigit()}


def _use_default_timers(testbed: Testbed) -> None:
    # The API servers judge by them whether the others are healthy.
    testbed.change(dict.fromkeys(SHORT_TIMERS), (*API_SERVERS, *SCHEDULERS, *TRIGGERERS, *WORKERS))


def _scheduler_takeover(testbed: Testbed, timers: str, speed: float, timeout: float | None = None) -> Row:
    testbed.simulator.set_speed(speed)
    first, second = SCHEDULERS
    held: dict[int, int] = {}
    started: list[float] = []

    def start_second() -> str | None:
        if testbed.targets.tasks_running() < SLOTS:
            return None
        started.append(time.time())
        testbed.up(second)
        return f"starts {second}"

    def kill() -> str | None:
        if not any(at.timestamp() > started[0] for at in testbed.cluster.rest.started_jobs("SchedulerJob")):
            return None
        held.update(testbed.schedulers_of_tasks(_IN_WORKERS))
        return _stop(testbed, first)

    def taken_over() -> str | None:
        now = {index: job for index, job in testbed.schedulers_of_tasks(_IN_WORKERS).items() if index in held}
        moved = [index for index, job in now.items() if job != held[index]]
        if len(moved) < len(now) or not moved:
            return None
        took = time.time() - steps.taken[1][0]
        still_ran = "all of them" if len(moved) == len(held) else f"{len(moved)} of them"
        return f"it had {len(held)} tasks; the other one took over {still_ran} after {took:.0f} s"

    testbed.down(second)
    steps = Steps(start_second, kill, taken_over)
    verdict = testbed.run(_IN_WORKERS, SLOTS, steps, timeout)
    seen = [*steps.done[2:], f"{verdict.tries - verdict.songs} further tries"]
    return _row(f"the scheduler that had queued all tasks killed for good ({timers})", verdict, steps, seen)


def _triggerer_takeover(testbed: Testbed, timers: str, speed: float = 1.5) -> Row:
    testbed.simulator.set_speed(speed)
    songs = 24
    held: dict[int, int] = {}

    def holders() -> dict[int, int]:
        """Return which triggerer holds each wait, by map index."""
        rest = testbed.cluster.rest
        tasks = rest.task_instances(_IN_TRIGGERERS, rest.run_ids(_IN_TRIGGERERS)[-1])
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
        return f"waits taken over: {len(moved)}, the last after {time.time() - steps.taken[0][0]:.0f} s"

    steps = Steps(kill, taken_over)
    verdict = testbed.run(_IN_TRIGGERERS, songs, steps)
    seen = steps.done[1:]
    for killed_at, _ in steps.taken[:1]:
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
    verdict = testbed.run(_IN_TRIGGERERS, songs, steps)
    ledger = testbed.simulator.ledger()
    sent = [one for one in ledger["callbacks"] if one["stage"] == "complete" and one["url"].startswith(cluster.url)]
    taken = sum(one["taken"] for one in sent)
    if not taken == len(sent) == songs:
        verdict.failed.append(f"{taken} of {len(sent)} callbacks were taken, for {songs} songs")
    polls = len(testbed.requests(READ, began)) / max(1, verdict.songs)
    if polls > _MOST_POLLS:
        verdict.failed.append(f"{polls:.1f} polls for each song: songs were found by polling, not by their callbacks")
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


def _ids(testbed: Testbed, worker: str) -> set[str]:
    """Return the ids of the task instances that a worker runs."""
    return {title(task).rpartition(" ")[2] for task in testbed.targets.tasks(worker)}


def _row(what: str, verdict: Verdict, steps: Steps, seen: list[str]) -> Row:
    verdict.missing += steps.missing
    return Row(what, verdict, seen)
