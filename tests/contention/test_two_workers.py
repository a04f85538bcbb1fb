"""
Two workers on one task instance: one that stood still until Airflow gave it up, and the one that took its place.

The first wakes at the worst moments, cut off: it can send what it has to send, but no heartbeat of its supervisor tells
it to end. Airflow refuses what it writes to the journal. One gap cannot be closed, the instant between the last look at
the journal and the first byte of the request; a worker that stood still just there sends, and the other has stopped.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import TaskAlreadyRunningError

from airflow_provider_suno.operators.music import GenerateMusicOperator
from airflow_provider_suno.simulator.embedding import RunningSimulator
from tests.support.generating import RETRY, a_dag, charges
from tests.support.workers import INTENT_LIFETIME, MODES, TASK, Hands, PausePoints, Worker

pytestmark = pytest.mark.contention

Begin = Callable[[DAG], Hands]

DONE = ("success", "delivered")
STOPPED = ("failed", "doubted")


@dataclass(frozen=True)
class Case:
    """
    Two workers.

    :param stands: where the first one stands still.
    :param wakes: when it wakes: before the retry starts, when the retry stands somewhere, or after it has ended; or
        after a person has cleared the doubt that stopped the retry, and has got a song.
    :param ends: how it ends: the state of the task, and of the entry in its journal.
    :param paid: how often a song was paid for by then.
    :param mode: where it waits.
    :param on_lost_reply: the policy; ``resubmit`` consents to pay for each doubt.
    """

    stands: str
    wakes: str
    ends: tuple[str, str]
    paid: int
    mode: str = "worker"
    on_lost_reply: str = "fail"

    def __str__(self) -> str:
        words = [f"{self.stands} wakes {self.wakes}", self.mode, self.on_lost_reply]
        return "-".join(word.replace(" ", "_") for word in words if word not in ("worker", "fail"))


CASES = [
    # Whatever it writes is refused, and without its intent it sends nothing.
    Case("before the read", "before the retry", DONE, 1),
    Case("before the read", "after the retry", DONE, 1),
    Case("before the intent", "before the retry", DONE, 1),
    Case("before the intent", "before the POST", DONE, 1),
    Case("before the intent", "in the wait", DONE, 1),
    Case("before the intent", "after the retry", DONE, 1),
    Case("before the intent", "before success", DONE, 1, mode="submit only"),
    # Its intent is no longer fresh when it wakes, and a second one is refused: nothing was sent, though nobody knows.
    Case("after the intent", "before the retry", STOPPED, 0),
    Case("after the intent", "after the retry", STOPPED, 0),
    Case("after the intent", "after a clear", DONE, 1),
    Case("after the intent", "in the wait", DONE, 1, on_lost_reply="resubmit"),
    # The gap: it sends, and nobody else has.
    Case("before the POST", "before the retry", STOPPED, 1),
    Case("before the POST", "after the retry", STOPPED, 1),
    Case("before the POST", "after a clear", DONE, 2),
    Case("before the POST", "after the retry", DONE, 2, on_lost_reply="resubmit"),
    # It has sent already, and nobody else does before a person, or the policy, says so.
    Case("in the POST", "before the retry", STOPPED, 1),
    Case("in the POST", "after the retry", STOPPED, 1),
    Case("in the POST", "after a clear", DONE, 2),
    Case("after the POST", "before the retry", STOPPED, 1),
    Case("after the POST", "after the retry", STOPPED, 1, mode="deferrable"),
    Case("after the POST", "in the wait", DONE, 2, on_lost_reply="resubmit"),
    # Its job is known, and both go on with it.
    Case("after submitted", "before the retry", DONE, 1),
    Case("after submitted", "in the wait", DONE, 1),
    Case("after submitted", "after the retry", DONE, 1, mode="submit only"),
    Case("in the wait", "in the wait", DONE, 1),
    Case("in the wait", "after the retry", DONE, 1),
    Case("before deferring", "before deferring", DONE, 1, mode="deferrable"),
    Case("before deferring", "after the retry", DONE, 1, mode="deferrable"),
    Case("on resume", "before deferring", DONE, 1, mode="deferrable"),
    Case("on resume", "after the retry", DONE, 1, mode="deferrable"),
    Case("before success", "before success", DONE, 1),
    Case("before success", "after the retry", DONE, 1, mode="submit only"),
]


def meet(case: Case, run: Hands, zombie: Worker, pause_points: PausePoints) -> None:
    """Let the other worker take the first one's place, and the first one wake in time."""
    run.give_up()
    assert run.state(TASK) == ["up_for_retry"]
    if case.stands == "after the intent":
        time.sleep(INTENT_LIFETIME)  # until it is no longer fresh
    if case.wakes == "before the retry":
        zombie.wake_cut_off()
        run.run()
    elif case.wakes in ("after the retry", "after a clear"):
        run.run()
        if case.wakes == "after a clear":
            assert run.state(TASK) == ["failed"]
            run.clear(TASK).run()
        zombie.wake_cut_off()
    else:
        pause_points.arm(case.wakes)
        other = run.start().until_it_stands()
        zombie.wake_cut_off()
        other.wake()
        run.run()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_worker_that_was_given_up(case: Case, sim: RunningSimulator, begin: Begin, pause_points: PausePoints) -> None:
    run = begin(a_dag(on_lost_reply=case.on_lost_reply, **MODES[case.mode]))
    pause_points.arm(case.stands)
    zombie = (run.start_resumed() if case.stands == "on resume" else run.start()).until_it_stands()
    meet(case, run, zombie, pause_points)
    entry = run.journal(TASK)
    assert (run.state(TASK)[0], entry["state"]) == case.ends
    assert sum(charges(sim)) == case.paid
    for song in sim.ledger()["songs"]:  # no id is lost
        assert song["music_task_id"] in run.said()
    if case.ends == DONE:
        assert run.xcom(TASK) == run.xcom(TASK, "music_task_id") == entry["job"]["id"]
    else:
        assert "try 1 ended before an answer was written down; its log may name the job" in run.said()
        run.clear(TASK).run()
        assert (run.state(TASK), sum(charges(sim))) == (["success"], case.paid + 1)


