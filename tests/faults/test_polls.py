"""A poll of a paid job fails: the job is not charged again, and its tracks are returned once they can be read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_provider_suno.operators.music import GenerateMusicOperator
from airflow_provider_suno.sensors.music_task import MusicTaskSensor
from airflow_provider_suno.simulator.control.fault_plan import Fault
from airflow_provider_suno.simulator.embedding import RunningSimulator
from tests.support.airflow_versions import KEEPS_TASK_STATE
from tests.support.faults.cases import LOST, REFUSED, UNSENT, Case, Spoil, cases, taking_turns
from tests.support.generating import RECORD_INFO, Schedule, charges
from tests.support.scheduling import Scheduling
from tests.support.short_limits import set_limits

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(not KEEPS_TASK_STATE, reason="before Airflow 3.3 there is no journal"),
]

OPERATORS = ("worker", "deferrable")
SENSORS = ("sensor poke", "sensor deferrable")
WAITS = (*OPERATORS, *SENSORS)
BAD = cases(LOST, REFUSED, None, again=False, of_the_simulator=True)

Song = Callable[..., str]


@pytest.fixture
def a_dag(sim: RunningSimulator, song: Song) -> Callable[..., DAG]:
    """Return what makes a Dag of one task that waits for a song: its own, or an existing one."""

    def make(waits_in: str, **fields: Any) -> DAG:
        music_task_id = song() if waits_in in SENSORS else None
        options = {"task_id": "wait", "retries": 1, "retry_delay": timedelta(0), "deferrable": "deferrable" in waits_in}
        with DAG("waits", schedule=None) as dag:
            if music_task_id:
                MusicTaskSensor(music_task_id=music_task_id, poke_interval=0.05, **options, **fields)
            else:
                GenerateMusicOperator(
                    model="V5", prompt="rain", wait_for_completion=True, poll_interval=0.05, **options, **fields
                )
        return dag

    return make


def check_tracks(run: Scheduling, sim: RunningSimulator) -> None:
    """Check that the task has returned its own song, whole, and that it was charged once."""
    (song,) = sim.ledger()["songs"]
    assert run.state("wait") == ["success"]
    returned = run.xcom("wait", "music_task")
    assert (returned["music_task_id"], returned["status"]) == (song["music_task_id"], "SUCCESS")
    assert [track["audio_id"] for track in returned["tracks"]] == song["audio_ids"]
    assert all(track["audio_url"] for track in returned["tracks"])
    assert charges(sim) == [1]


# In turns, so that the test below has each fault in another wait.
@pytest.mark.parametrize(("case", "waits_in"), taking_turns(reversed(WAITS), BAD))
def test_a_few_failed_polls_do_not_end_a_wait(
    case: Case,
    waits_in: str,
    sim: RunningSimulator,
    a_dag: Callable[..., DAG],
    spoil: Spoil,
    schedule: Schedule,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_limits(monkeypatch, failed_reads_grace=10.0)
    dag = a_dag(waits_in)
    spoil(case, RECORD_INFO, times=2)
    run = schedule(dag).run()
    check_tracks(run, sim)
    assert run.tries("wait") == [1]
    # In the triggerer a refusal for rate is about the account, and logged once for all waits.
    assert ": poll failed, trying again: " in run.said() or ": refused for rate, slowing down to " in run.said()
    assert case.says in run.said()


def check_next_try(run: Scheduling, case: Case, sim: RunningSimulator, mend: Callable[[], None]) -> Scheduling:
    """Check that the task gave up with an error that says so, and that its next try returns the tracks."""
    (song,) = sim.ledger()["songs"]
    assert (run.state("wait"), run.tries("wait")) == (["failed"], [2])
    assert type(run.last_error).__name__ == "SunoUnavailableError"
    said = str(run.last_error)
    assert said.startswith(f"Music task {song['music_task_id']} could not be read for ")
    assert case.says in said
    assert said.endswith("The job itself continues at the service.")
    assert charges(sim) == [1]
    mend()
    check_tracks(run.clear("wait").run(), sim)
    return run


@pytest.mark.parametrize(("case", "waits_in"), taking_turns(WAITS, BAD))
def test_a_record_that_cannot_be_read_is_left_for_the_next_try(
    case: Case,
    waits_in: str,
    sim: RunningSimulator,
    a_dag: Callable[..., DAG],
    spoil: Spoil,
    mend: Callable[[], None],
    schedule: Schedule,
) -> None:
    dag = a_dag(waits_in)
    spoil(case, RECORD_INFO, times=None)
    run = check_next_try(schedule(dag).run(), case, sim, mend)
    assert ("re-attached to music task" in run.said()) == (waits_in in OPERATORS)


@pytest.mark.parametrize(("case", "waits_in"), taking_turns(SENSORS, cases(UNSENT)))
def test_a_service_out_of_reach_is_left_for_the_next_try(
    case: Case,
    waits_in: str,
    sim: RunningSimulator,
    a_dag: Callable[..., DAG],
    spoil: Spoil,
    mend: Callable[[], None],
    schedule: Schedule,
) -> None:
    dag = a_dag(waits_in)
    spoil(case, RECORD_INFO)
    check_next_try(schedule(dag).run(), case, sim, mend)


def gone_back(stage: str, times: int | None = 1) -> Fault:
    return Fault(path=RECORD_INFO, kind="back", stage=stage, times=times)


@pytest.mark.parametrize("waits_in", WAITS)
def test_a_record_that_goes_back_is_waited_for(
    waits_in: str, sim: RunningSimulator, a_dag: Callable[..., DAG], schedule: Schedule
) -> None:
    dag = a_dag(waits_in)
    for stage in ("TEXT_SUCCESS", "FIRST_SUCCESS", "PENDING", "TEXT_SUCCESS"):
        sim.faults.add(gone_back(stage))
    run = schedule(dag).run()
    check_tracks(run, sim)
    assert run.tries("wait") == [1]
    seen = [line.split(": ")[1].split(",")[0] for line in run.said().splitlines() if " left" in line]
    assert seen == ["TEXT_SUCCESS", "FIRST_SUCCESS", "PENDING", "TEXT_SUCCESS"]


@pytest.mark.parametrize("waits_in", WAITS)
def test_a_record_that_stays_back_ends_at_the_deadline(
    waits_in: str, sim: RunningSimulator, a_dag: Callable[..., DAG], schedule: Schedule
) -> None:
    dag = a_dag(waits_in, **{"timeout" if waits_in in SENSORS else "wait_timeout": 0.3})
    sim.faults.add(gone_back("FIRST_SUCCESS"))
    sim.faults.add(gone_back("PENDING", times=None))
    run = schedule(dag).run()
    assert (run.state("wait"), run.tries("wait")) == (["failed"], [1 if waits_in in SENSORS else 2])
    (song,) = sim.ledger()["songs"]
    assert "did not finish by the deadline" in str(run.last_error)
    assert "its last status was PENDING" in str(run.last_error)
    assert f"Set music_task_id={song['music_task_id']!r} to resume this job; nothing is charged again." in str(
        run.last_error
    )
    sim.faults.clear()
    check_tracks(run.clear("wait").run(), sim)


@pytest.mark.parametrize("waits_in", OPERATORS)
def test_a_finished_song_that_goes_back_is_finished_all_the_same(
    waits_in: str, sim: RunningSimulator, a_dag: Callable[..., DAG], schedule: Schedule
) -> None:
    sim.faults.add(Fault(path=RECORD_INFO, kind="back", skip=1, times=None))
    run = schedule(a_dag(waits_in)).run()
    check_tracks(run, sim)
    assert (run.tries("wait"), run.journal("wait")["state"]) == ([1], "delivered")
