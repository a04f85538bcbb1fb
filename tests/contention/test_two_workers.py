"""
Two workers on one task instance: one that paused until Airflow declared it lost, and the one that replaced it.

The first resumes at the worst moments, and no heartbeat tells it to end. Airflow rejects what it writes to the journal.
One gap cannot be closed: between writing the intent and the first byte of the request. A worker that paused there
sends, and the other one fails with a lost reply: a second charge takes consent.
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
from tests.support.workers import INTENT_SECONDS, MODES, TASK, ContendedRun, PausePoints, Worker

pytestmark = pytest.mark.contention

Begin = Callable[[DAG], ContendedRun]

DONE = ("success", "delivered")
LOST = ("failed", "doubted")


@dataclass(frozen=True)
class Case:
    """
    Two workers.

    :param paused: where the first one pauses.
    :param resumes: when it resumes: before the retry starts, while the retry pauses at some point, after the retry
        ended, or after a clear that submitted again.
    :param ends: the state of the task and of its journal's entry at the end.
    :param paid: how many songs were paid for by then.
    :param mode: where the task waits.
    :param on_lost_reply: the policy; ``resubmit`` is consent to pay again after a lost reply.
    """

    paused: str
    resumes: str
    ends: tuple[str, str]
    paid: int
    mode: str = "worker"
    on_lost_reply: str = "fail"

    def __str__(self) -> str:
        words = [f"{self.paused} resumes {self.resumes}", self.mode, self.on_lost_reply]
        return "-".join(word.replace(" ", "_") for word in words if word not in ("worker", "fail"))


CASES = [
    # Airflow rejects its intent, so it sends nothing.
    Case("before the read", "before the retry", DONE, 1),
    Case("before the read", "after the retry", DONE, 1),
    Case("before the intent", "before the retry", DONE, 1),
    Case("before the intent", "before the POST", DONE, 1),
    Case("before the intent", "in the wait", DONE, 1),
    Case("before the intent", "after the retry", DONE, 1),
    Case("before the intent", "before success", DONE, 1, mode="submit only"),
    # Its intent is too old when it resumes, and Airflow rejects a new one: it sends nothing, but the retry cannot know.
    Case("after the intent", "before the retry", LOST, 0),
    Case("after the intent", "after the retry", LOST, 0),
    Case("after the intent", "after a clear", DONE, 1),
    Case("after the intent", "in the wait", DONE, 1, on_lost_reply="resubmit"),
    # The gap: it sends, and the other one has not.
    Case("before the POST", "before the retry", LOST, 1),
    Case("before the POST", "after the retry", LOST, 1),
    Case("before the POST", "after a clear", DONE, 2),
    Case("before the POST", "after the retry", DONE, 2, on_lost_reply="resubmit"),
    # It has sent already, and the other one does not without consent.
    Case("in the POST", "before the retry", LOST, 1),
    Case("in the POST", "after the retry", LOST, 1),
    Case("in the POST", "after a clear", DONE, 2),
    Case("after the POST", "before the retry", LOST, 1),
    Case("after the POST", "after the retry", LOST, 1, mode="deferrable"),
    Case("after the POST", "in the wait", DONE, 2, on_lost_reply="resubmit"),
    # Its job is in the journal, and both use it.
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


def meet(case: Case, run: ContendedRun, superseded: Worker, pause_points: PausePoints) -> None:
    """Replace the first worker by another one, and resume the first in time."""
    run.declare_lost()
    assert run.state(TASK) == ["up_for_retry"]
    if case.paused == "after the intent":
        time.sleep(INTENT_SECONDS)  # until its intent is too old
    if case.resumes == "before the retry":
        superseded.resume_without_heartbeats()
        run.run()
    elif case.resumes in ("after the retry", "after a clear"):
        run.run()
        if case.resumes == "after a clear":
            assert run.state(TASK) == ["failed"]
            run.clear(TASK).run()
        superseded.resume_without_heartbeats()
    else:
        pause_points.arm(case.resumes)
        other = run.start().until_paused()
        superseded.resume_without_heartbeats()
        other.resume()
        run.run()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_superseded_worker(case: Case, sim: RunningSimulator, begin: Begin, pause_points: PausePoints) -> None:
    run = begin(a_dag(on_lost_reply=case.on_lost_reply, **MODES[case.mode]))
    pause_points.arm(case.paused)
    superseded = (run.start_resumed() if case.paused == "on resume" else run.start()).until_paused()
    meet(case, run, superseded, pause_points)
    entry = run.journal(TASK)
    assert (run.state(TASK)[0], entry["state"]) == case.ends
    assert sum(charges(sim)) == case.paid
    for song in sim.ledger()["songs"]:  # no id is lost
        assert song["music_task_id"] in run.said()
    if case.ends == DONE:
        assert run.xcom(TASK) == run.xcom(TASK, "music_task_id") == entry["job"]["id"]
    else:
        assert "try 1 ended before it wrote an answer. Its log may name the job" in run.said()
        run.clear(TASK).run()
        assert (run.state(TASK), sum(charges(sim))) == (["success"], case.paid + 1)


def test_a_heartbeat_ends_a_superseded_worker(sim: RunningSimulator, begin: Begin, pause_points: PausePoints) -> None:
    run = begin(a_dag(**MODES["worker"]))
    pause_points.arm("in the wait")
    superseded = run.start().until_paused()
    run.declare_lost()
    pause_points.arm("in the wait")
    other = run.start().until_paused()
    superseded.resume()
    music_task_id = run.journal(TASK)["job"]["id"]
    assert "Server indicated the task shouldn't be running anymore" in run.said()
    assert f"Airflow ends this task. The API cannot cancel jobs: music task {music_task_id} continues" in run.said()
    other.resume()
    assert (run.state(TASK), charges(sim)) == (["success"], [1])


def test_a_try_that_is_started_twice_runs_once(sim: RunningSimulator, begin: Begin, pause_points: PausePoints) -> None:
    run = begin(a_dag())
    pause_points.arm("before the POST")
    first = run.start().until_paused()
    with pytest.raises(TaskAlreadyRunningError):
        run._launch(first.queued)
    first.resume()
    assert (run.state(TASK), charges(sim)) == (["success"], [1])


def test_a_superseded_worker_affects_only_its_own_map_index(
    sim: RunningSimulator, begin: Begin, pause_points: PausePoints
) -> None:
    with DAG("operators", schedule=None) as dag:
        GenerateMusicOperator.partial(task_id=TASK, model="V5", poll_interval=0.05, **RETRY).expand(
            prompt=["rain", "snow"]
        )
    run = begin(dag)
    pause_points.arm("after the intent")
    superseded = run.start().until_paused()
    run.declare_lost()
    time.sleep(INTENT_SECONDS)
    run.run()
    superseded.resume_without_heartbeats()
    assert run.state(TASK) == ["failed", "success"]
    assert [song["request"]["prompt"] for song in sim.ledger()["songs"]] == ["snow"]
    assert charges(sim) == [1]
