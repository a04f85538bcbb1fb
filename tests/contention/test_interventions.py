"""
A person clears a task, marks it as a success or as failed, at each stage of a submission.

The worker hears of it by its supervisor's next heartbeat, which ends it; or, in the race that a person always may win
or lose, not before it has done its work. Neither pays twice: what was paid for is in the journal, or it is a doubt.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from airflow.sdk import DAG

from airflow_provider_suno.operators.music import GenerateMusicOperator
from airflow_provider_suno.simulator.control.fault_plan import Fault
from airflow_provider_suno.simulator.embedding import RunningSimulator
from tests.support.generating import GENERATE, RECORD_INFO, RETRY, a_dag
from tests.support.workers import MODES, TASK, Hands, PausePoints, Worker

pytestmark = pytest.mark.contention

Begin = Callable[[DAG], Hands]

_A_WHILE = 0.5


@dataclass(frozen=True)
class Case:
    """
    One intervention.

    :param stage: when.
    :param how: ``clear``, or the state that the task is marked as.
    :param ends: how the task ends, if nobody does anything more.
    :param entry: the state of the entry in its journal then; ``None`` when there is none.
    :param paid: how often a song was paid for by then.
    :param then: how often after a clear, which always ends in success: one that goes on with the song that is paid for
        costs nothing.
    :param mode: where the task waits.
    :param heard: whether the worker hears of it while it works.
    """

    stage: str
    how: str
    ends: str
    entry: str | None
    paid: int
    then: int
    mode: str = "worker"
    heard: bool = True

    def __str__(self) -> str:
        words = [self.how, self.stage, self.mode, "" if self.heard else "unheard"]
        return "-".join(word.replace(" ", "_") for word in words if word)


CASES = [
    # The worker that starts is refused.
    Case("queued", "clear", "success", "delivered", paid=1, then=2),
    Case("queued", "success", "success", None, paid=0, then=1),
    Case("queued", "failed", "failed", None, paid=0, then=1),
    # It is ended before it sends, and takes its intent back.
    Case("before the intent", "clear", "success", "delivered", paid=1, then=2),
    Case("before the intent", "success", "success", None, paid=0, then=1),
    Case("before the intent", "failed", "failed", None, paid=0, then=1),
    # It submits all the same, and says so; the clear of a task that runs is another matter: the intent is refused.
    Case("before the intent", "clear", "success", "delivered", paid=1, then=2, heard=False),
    Case("before the intent", "failed", "failed", "submitted", paid=1, then=1, heard=False),
    # What it learns is written down. Only a clear has put another try in its place by then, which finds a doubt.
    *(
        case
        for mode in MODES
        for case in (
            Case("in the POST", "clear", "failed", "doubted", paid=1, then=2, mode=mode),
            Case("in the POST", "success", "success", "submitted", paid=1, then=1, mode=mode),
            Case("in the POST", "failed", "failed", "submitted", paid=1, then=1, mode=mode),
        )
    ),
    Case("in the wait", "clear", "success", "delivered", paid=1, then=2),
    Case("in the wait", "success", "success", "submitted", paid=1, then=1),
    Case("in the wait", "failed", "failed", "submitted", paid=1, then=1),
    Case("deferred", "clear", "success", "delivered", paid=1, then=2, mode="deferrable"),
    Case("deferred", "success", "success", "submitted", paid=1, then=1, mode="deferrable"),
    Case("deferred", "failed", "failed", "submitted", paid=1, then=1, mode="deferrable"),
    Case("on resume", "clear", "success", "delivered", paid=1, then=2, mode="deferrable"),
    Case("on resume", "success", "success", "submitted", paid=1, then=1, mode="deferrable"),
    Case("on resume", "failed", "failed", "submitted", paid=1, then=1, mode="deferrable"),
    # All is done but for the report, which Airflow refuses: nothing was delivered.
    Case("before success", "clear", "success", "delivered", paid=1, then=2, heard=False),
    Case("before success", "success", "success", "delivered", paid=1, then=2, heard=False),
    Case("before success", "failed", "failed", "submitted", paid=1, then=1, heard=False),
    Case("before success", "failed", "failed", "submitted", paid=1, then=1, mode="submit only", heard=False),
    # Nobody works on it.
    Case("up for retry", "clear", "success", "delivered", paid=1, then=2),
    Case("up for retry", "success", "success", "submitted", paid=1, then=1),
    Case("up for retry", "failed", "failed", "submitted", paid=1, then=1),
    # The song was delivered, so the clear asks for another one.
    Case("after success", "failed", "failed", "delivered", paid=1, then=2),
    Case("after success", "failed", "failed", "delivered", paid=1, then=2, mode="deferrable"),
]


class Stage:
    """Bring a run to a stage, let a person intervene there, and let it go on."""

    def __init__(self, sim: RunningSimulator, pause_points: PausePoints) -> None:
        self._sim = sim
        self._pause_points = pause_points

    def play(self, case: Case, run: Hands) -> None:
        """Play a case to its end."""
        match case.stage:
            case "queued":
                run.start_after(lambda: run.intervene(case.how))
            case "deferred":
                run.until_deferred()
                run.intervene(case.how)
            case "up for retry":
                self._pause_points.arm("in the wait")
                run.start().until_it_stands().die()
                assert run.state(TASK) == ["up_for_retry"]
                run.intervene(case.how)
            case "after success":
                run.run()
                run.intervene(case.how)
            case _:
                worker = self._working(case.stage, run)
                run.intervene(case.how)
                worker.wake() if case.heard else worker.wake_cut_off()
        run.run()

    def _working(self, stage: str, run: Hands) -> Worker:
        slow = {"in the POST": GENERATE, "in the wait": RECORD_INFO}.get(stage)
        if slow is not None:
            self._sim.faults.add(Fault(path=slow, kind="slow", seconds=_A_WHILE))
            return run.start().until(lambda: self._was_asked_for(slow))
        self._pause_points.arm(stage)
        return (run.start_resumed() if stage == "on resume" else run.start()).until_it_stands()

    def _was_asked_for(self, path: str) -> bool:
        return any(request["path"] == path for request in self._sim.ledger()["requests"])


@pytest.fixture
def stage(sim: RunningSimulator, pause_points: PausePoints) -> Stage:
    """Return what brings a run to a stage."""
    return Stage(sim, pause_points)


def paid(sim: RunningSimulator, prompt: str) -> int:
    """Return how often a song was paid for."""
    return sum(song["charges"] for song in sim.ledger()["songs"] if song["request"]["prompt"] == prompt)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_person_intervenes(case: Case, sim: RunningSimulator, begin: Begin, stage: Stage) -> None:
    run = begin(a_dag(**MODES[case.mode]))
    stage.play(case, run)
    entry = run.journal(TASK)
    assert (run.state(TASK), entry and entry["state"]) == ([case.ends], case.entry)
    assert paid(sim, "rain") == case.paid
    run.clear(TASK).run()
    assert (run.state(TASK), paid(sim, "rain")) == (["success"], case.then)
    song = sim.ledger()["songs"][-1]["music_task_id"]
    assert run.xcom(TASK) == run.xcom(TASK, "music_task_id") == run.journal(TASK)["job"]["id"] == song


@pytest.mark.parametrize(("at", "mode"), [("in the wait", "worker"), ("in the POST", "submit only")])
@pytest.mark.parametrize("how", ["clear", "success", "failed"])
def test_a_worker_that_is_ended_says_what_goes_on(
    how: str, at: str, mode: str, sim: RunningSimulator, begin: Begin, stage: Stage
) -> None:
    run = begin(a_dag(retries=0, **MODES[mode]))
    stage.play(Case(at, how, "", None, 0, 0, mode), run)
    music_task_id = sim.ledger()["songs"][0]["music_task_id"]
    said = f"The API has no cancel: music task {music_task_id} goes on at the service"
    if (how, at) == ("clear", "in the POST"):
        said = f"music task {music_task_id} is submitted, which Airflow's task state store could not be told"
    assert said in run.said()
    assert f"Set music_task_id={music_task_id!r} to resume this job" in run.said()


@pytest.mark.parametrize(("how", "ends", "then"), [("clear", "failed", 2), ("failed", "failed", 1)])
def test_of_a_mapped_task_only_the_one_that_is_meant(
    how: str, ends: str, then: int, sim: RunningSimulator, begin: Begin, stage: Stage
) -> None:
    with DAG("operators", schedule=None) as dag:
        GenerateMusicOperator.partial(task_id=TASK, model="V5", poll_interval=0.05, **RETRY).expand(
            prompt=["rain", "snow"]
        )
    run = begin(dag)
    stage.play(Case("in the POST", how, ends, None, paid=1, then=then), run)
    assert run.state(TASK) == [ends, "success"]
    assert (paid(sim, "rain"), paid(sim, "snow")) == (1, 1)
    run.intervene("clear")
    run.run()
    assert run.state(TASK) == ["success", "success"]
    assert (paid(sim, "rain"), paid(sim, "snow")) == (then, 1)
