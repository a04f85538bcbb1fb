"""
A person clears a task, or marks it as success or failed, at each stage of a submission.

The supervisor's next heartbeat tells the worker, and ends it. In a race the worker may finish its work before that.
Neither pays twice: the job is in the journal, or its reply counts as lost.
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
from tests.support.workers import MODES, TASK, ContendedRun, PausePoints, Worker

pytestmark = pytest.mark.contention

Begin = Callable[[DAG], ContendedRun]

_A_WHILE = 0.5


@dataclass(frozen=True)
class Case:
    """
    One intervention.

    :param stage: when.
    :param how: ``clear``, or the state that the task is marked as.
    :param ends: the state in which the task ends, without anything else being done.
    :param entry: the state of the journal's entry then; ``None`` when there is no entry.
    :param paid: how many songs were paid for by then.
    :param then: how many after another clear, which always ends in success. A clear that resumes a paid song costs
        nothing.
    :param mode: where the task waits.
    :param noticed: whether a heartbeat tells the worker before it finishes.
    """

    stage: str
    how: str
    ends: str
    entry: str | None
    paid: int
    then: int
    mode: str = "worker"
    noticed: bool = True

    def __str__(self) -> str:
        words = [self.how, self.stage, self.mode, "" if self.noticed else "unnoticed"]
        return "-".join(word.replace(" ", "_") for word in words if word)


CASES = [
    # Airflow rejects the worker that starts.
    Case("queued", "clear", "success", "delivered", paid=1, then=2),
    Case("queued", "success", "success", None, paid=0, then=1),
    Case("queued", "failed", "failed", None, paid=0, then=1),
    # The worker is ended before it sends, and rolls back its intent.
    Case("before the intent", "clear", "success", "delivered", paid=1, then=2),
    Case("before the intent", "success", "success", None, paid=0, then=1),
    Case("before the intent", "failed", "failed", None, paid=0, then=1),
    # The worker submits all the same, and logs it. After a clear it does not: Airflow rejects its intent.
    Case("before the intent", "clear", "success", "delivered", paid=1, then=2, noticed=False),
    Case("before the intent", "failed", "failed", "submitted", paid=1, then=1, noticed=False),
    # The worker writes the answer. Only after a clear is it superseded: the next try finds an intent, a lost reply.
    Case("in the POST", "clear", "failed", "doubted", paid=1, then=2),
    Case("in the POST", "clear", "failed", "doubted", paid=1, then=2, mode="submit only"),
    Case("in the POST", "success", "success", "submitted", paid=1, then=1, mode="deferrable"),
    Case("in the POST", "failed", "failed", "submitted", paid=1, then=1, mode="submit only"),
    Case("in the wait", "clear", "success", "delivered", paid=1, then=2),
    Case("in the wait", "success", "success", "submitted", paid=1, then=1),
    Case("in the wait", "failed", "failed", "submitted", paid=1, then=1),
    Case("deferred", "clear", "success", "delivered", paid=1, then=2, mode="deferrable"),
    Case("deferred", "success", "success", "submitted", paid=1, then=1, mode="deferrable"),
    Case("deferred", "failed", "failed", "submitted", paid=1, then=1, mode="deferrable"),
    Case("on resume", "clear", "success", "delivered", paid=1, then=2, mode="deferrable"),
    Case("on resume", "success", "success", "submitted", paid=1, then=1, mode="deferrable"),
    Case("on resume", "failed", "failed", "submitted", paid=1, then=1, mode="deferrable"),
    # Airflow rejects the worker's report of success, so nothing was delivered.
    Case("before success", "clear", "success", "delivered", paid=1, then=2, noticed=False),
    Case("before success", "success", "success", "delivered", paid=1, then=2, noticed=False),
    Case("before success", "failed", "failed", "submitted", paid=1, then=1, noticed=False),
    Case("before success", "failed", "failed", "submitted", paid=1, then=1, mode="submit only", noticed=False),
    # No worker runs.
    Case("up for retry", "clear", "success", "delivered", paid=1, then=2),
    Case("up for retry", "success", "success", "submitted", paid=1, then=1),
    Case("up for retry", "failed", "failed", "submitted", paid=1, then=1),
    # The song was delivered, so the clear asks for another one.
    Case("after success", "failed", "failed", "delivered", paid=1, then=2),
    Case("after success", "failed", "failed", "delivered", paid=1, then=2, mode="deferrable"),
]


class Stage:
    """Bring a run to a stage, intervene there, and run it to its end."""

    def __init__(self, sim: RunningSimulator, pause_points: PausePoints) -> None:
        self._sim = sim
        self._pause_points = pause_points

    def play(self, case: Case, run: ContendedRun) -> None:
        """Play a case to its end."""
        match case.stage:
            case "queued":
                run.start_after(lambda: run.intervene(case.how))
            case "deferred":
                run.until_deferred()
                run.intervene(case.how)
            case "up for retry":
                self._pause_points.arm("in the wait")
                run.start().until_paused().kill()
                assert run.state(TASK) == ["up_for_retry"]
                run.intervene(case.how)
            case "after success":
                run.run()
                run.intervene(case.how)
            case _:
                worker = self._working(case.stage, run)
                run.intervene(case.how)
                worker.resume() if case.noticed else worker.resume_without_heartbeats()
        run.run()

    def _working(self, stage: str, run: ContendedRun) -> Worker:
        slow = {"in the POST": GENERATE, "in the wait": RECORD_INFO}.get(stage)
        if slow is not None:
            self._sim.faults.add(Fault(path=slow, kind="slow", seconds=_A_WHILE))
            return run.start().until(lambda: self._was_asked_for(slow))
        self._pause_points.arm(stage)
        return (run.start_resumed() if stage == "on resume" else run.start()).until_paused()

    def _was_asked_for(self, path: str) -> bool:
        return any(request["path"] == path for request in self._sim.ledger()["requests"])


@pytest.fixture
def stage(sim: RunningSimulator, pause_points: PausePoints) -> Stage:
    """Return what brings a run to a stage."""
    return Stage(sim, pause_points)


def paid(sim: RunningSimulator, prompt: str) -> int:
    """Return how often the song with this prompt was paid for."""
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
def test_an_ended_worker_logs_the_job_that_continues(
    how: str, at: str, mode: str, sim: RunningSimulator, begin: Begin, stage: Stage
) -> None:
    run = begin(a_dag(retries=0, **MODES[mode]))
    stage.play(Case(at, how, "", None, 0, 0, mode), run)
    music_task_id = sim.ledger()["songs"][0]["music_task_id"]
    said = f"The API cannot cancel jobs: music task {music_task_id} continues at the service"
    if (how, at) == ("clear", "in the POST"):
        said = f"music task {music_task_id} was submitted, but this could not be written to Airflow's task state store"
    assert said in run.said()
    assert f"Set music_task_id={music_task_id!r} to resume this job" in run.said()


@pytest.mark.parametrize(("how", "ends", "then"), [("clear", "failed", 2), ("failed", "failed", 1)])
def test_an_intervention_affects_only_its_own_map_index(
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
