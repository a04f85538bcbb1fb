"""
The task state store refuses, is slow, or lies: nothing is sent without an intent, and no id is lost after a charge.

Each try is a process under Airflow's own supervisor, whose calls of Airflow's own API are answered badly.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_provider_suno.simulator.control.fault_plan import Fault
from airflow_provider_suno.simulator.embedding import RunningSimulator
from tests.support.generating import GENERATE, a_dag, charges, ended
from tests.support.troubled_api import ANSWERS, Trouble
from tests.support.workers import MODES, TASK, Hands

pytestmark = pytest.mark.contention

Begin = Callable[[DAG], Hands]

REFUSALS = ["401", "403", "409", "413", "422", "500", "no connection"]
LIES = ["a proxy's page", "a way to log in"]


def cells(**calls: list[str]) -> list[Any]:
    """Return a call and an answer each."""
    named = {call.replace("_", " "): answers for call, answers in calls.items()}
    return [pytest.param(call, answer, id=f"{call}-{answer}") for call, answers in named.items() for answer in answers]


@pytest.mark.parametrize(
    ("call", "answer"),
    cells(
        read=["401", "404", "500", "no connection", "a lost answer", *LIES],
        look=["404", "500"],
        intent=[*REFUSALS, *LIES, "404", "a lost answer", "late"],
    ),
)
def test_without_an_intent_nothing_is_sent(call: str, answer: str, sim: RunningSimulator, begin: Begin) -> None:
    run = begin(a_dag(retries=0))
    run.troubles.append(Trouble(call, ANSWERS[answer]))
    run.run()
    assert (ended(run), charges(sim)) == ((["failed"], [1]), [])
    assert "SunoJournalError: " in run.said()
    assert "nothing is submitted" in run.said()
    assert "look at the API server's log and at its database" in run.said()
    run.troubles.clear()
    run.clear(TASK).run()
    assert (ended(run), charges(sim)) == ((["success"], [2]), [1])


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(lambda: Trouble("intent", ANSWERS["late"], times=2), id="two intents are late"),
        pytest.param(lambda: Trouble("submitted", ANSWERS["late"]), id="submitted is late"),
        pytest.param(lambda: Trouble("submitted", ANSWERS["500"], times=2), id="submitted is refused twice"),
        pytest.param(lambda: Trouble("submitted", ANSWERS["a proxy's page"], times=1), id="submitted is lost once"),
        pytest.param(lambda: Trouble("read", ANSWERS["500"], times=1, skip=3), id="submitted is not read back once"),
    ],
)
def test_trouble_that_passes_is_none(trouble: Callable[[], Trouble], sim: RunningSimulator, begin: Begin) -> None:
    run = begin(a_dag(retries=0))
    run.troubles.append(trouble())
    run.run()
    assert (ended(run), charges(sim)) == ((["success"], [1]), [1])
    assert run.journal(TASK)["state"] == "delivered"


@pytest.mark.parametrize("answer", ["404", "413", "500", "no connection", *LIES])
def test_an_id_that_cannot_be_written_down_is_said_and_pushed(answer: str, sim: RunningSimulator, begin: Begin) -> None:
    run = begin(a_dag())
    run.troubles.append(Trouble("submitted", ANSWERS[answer]))
    run.run()
    music_task_id = sim.ledger()["songs"][0]["music_task_id"]
    assert (ended(run), charges(sim)) == ((["failed"], [1]), [1])
    assert f"Set music_task_id={music_task_id!r} to resume this job" in run.said()
    assert run.xcom(TASK, "music_task_id") == music_task_id
    run.troubles.clear()
    run.clear(TASK).run()
    assert (ended(run), charges(sim)) == ((["failed"], [2]), [1])
    assert "try 1 ended before an answer was written down; its log may name the job" in run.said()


def test_an_id_that_was_written_down_without_an_answer_is_taken_up(sim: RunningSimulator, begin: Begin) -> None:
    run = begin(a_dag())
    run.troubles.append(Trouble("submitted", ANSWERS["a lost answer"]))
    assert ended(run.run()) == (["failed"], [1])
    run.troubles.clear()
    assert ended(run.clear(TASK).run()) == (["success"], [2])
    assert charges(sim) == [1]


def test_an_id_that_can_be_neither_written_down_nor_pushed_is_said(sim: RunningSimulator, begin: Begin) -> None:
    run = begin(a_dag())
    run.troubles += [Trouble("submitted", ANSWERS["500"]), Trouble("xcom music_task_id", ANSWERS["500"])]
    assert ended(run.run()) == (["failed"], [1])
    music_task_id = sim.ledger()["songs"][0]["music_task_id"]
    assert f"Set music_task_id={music_task_id!r} to resume this job" in run.said()
    assert "the XCom music_task_id could not be pushed" in run.said()
    assert charges(sim) == [1]


@pytest.mark.parametrize(
    ("key", "mode"),
    [(key, mode) for key in ("music_task_id", "return_value") for mode in MODES] + [("audio_ids", "deferrable")],
)
def test_an_xcom_that_is_refused_after_the_charge_costs_a_try(
    key: str, mode: str, sim: RunningSimulator, begin: Begin
) -> None:
    run = begin(a_dag(**MODES[mode]))
    run.troubles.append(Trouble(f"xcom {key}", ANSWERS["500"], times=1))
    assert ended(run.run()) == (["success"], [2])
    assert run.xcom(TASK) == run.xcom(TASK, "music_task_id") == sim.ledger()["songs"][0]["music_task_id"]
    assert charges(sim) == [1]


@pytest.mark.parametrize(("answer", "times"), [("404", 1), ("404", 2), ("404", 3), ("404", 5), ("500", 1), ("500", 3)])
def test_a_retry_in_the_middle_of_a_restart_does_not_take_an_entry_for_none(
    answer: str, times: int, sim: RunningSimulator, begin: Begin
) -> None:
    """Airflow reads every 404 as "nothing there", also that of a proxy whose server restarts."""
    run = begin(a_dag())
    run.troubles.append(Trouble("xcom music_task_id", ANSWERS["500"], times=1))
    run._run(run.until_scheduled())
    assert run.journal(TASK)["state"] == "submitted"
    run.troubles.append(Trouble("*", ANSWERS[answer], times=times))
    run.run()
    assert charges(sim) == [1]
    if run.state(TASK) == ["failed"]:
        run.troubles.clear()
        run.clear(TASK).run()
    assert (run.state(TASK), charges(sim)) == (["success"], [1])


@pytest.mark.parametrize("call", ["delivered", "states"])
def test_a_delivery_that_cannot_be_written_down_is_taken_for_none(
    call: str, sim: RunningSimulator, begin: Begin
) -> None:
    run = begin(a_dag())
    run.troubles.append(Trouble(call, ANSWERS["500"]))
    assert ended(run.run()) == (["success"], [1])
    assert run.journal(TASK)["state"] == "submitted"
    run.troubles.clear()
    run.clear(TASK).run()
    assert "the journal knows of no delivery yet, so the song is not paid for again" in run.said()
    assert (run.state(TASK), charges(sim)) == (["success"], [1])


def test_a_doubt_that_cannot_be_written_down_stays_one(sim: RunningSimulator, begin: Begin) -> None:
    sim.faults.add(Fault(path=GENERATE, kind="drop_after"))
    run = begin(a_dag())
    run.troubles.append(Trouble("doubted", ANSWERS["500"]))
    assert ended(run.run()) == (["failed"], [1])
    assert (run.journal(TASK)["state"], charges(sim)) == ("intent", [1])
    run.troubles.clear()
    assert ended(run.clear(TASK).run()) == (["failed"], [2])
    assert charges(sim) == [1]
    assert ended(run.clear(TASK).run()) == (["success"], [3])
    assert charges(sim) == [1, 1]
