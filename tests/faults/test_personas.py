"""A persona is free and there is one per track, ever: one is made, or an error says which and how to go on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from airflow.sdk import DAG

from airflow_provider_suno.operators.persona import GeneratePersonaOperator
from airflow_provider_suno.simulator.control.fault_plan import Fault
from airflow_provider_suno.simulator.embedding import RunningSimulator
from tests.support.airflow_versions import KEEPS_TASK_STATE
from tests.support.faults.cases import LOST, REFUSED, UNSENT, Case, Spoil, cases, taking_turns
from tests.support.generating import GENERATE_PERSONA, RECORD_INFO, Schedule
from tests.support.scheduling import Scheduling

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(not KEEPS_TASK_STATE, reason="before Airflow 3.3 there is no journal"),
]

NOT_MADE = [row for row in cases(LOST, again=False, of_the_simulator=True) if not row.values[0].paid]
MADE = [row for row in cases(LOST, again=False, of_the_simulator=True) if row.values[0].paid]
BY_A_PROXY = [row for row in cases(LOST, again=False) if "proxy" in row.id or "tunnel" in row.id]

Begin = Callable[..., Scheduling]


@pytest.fixture
def begin(song: Callable[..., str], schedule: Schedule) -> Begin:
    """Return what begins a run that makes a persona of a new song."""

    def make(retries: int = 1) -> Scheduling:
        with DAG("faults", schedule=None) as dag:
            GeneratePersonaOperator(
                task_id="persona",
                music_task_id=song(),
                name="n",
                description="d",
                retries=retries,
                retry_delay=timedelta(0),
            )
        return schedule(dag)

    return make


def personas(sim: RunningSimulator) -> list[str]:
    return [persona["persona_id"] for persona in sim.ledger()["personas"]]


def asked_for(sim: RunningSimulator) -> int:
    return sum(request["path"] == GENERATE_PERSONA for request in sim.ledger()["requests"])


def ended(run: Scheduling) -> tuple[list[str | None], list[int]]:
    return run.state("persona"), run.tries("persona")


@pytest.mark.parametrize("case", [row for row in NOT_MADE if "lasts" not in row.values[0].fault])
def test_a_lost_reply_that_made_nothing_is_asked_for_once_more(
    case: Case, sim: RunningSimulator, begin: Begin, spoil: Spoil
) -> None:
    run = begin()
    spoil(case, GENERATE_PERSONA)
    run.run()
    assert ended(run) == (["success"], [1])
    assert asked_for(sim) == 2
    assert [run.xcom("persona")] == personas(sim)


@pytest.mark.parametrize("case", [*MADE, *BY_A_PROXY])
def test_a_lost_reply_that_made_it_is_a_conflict_which_says_so(
    case: Case, sim: RunningSimulator, begin: Begin, spoil: Spoil, mend: Callable[[], None]
) -> None:
    run = begin()
    spoil(case, GENERATE_PERSONA)
    run.run()
    assert ended(run) == (["failed"], [1])
    assert type(run.last_error.__cause__).__name__ == "SunoConflictError"
    assert "Our own lost request made the persona: the reply to an earlier send did not arrive" in str(run.last_error)
    assert "look for it on the service's own pages, or make a persona of another track" in str(run.last_error)
    assert (asked_for(sim), len(personas(sim))) == (2, 1)
    mend()
    run.dag.get_task("persona").track = 1
    assert ended(run.clear("persona").run()) == (["success"], [2])
    assert personas(sim)[1:] == [run.xcom("persona")]


@pytest.mark.parametrize("case", [*NOT_MADE, *(row for row in MADE if row.values[0].fault["kind"] == "drop_after")])
def test_two_lost_replies_are_a_doubt(
    case: Case, sim: RunningSimulator, begin: Begin, spoil: Spoil, mend: Callable[[], None]
) -> None:
    run = begin()
    spoil(case, GENERATE_PERSONA, times=2)
    run.run()
    assert ended(run) == (["failed"], [1])
    assert type(run.last_error.__cause__).__name__ == "SunoLostReplyError"
    assert case.says in str(run.last_error)
    assert "The persona may exist. Look at the service's own log page" in str(run.last_error)
    mend()
    run.clear("persona").run()
    if case.paid:
        assert "Our own lost request made the persona" in str(run.last_error)
    else:
        assert [run.xcom("persona")] == personas(sim)
    assert len(personas(sim)) == 1


@pytest.mark.parametrize("case", cases(REFUSED))
def test_what_is_refused_for_now_is_asked_for_when_that_is_over(
    case: Case, sim: RunningSimulator, begin: Begin, spoil: Spoil
) -> None:
    run = begin(retries=9)
    spoil(case, GENERATE_PERSONA)
    assert run.run().state("persona") == ["success"]
    assert [run.xcom("persona")] == personas(sim)


@pytest.mark.parametrize("case", cases(UNSENT)[::3])
def test_a_service_out_of_reach_is_left_for_the_next_try(
    case: Case, sim: RunningSimulator, begin: Begin, spoil: Spoil, mend: Callable[[], None]
) -> None:
    run = begin()
    spoil(case, GENERATE_PERSONA)
    next(run.steps())
    assert type(run.last_error).__name__ == "SunoUnavailableError"
    assert case.says in str(run.last_error)
    mend()
    assert ended(run.run()) == (["success"], [2])
    assert len(personas(sim)) == 1


@pytest.mark.parametrize(
    ("case", "times"), taking_turns([2, 4], cases(LOST, None, again=False, of_the_simulator=True)[::2])
)
def test_a_record_is_read_again_before_anything_is_asked_for(
    case: Case, times: int, sim: RunningSimulator, begin: Begin, spoil: Spoil
) -> None:
    run = begin()
    spoil(case, RECORD_INFO, times=times)
    run.run()
    assert ended(run) == (["success"], [1 if times < 4 else 2])
    assert (asked_for(sim), [run.xcom("persona")]) == (1, personas(sim))


def test_a_record_that_went_back_is_not_finished(sim: RunningSimulator, begin: Begin) -> None:
    run = begin()
    sim.faults.add(Fault(path=RECORD_INFO, kind="back", stage="FIRST_SUCCESS"))
    next(run.steps())
    assert type(run.last_error).__name__ == "SunoMusicTaskNotFinishedError"
    assert "is not finished (status FIRST_SUCCESS), so no persona was asked for" in str(run.last_error)
    assert asked_for(sim) == 0
    assert ended(run.run()) == (["success"], [2])
