"""Scenarios with many songs, with Celery's redelivery, and with a Dag that changes."""

from __future__ import annotations

import os
import re
import time
from collections import Counter

import requests

from reliability.cluster.deployment import SCHEDULERS, WORKERS
from reliability.cluster.script import Script
from reliability.cluster.stage import READ, SUBMIT, Row, Stage
from reliability.verdict import Verdict

_VISIBILITY = "AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT"
_RECEIVED = re.compile(r"Task execute_workload\[([0-9a-f-]+)\] received")
_MANY = 300
_WAITS = 2000
_READ_LIMIT = 100
_WINDOW = 10.0


def redelivery(stage: Stage) -> Row:
    """Let Celery deliver tasks again while they still run: they last longer than its visibility timeout."""
    timeout = 20
    stage.change({_VISIBILITY: f"{timeout}"}, WORKERS)
    stage.simulator.set_speed(1)
    before = _received(stage)
    verdict = stage.play("waits_in_workers", 10, Script())
    stage.simulator.set_speed(6)
    received = _received(stage) - before
    again = sum(count - 1 for count in received.values())
    stage.change({_VISIBILITY: None}, WORKERS)
    if not again:
        verdict.missing.append("no task was delivered again")
    seen = [f"{again} redeliveries of {len(received)} messages, {verdict.tries} tries"]
    return Row(f"Celery's visibility timeout of {timeout} s, with songs that take 62 to 130 s", verdict, seen)


def deployed_in_flight(stage: Stage) -> Row:
    """Deploy another version of the Dag while its songs are submitted and waited for."""
    file = stage.cluster.dags_folder / "many_songs.py"
    began = time.time()
    deployed: list[float] = []

    def deploy() -> str | None:
        if len(stage.requests(SUBMIT, began)) < 8:
            return None
        text = file.read_text()
        file.write_text(text.replace('model="V5"', 'model="V5", doc="another version"'))
        deployed.append(time.time())
        return "deployed another version of the Dag"

    script = Script(deploy)
    verdict = stage.play("waits_in_triggerers", 36, script)
    later = len(stage.requests(SUBMIT, deployed[0])) if deployed else 0
    if not script.over:
        verdict.missing.append("no Dag was deployed")
    return Row("a Dag deployed in mid-flight", verdict, [f"{later} songs submitted after it"])


def many_submissions(stage: Stage) -> Row:
    """Submit 300 songs over three workers, without a pool."""
    return _many(stage, "submits", "without a pool")


def many_submissions_in_pool(stage: Stage) -> Row:
    """Submit 300 songs over three workers, in a pool of two slots."""
    stage.cluster.rest.create_pool("suno", 2)
    return _many(stage, "submits_in_pool", "in a pool of 2 slots")


def _many(stage: Stage, dag_id: str, how: str) -> Row:
    began = time.time()
    verdict = stage.play(dag_id, _MANY, Script(), timeout=1200)
    refused = stage.refusals(SUBMIT, began)
    took = time.time() - began
    seen = [f"{refused} submissions refused at 20 in 10 s", f"{verdict.tries - _MANY} further tries", f"{took:.0f} s"]
    return Row(f"{_MANY} submissions at once over three workers, {how}", verdict, seen)


def many_waits(stage: Stage) -> Row:
    """
    Wait for 2,000 songs in two triggerers, each with half of what the account allows.

    The waits are written to the database as if workers had deferred them, and end with the event that resumes them:
    workers and schedulers are down, as 4,000 starts of a task would say nothing about the triggerers.
    """
    cluster = stage.cluster
    os.environ.update(cluster.env)
    from benchmarks import deferred

    stage.set_service(account_read_limit=_READ_LIMIT)
    for component in (*SCHEDULERS, *WORKERS):
        stage.down(component)
    began = time.time()
    songs = _seed(stage, _WAITS)
    deferred.defer(songs)
    stage.say(f"{_WAITS} waits")
    deadline = time.monotonic() + 1500
    while (waiting := deferred.still_deferred()) and time.monotonic() < deadline:
        cluster.check()
        time.sleep(5)
    left = deferred.left()
    reads = stage.requests(READ, began)
    statuses = Counter(one.status for one in left.values())
    verdict = Verdict(songs=_WAITS)
    verdict.hung += [f"{waiting} waits did not end"] if waiting else []
    verdict.failed += [f"waits ended as {dict(statuses)}"] if statuses != {"finished": _WAITS} else []
    most = most_in_a_window([one["wall"] for one in reads])
    refused = stage.refusals(READ, began)
    stage.set_service(account_read_limit=None)
    for component in (*SCHEDULERS, *WORKERS):
        stage.up(component)
    seen = [f"{len(reads)} polls, at most {most} in 10 s, {refused} refused; {time.time() - began:.0f} s"]
    return Row(f"{_WAITS} waits in two triggerers, {_READ_LIMIT} polls in 10 s allowed", verdict, seen)


def _seed(stage: Stage, count: int) -> dict[str, float]:
    """Make songs free of charge, and return when each was submitted, by its id."""
    songs: dict[str, float] = {}
    with requests.Session() as session:
        session.trust_env = False
        for number in range(count):
            body = {"prompt": f"waited for {number}", "status": "PENDING"}
            reply = session.post(f"{stage.simulator.url}/_sim/tasks", json=body, timeout=30)
            reply.raise_for_status()
            songs[reply.json()["music_task_id"]] = time.time()
    return songs


def most_in_a_window(times: list[float], seconds: float = _WINDOW) -> int:
    """
    Return the most events in a window of time.

    :param times: when they happened.
    :param seconds: length of the window.
    """
    ordered = sorted(times)
    first = most = 0
    for number, at in enumerate(ordered):
        while ordered[first] <= at - seconds:
            first += 1
        most = max(most, number - first + 1)
    return most


def _received(stage: Stage) -> Counter[str]:
    """Return how often each of Celery's messages was received by a worker."""
    logs = (stage.cluster.processes.log_file(worker).read_text(errors="replace") for worker in WORKERS)
    return Counter(message for log in logs for message in _RECEIVED.findall(log))
