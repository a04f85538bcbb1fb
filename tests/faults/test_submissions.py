"""A submission whose reply is lost: one charge for each consent, an error that says so, and both ways on."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from airflow_provider_suno.exceptions import SunoLostReplyError
from airflow_provider_suno.simulator.embedding import RunningSimulator
from tests.support.airflow_versions import KEEPS_TASK_STATE
from tests.support.faults.cases import CASES, LOST, Case, Spoil, cases, taking_turns
from tests.support.faults.submitting import MODES, a_dag, paid
from tests.support.generating import GENERATE, Schedule, charges, ended
from tests.support.scheduling import Scheduling

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(not KEEPS_TASK_STATE, reason="before Airflow 3.3 there is no journal"),
]


@pytest.mark.parametrize(("case", "mode"), taking_turns(MODES, cases(LOST)))
def test_a_lost_reply_stops_until_a_person_has_looked(
    case: Case, mode: str, sim: RunningSimulator, spoil: Spoil, mend: Callable[[], None], schedule: Schedule
) -> None:
    spoil(case, GENERATE)
    run = schedule(a_dag(mode, "fail")).run()
    assert ended(run) == (["failed"], [1])
    assert paid(sim) == case.paid
    check_what_a_person_reads(run, case)
    assert run.journal("generate")["state"] == "doubted"

    mend()
    run.clear("generate").run()
    assert ended(run) == (["success"], [2])
    assert paid(sim) == case.paid + 1
    assert run.journal("generate")["state"] == "delivered"


def check_what_a_person_reads(run: Scheduling, case: Case) -> None:
    assert type(run.last_error).__name__ == "AirflowFailException"
    assert isinstance(run.last_error.__cause__, SunoLostReplyError)
    said = str(run.last_error)
    assert said.startswith("generate_music (model 'V5', prompt 'rain'): The reply to POST http")
    assert re.search(r"/api/v1/generate, sent at 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC is lost: ", said)
    assert case.says in said
    assert "The job may exist and be charged. Look at the service's own log page: " in said
    assert "set music_task_id=... to resume it at no charge; if not, clear the task to submit it anew." in said


# The journal holds the same, however a reply is lost.
FOUND = ("accepted, then dropped", "garbage in a 200 after it was accepted", "TLS cut off in the reply")


@pytest.mark.parametrize("case", [CASES[name] for name in FOUND], ids=FOUND)
def test_the_id_that_a_person_found_is_gone_on_with(
    case: Case, sim: RunningSimulator, spoil: Spoil, mend: Callable[[], None], schedule: Schedule
) -> None:
    spoil(case, GENERATE)
    run = schedule(a_dag("worker", "fail")).run()
    mend()
    (song,) = sim.ledger()["songs"]
    run.dag.get_task("generate").music_task_id = song["music_task_id"]
    run.clear("generate").run()
    assert (run.state("generate"), run.xcom("generate")) == (["success"], song["music_task_id"])
    assert charges(sim) == [1]


@pytest.mark.parametrize(("case", "mode"), taking_turns(MODES, cases(LOST, again=False, of_the_simulator=True)))
def test_resubmit_goes_on_by_itself_and_says_so(
    case: Case, mode: str, sim: RunningSimulator, spoil: Spoil, schedule: Schedule
) -> None:
    spoil(case, GENERATE)
    run = schedule(a_dag(mode, "resubmit")).run()
    assert ended(run) == (["success"], [1])
    assert paid(sim) == case.paid + 1
    assert "on_lost_reply='resubmit': submitting once more in 0.6 s, which may pay twice. generate_music" in run.said()
    assert case.says in run.said()
    assert run.journal("generate")["state"] == "delivered"


@pytest.mark.parametrize(("case", "mode"), taking_turns(MODES, cases(LOST, again=True)))
def test_a_second_lost_reply_stops_resubmit_too(
    case: Case, mode: str, sim: RunningSimulator, spoil: Spoil, mend: Callable[[], None], schedule: Schedule
) -> None:
    spoil(case, GENERATE)
    run = schedule(a_dag(mode, "resubmit")).run()
    assert ended(run) == (["failed"], [1])
    assert type(run.last_error).__name__ == "AirflowFailException"
    first, _, second = str(run.last_error).removeprefix("The second submission failed: ").partition(" The first one: ")
    for said in (first, second):
        assert said.startswith("generate_music (model 'V5', prompt 'rain'): The reply to POST http")
        assert case.says in said
    assert paid(sim) == 2 * case.paid
    assert run.journal("generate")["state"] == "doubted"
    mend()
    assert ended(run.clear("generate").run()) == (["success"], [2])
    assert paid(sim) == 2 * case.paid + 1
