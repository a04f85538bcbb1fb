"""
The task state store fails, is slow, or answers falsely: nothing is sent without an intent, and no paid id is lost.

Each try is a process under Airflow's own supervisor, which receives bad answers from Airflow's API.
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
from tests.support.workers import MODES, TASK, ContendedRun

pytestmark = pytest.mark.contention

Begin = Callable[[DAG], ContendedRun]

FAILURES = ["401", "403", "409", "413", "422", "500", "no connection"]
FALSE_ANSWERS = ["a proxy's page", "a login redirect"]


def cells(**calls: list[str]) -> list[Any]:
    """Return the pairs of a call and its answer."""
    named = {call.replace("_", " "): answers for call, answers in calls.items()}
    return [pytest.param(call, answer, id=f"{call}-{answer}") for call, answers in named.items() for answer in answers]


@pytest.mark.parametrize(
    ("call", "answer"),
    cells(
        read=["401", "404", "500", "no connection", "a lost answer", *FALSE_ANSWERS],
        probe=["404", "500"],
        intent=[*FAILURES, *FALSE_ANSWERS, "404", "a lost answer", "late"],
    ),
)
def test_without_an_intent_nothing_is_sent(call: str, answer: str, sim: RunningSimulator, begin: Begin) -> None:
    run = begin(a_dag(retries=0))
    run.troubles.append(Trouble(call, ANSWERS[answer]))
    run.run()
    assert (ended(run), charges(sim)) == ((["failed"], [1]), [])
    assert "SunoJournalError: " in run.said()
    assert "nothing is submitted" in run.said()
    assert "check the API server's log and its database" in run.said()
    run.troubles.clear()
    run.clear(TASK).run()
    assert (ended(run), charges(sim)) == ((["success"], [2]), [1])


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(lambda: Trouble("intent", ANSWERS["late"], times=2), id="two intents are late"),
        pytest.param(lambda: Trouble("submitted", ANSWERS["late"]), id="submitted is late"),
        pytest.param(lambda: Trouble("submitted", ANSWERS["500"], times=2), id="submitted fails twice"),
        pytest.param(lambda: Trouble("submitted", ANSWERS["a proxy's page"], times=1), id="submitted is lost once"),
        pytest.param(lambda: Trouble("read", ANSWERS["500"], times=1, skip=3), id="submitted is not read back once"),
    ],
)
def test_a_temporary_failure_costs_nothing(trouble: Callable[[], Trouble], sim: RunningSimulator, begin: Begin) -> None:
    run = begin(a_dag(retries=0))
    run.troubles.append(trouble())
    run.run()
    assert (ended(run), charges(sim)) == ((["success"], [1]), [1])
    assert run.journal(TASK)["state"] == "delivered"


@pytest.mark.parametrize("answer", ["404", "413", "500", "no connection", *FALSE_ANSWERS])
def test_an_id_that_cannot_be_written_is_logged_and_pushed(answer: str, sim: RunningSimulator, begin: Begin) -> None:
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
    assert "try 1 ended before it wrote an answer. Its log may name the job" in run.said()


def test_an_id_whose_write_got_no_answer_is_resumed(sim: RunningSimulator, begin: Begin) -> None:
    run = begin(a_dag())
    run.troubles.append(Trouble("submitted", ANSWERS["a lost answer"]))
    assert ended(run.run()) == (["failed"], [1])
    run.troubles.clear()
    assert ended(run.clear(TASK).run()) == (["success"], [2])
    assert charges(sim) == [1]


def test_an_id_that_can_be_neither_written_nor_pushed_is_logged(sim: RunningSimulator, begin: Begin) -> None:
    run = begin(a_dag())
    run.troubles += [Trouble("submitted", ANSWERS["500"]), Trouble("xcom music_task_id", ANSWERS["500"])]
    assert ended(run.run()) == (["failed"], [1])
    music_task_id = sim.ledger()["songs"][0]["music_task_id"]
    assert f"Set music_task_id={music_task_id!r} to resume this job" in run.said()
    assert "the XCom music_task_id could not be pushed" in run.said()
    assert charges(sim) == [1]


@pytest.mark.parametrize(
    ("key", "mode"),
    [*(("music_task_id", mode) for mode in MODES), ("return_value", "submit only"), ("audio_ids", "deferrable")],
)
def test_an_xcom_that_fails_after_the_charge_costs_a_retry(
    key: str, mode: str, sim: RunningSimulator, begin: Begin
) -> None:
    run = begin(a_dag(**MODES[mode]))
    run.troubles.append(Trouble(f"xcom {key}", ANSWERS["500"], times=1))
    assert ended(run.run()) == (["success"], [2])
    assert run.xcom(TASK) == run.xcom(TASK, "music_task_id") == sim.ledger()["songs"][0]["music_task_id"]
    assert charges(sim) == [1]


@pytest.mark.parametrize(("answer", "times"), [("404", 1), ("404", 2), ("404", 3), ("404", 5), ("500", 1), ("500", 3)])
def test_a_retry_during_a_restart_finds_the_entry_or_fails(
    answer: str, times: int, sim: RunningSimulator, begin: Begin
) -> None:
    """Airflow takes every 404 for "no entry", also that of a proxy whose server restarts."""
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
def test_a_delivery_that_cannot_be_written_counts_as_none(call: str, sim: RunningSimulator, begin: Begin) -> None:
    run = begin(a_dag())
    run.troubles.append(Trouble(call, ANSWERS["500"]))
    assert ended(run.run()) == (["success"], [1])
    assert run.journal(TASK)["state"] == "submitted"
    run.troubles.clear()
    run.clear(TASK).run()
    assert "cleared before the task had succeeded: going on, nothing is charged again" in run.said()
    assert (run.state(TASK), charges(sim)) == (["success"], [1])


def test_a_lost_reply_that_cannot_be_written_is_found_by_the_next_try(sim: RunningSimulator, begin: Begin) -> None:
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
