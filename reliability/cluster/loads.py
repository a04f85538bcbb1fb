"""Scenarios with many songs, with Celery's redelivery, and with a Dag that changes."""

from __future__ import annotations

import json
import os
import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import requests

from reliability.cluster.deployment import SCHEDULERS, TRIGGERERS, WORKERS
from reliability.cluster.steps import Steps, after
from reliability.cluster.testbed import CONNECTION, READ, SUBMIT, Row, Testbed
from reliability.deployment import SHORT_TIMERS
from reliability.killing import kill, with_all
from reliability.round import reattached
from reliability.verdict import Song, Waited, judge

if TYPE_CHECKING:
    from reliability.deferred import Resumed

Seeded = tuple[str, str, float]
"""The id of a song, its prompt, and when it was made, in epoch seconds."""

_VISIBILITY = "AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT"
_VISIBLE_AFTER = 20
_REDELIVERED = 10
"""Songs of the scenarios in which Celery delivers tasks again."""
_TOKEN = "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT"
"""How long the token is valid with which a task begins."""

_RECEIVED = re.compile(r"Task execute_workload\[([0-9a-f-]+)\] received")
_MANY = 300
_WAITS = 2000
_READ_LIMIT = 100
_POLL_LIMIT = 45
"""For each of two triggerers: what the guide advises for an account that allows 100 reads in 10 s."""
_SUBMIT_LIMIT = 20
_POOL_SLOTS = 6
"""Two for each second that a task holds its slot: on this machine it holds it for nearly three."""
_WINDOW = 10.0


def redelivery(testbed: Testbed) -> Row:
    """
    Let Celery deliver tasks again while they still run, as they last longer than its visibility timeout.

    A worker is killed with its tasks, too: what it had not acknowledged comes back while their retries run.
    """
    lost: list[int] = []
    began = time.time()

    def submitted() -> str | None:
        return "all songs are submitted" if len(testbed.requests(SUBMIT, began)) >= _REDELIVERED else None

    def lose() -> str | None:
        worker, tasks = testbed.cluster.processes.process(WORKERS[0]), testbed.targets.tasks(WORKERS[0])
        if worker is None or len(tasks) < 2:
            return None
        lost.append(len(tasks))
        kill(with_all(worker))
        return f"killed {WORKERS[0]} with {len(tasks)} tasks"

    testbed.change({_TOKEN: None}, SCHEDULERS)
    steps = Steps(submitted, after(2, lose))
    row, further, again = _redelivered(testbed, steps, "songs that take 62 to 130 s, and a worker killed")
    if again <= sum(lost):
        row.verdict.missing.append("no task that still ran was delivered again")
    if further > sum(lost):
        row.verdict.failed.append(f"{further} further tries, although a worker with only {sum(lost)} tasks was lost")
    row.seen.append(f"{sum(lost)} tasks killed")
    return row


def late_redelivery(testbed: Testbed) -> Row:
    """Let Celery deliver tasks again after the token that lets a task begin has expired, while they still run."""
    row, further, _ = _redelivered(testbed, Steps(), f"tasks whose tokens are valid for {SHORT_TIMERS[_TOKEN]} s")
    if not further:
        row.verdict.missing.append("no task had a further try: no token had expired")
    return row


def _redelivered(testbed: Testbed, steps: Steps, what: str) -> tuple[Row, int, int]:
    """Return the row, how many further tries the songs' tasks had, and how many messages came more than once."""
    testbed.change({_VISIBILITY: f"{_VISIBLE_AFTER}"}, WORKERS)
    testbed.simulator.set_speed(1)
    before, reattached_before = _received(testbed), reattached(testbed.cluster.home)
    verdict = testbed.run("waits_in_workers", _REDELIVERED, steps)
    verdict.missing += steps.missing
    further = verdict.tries - verdict.songs
    received = _received(testbed) - before
    again = sum(count > 1 for count in received.values())
    seen = [
        f"{again} of {len(received)} messages delivered more than once",
        f"{further} further tries, {reattached(testbed.cluster.home) - reattached_before} re-attached",
    ]
    return Row(f"Celery's visibility timeout of {_VISIBLE_AFTER} s, with {what}", verdict, seen), further, again


def deployed_in_flight(testbed: Testbed) -> Row:
    """Deploy another version of the Dag while its songs are submitted and waited for."""
    file = testbed.cluster.dags_folder / "many_songs.py"
    began = time.time()
    deployed: list[float] = []

    def deploy() -> str | None:
        if len(testbed.requests(SUBMIT, began)) < 8:
            return None
        text = file.read_text()
        file.write_text(text.replace('model="V5"', 'model="V5", doc="another version"'))
        deployed.append(time.time())
        return "deployed another version of the Dag"

    def read() -> str | None:
        later = testbed.cluster.rest.dag_versions("waits_in_triggerers")
        return f"Airflow has read it: {later} versions" if later > versions else None

    versions = testbed.cluster.rest.dag_versions("waits_in_triggerers")
    steps = Steps(deploy, read)
    verdict = testbed.run("waits_in_triggerers", 36, steps)
    later = len(testbed.requests(SUBMIT, deployed[0])) if deployed else 0
    verdict.missing += steps.missing
    return Row("a Dag deployed in mid-flight", verdict, [f"{later} submissions after it"])