def test_a_worker_that_was_given_up_is_ended_once_it_hears_of_it(
    sim: RunningSimulator, begin: Begin, pause_points: PausePoints
) -> None:
    run = begin(a_dag(**MODES["worker"]))
    pause_points.arm("in the wait")
    zombie = run.start().until_it_stands()
    run.give_up()
    pause_points.arm("in the wait")
    other = run.start().until_it_stands()
    zombie.wake()
    music_task_id = run.journal(TASK)["job"]["id"]
    assert "Server indicated the task shouldn't be running anymore" in run.said()
    assert f"Airflow ends this task. The API has no cancel: music task {music_task_id} goes on" in run.said()
    other.wake()
    assert (run.state(TASK), charges(sim)) == (["success"], [1])


def test_a_try_that_is_started_twice_runs_once(sim: RunningSimulator, begin: Begin, pause_points: PausePoints) -> None:
    run = begin(a_dag())
    pause_points.arm("before the POST")
    first = run.start().until_it_stands()
    with pytest.raises(TaskAlreadyRunningError):
        run._launch(first.queued)
    first.wake()
    assert (run.state(TASK), charges(sim)) == (["success"], [1])


def test_of_a_mapped_task_only_the_one_that_stood_still_stops(
    sim: RunningSimulator, begin: Begin, pause_points: PausePoints
) -> None:
    with DAG("operators", schedule=None) as dag:
        GenerateMusicOperator.partial(task_id=TASK, model="V5", poll_interval=0.05, **RETRY).expand(
            prompt=["rain", "snow"]
        )
    run = begin(dag)
    pause_points.arm("after the intent")
    zombie = run.start().until_it_stands()
    run.give_up()
    time.sleep(INTENT_LIFETIME)
    run.run()
    zombie.wake_cut_off()
    assert run.state(TASK) == ["failed", "success"]
    assert [song["request"]["prompt"] for song in sim.ledger()["songs"]] == ["snow"]
    assert charges(sim) == [1]