def many_submissions(testbed: Testbed) -> Row:
    """Submit 300 songs over three workers, without a pool."""
    return _many(testbed, "submits", "without a pool")


def many_submissions_in_pool(testbed: Testbed) -> Row:
    """Submit 300 songs over three workers, in a pool of as many slots as the guide advises."""
    testbed.cluster.rest.create_pool("suno", _POOL_SLOTS)
    return _many(testbed, "submits_in_pool", f"in a pool of {_POOL_SLOTS} slots")


def _many(testbed: Testbed, dag_id: str, how: str) -> Row:
    began = time.time()
    verdict = testbed.run(dag_id, _MANY, Steps(), timeout=1200)
    refused = testbed.refusals(SUBMIT, began)
    accepted = [one["wall"] for one in testbed.requests(SUBMIT, began) if one["code"] == 200]
    seen = [
        f"{refused} submissions refused at {_SUBMIT_LIMIT} in 10 s",
        f"{verdict.tries - _MANY} further tries",
        f"{accepted[-1] - accepted[0]:.0f} s from the first to the last one accepted",
        f"the account allows no less than {(_MANY - 1) // _SUBMIT_LIMIT * _WINDOW:.0f} s",
    ]
    return Row(f"{_MANY} submissions at once over three workers, {how}", verdict, seen)


def many_waits(testbed: Testbed) -> Row:
    """
    Wait for 2,000 songs in two triggerers, each with its share of what the account allows.

    The waits are written to the database as if workers had deferred them, and end with the event that resumes them:
    workers and schedulers are down, as 4,000 starts of a task would say nothing about the triggerers.
    """
    cluster = testbed.cluster
    os.environ.update(cluster.env)
    from reliability import deferred

    connection = json.loads(cluster.env[CONNECTION])
    connection["extra"] |= {"poll_limit": _POLL_LIMIT}
    testbed.change({CONNECTION: json.dumps(connection)}, TRIGGERERS)
    testbed.set_service(account_read_limit=_READ_LIMIT)
    testbed.simulator.set_speed(1)
    for component in (*SCHEDULERS, *WORKERS):
        testbed.down(component)
    began = time.time()
    waits = _seed(testbed, _WAITS)
    deferred.defer({music_task_id: submitted_at for music_task_id, _, submitted_at in waits})
    testbed.say(f"{_WAITS} waits")
    deadline = time.monotonic() + 1500
    while deferred.still_deferred() and time.monotonic() < deadline:
        cluster.check()
        time.sleep(5)
    took = time.time() - began
    verdict = judge(_songs(waits, deferred.resumed()), testbed.simulator.ledger())
    most = most_in_a_window([one["wall"] for one in testbed.requests(READ, began)])
    refused = testbed.refusals(READ, began)
    if refused or most > _READ_LIMIT:
        verdict.failed.append(f"the account's limit was not kept: {most} polls in 10 s, {refused} refused")
    seen = [f"{len(testbed.requests(READ, began))} polls, at most {most} in 10 s, {refused} refused", f"{took:.0f} s"]
    deferred.end()
    what = f"{_WAITS:,} waits in two triggerers with a `poll_limit` of {_POLL_LIMIT}; {_READ_LIMIT} polls allowed"
    return Row(what, verdict, seen)


def _songs(waits: Sequence[Seeded], resumed: Mapping[int, Resumed]) -> list[Song]:
    """Return what Airflow has of the songs that were waited for."""
    songs = []
    for number, (music_task_id, prompt, _) in enumerate(waits):
        song = Song(f"song [{number}]", prompt, "success", music_task_id, Waited("deferred"))
        if end := resumed.get(number):
            waited = Waited("success" if end.status == "finished" else "failed", end.audio_ids)
            song = replace(song, music_task_id=end.music_task_id, waited=waited)
        songs.append(song)
    return songs


def _seed(testbed: Testbed, count: int) -> list[Seeded]:
    """Make songs free of charge."""
    made = []
    with requests.Session() as session:
        session.trust_env = False
        for number in range(count):
            prompt = f"waited for {number}"
            body = {"prompt": prompt, "status": "PENDING"}
            reply = session.post(f"{testbed.simulator.url}/_sim/tasks", json=body, timeout=30)
            reply.raise_for_status()
            made.append((str(reply.json()["music_task_id"]), prompt, time.time()))
    return made


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


def _received(testbed: Testbed) -> Counter[str]:
    """Return how often each of Celery's messages was received by a worker."""
    logs = (testbed.cluster.processes.log_file(worker).read_text(errors="replace") for worker in WORKERS)
    return Counter(message for log in logs for message in _RECEIVED.findall(log))
