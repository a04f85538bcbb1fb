"""Each outcome of a paid job in each mode: the error, Airflow's retry, the journal, and what the next attempt does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.definitions.mappedoperator import MappedOperator

from airflow_provider_suno.http import retry
from airflow_provider_suno.operators.music import GenerateMusicOperator
from airflow_provider_suno.simulator.control.fault_plan import Fault
from airflow_provider_suno.simulator.embedding import RunningSimulator
from tests.support.airflow_versions import KEEPS_TASK_STATE
from tests.support.fixtures import SHORT
from tests.support.generating import GENERATE, RECORD_INFO, RETRY, Schedule
from tests.support.scheduling import Scheduling

pytestmark = [
    pytest.mark.skipif(not KEEPS_TASK_STATE, reason="before Airflow 3.3 there is no journal"),
    pytest.mark.usefixtures("short_clocks"),
]

MODES: dict[str, dict[str, Any]] = {
    "worker": {"deferrable": False},
    "deferrable mapped": {"deferrable": True},
    "deferrable": {"deferrable": True},
    "worker mapped": {"deferrable": False},
}


@dataclass(frozen=True)
class Case:
    """
    How a job, or its submission, ends.

    :param error: what is raised, by name; ``None`` when the task succeeds.
    :param says: what a user reads.
    :param tries: how often Airflow tries, when one retry is allowed.
    :param charges: what each job has cost by then.
    :param journal: the state that the entry is left in; ``None`` when it is dropped.
    :param then: what the attempt after a person's clear does: submits or re-attaches.
    :param prompt: what makes the job end like that.
    :param faults: what goes wrong with the requests.
    :param fields: further parameters of the operator.
    """

    error: str | None
    says: str
    tries: int
    charges: tuple[int, ...]
    journal: str | None
    then: str
    prompt: str = "rain"
    faults: tuple[Fault, ...] = ()
    fields: dict[str, Any] = field(default_factory=dict)


def submit(**fault: Any) -> Fault:
    return Fault(path=GENERATE, times=None, **fault)


def read(**fault: Any) -> Fault:
    return Fault(path=RECORD_INFO, times=None, **fault)


BAD_KEY = "connection 'suno_default' ('API key'"
FATAL = "AirflowFailException"
TIMEOUT = timedelta(seconds=1)

CASES: dict[str, Case] = {
    "finished": Case(None, "is finished:", 1, (1,), "delivered", "submits"),
    "rejected": Case(FATAL, "change the prompt", 1, (1,), None, "submits", prompt="[fail:SENSITIVE_WORD_ERROR]"),
    "rejected by code": Case(FATAL, "it matches a known work", 1, (1,), None, "submits", prompt="[fail:413]"),
    "failed": Case(
        "SunoMusicTaskFailedError",
        "GENERATE_AUDIO_FAILED",
        2,
        (1, 1),
        None,
        "submits",
        prompt="[fail:GENERATE_AUDIO_FAILED]",
    ),
    "failed by code": Case("SunoMusicTaskFailedError", "531", 2, (1, 1), None, "submits", prompt="[fail:531]"),
    "refused: bad key": Case(
        FATAL,
        "connection 'suno_default' ('API key'",
        1,
        (),
        None,
        "submits",
        faults=(submit(kind="status", http_status=401),),
    ),
    "refused: no credits": Case(
        FATAL, "Insufficient.", 1, (), None, "submits", faults=(submit(kind="code", code=402, msg="Insufficient."),)
    ),
    "refused: bad field": Case(
        FATAL, "No such model.", 1, (), None, "submits", faults=(submit(kind="code", code=422, msg="No such model."),)
    ),
    "refused for now: rate": Case(
        "SunoRateLimitError",
        "Slow down.",
        2,
        (),
        None,
        "submits",
        faults=(submit(kind="code", code=430, msg="Slow down.", retry_after=1),),
    ),
    "refused for now: maintenance": Case(
        "SunoMaintenanceError",
        "Back soon.",
        2,
        (),
        None,
        "submits",
        faults=(submit(kind="code", code=455, msg="Back soon.", retry_after=1),),
    ),
    "refused for now: never connected": Case(
        "SunoUnavailableError", "No connection to", 2, (), None, "submits", fields={"suno_conn_id": "suno_nowhere"}
    ),
    "lost reply": Case(
        FATAL, "may exist and be charged", 1, (1,), "doubted", "submits", faults=(submit(kind="drop_after"),)
    ),
    "bad key while waiting": Case(
        FATAL,
        "connection 'suno_default' ('API key'",
        1,
        (1,),
        "submitted",
        "re-attaches",
        faults=(read(kind="status", http_status=401),),
    ),
    "no credits while waiting": Case(
        FATAL,
        "Insufficient.",
        1,
        (1,),
        "submitted",
        "re-attaches",
        faults=(read(kind="code", code=402, msg="Insufficient."),),
    ),
    "not found while waiting": Case(
        FATAL, "Gone.", 1, (1,), "submitted", "re-attaches", faults=(read(kind="code", code=404, msg="Gone."),)
    ),
    "callback exception with audio": Case(
        None, "could not deliver its callback", 1, (1,), "delivered", "submits", prompt="[fail:CALLBACK_EXCEPTION]"
    ),
    "callback exception without audio": Case(
        FATAL,
        "its result did not appear",
        1,
        (1,),
        "submitted",
        "re-attaches",
        prompt="[fail:CALLBACK_EXCEPTION:no-audio]",
    ),
    "execution timeout": Case(
        "AirflowTaskTimeout",
        "continues at the service",
        2,
        (1,),
        "submitted",
        "re-attaches",
        prompt="[stuck]",
        fields={"execution_timeout": TIMEOUT},
    ),
    "our deadline": Case(
        "SunoMusicTaskTimeoutError",
        "did not finish by the deadline",
        2,
        (1,),
        "submitted",
        "re-attaches",
        prompt="[stuck]",
        fields={"wait_timeout": 0.3},
    ),
    "reads fail": Case(
        "SunoUnavailableError",
        "could not be read for",
        2,
        (1,),
        "submitted",
        "re-attaches",
        faults=(read(kind="status", http_status=503),),
    ),
    "replies make no sense": Case(
        "SunoUnavailableError",
        "could not be read for",
        2,
        (1,),
        "submitted",
        "re-attaches",
        faults=(read(kind="garbage"),),
    ),
    "unknown id": Case(
        FATAL, "does not know music task", 1, (1,), "submitted", "re-attaches", prompt="[hidden:100000]"
    ),
}


# Each of these is found in a way of its own; the others differ in what a poll is told, which unit tests hold.
WAITS = {"finished", "rejected", "failed", "bad key while waiting", "execution timeout", "our deadline", "reads fail"}


def cells() -> Iterator[Any]:
    """Yield each outcome in one mode; each way in which a wait ends in the worker and in the triggerer."""
    modes = list(MODES)
    for number, (name, case) in enumerate(CASES.items()):
        pair = modes[:2] if number % 2 else modes[2:]
        for mode in pair if name in WAITS else [pair[number // 2 % 2]]:
            yield pytest.param(mode, case, id=f"{name}-{mode}".replace(" ", "_"))


@pytest.mark.parametrize(("mode", "case"), list(cells()))
def test_every_cell(
    mode: str, case: Case, sim: RunningSimulator, schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = replace(retry.RETRY_LIMITS, longest_server_delay=SHORT / 2, patience=0.0)
    monkeypatch.setattr(retry, "RETRY_LIMITS", limits)
    monkeypatch.setenv("AIRFLOW_CONN_SUNO_NOWHERE", "suno://:key@127.0.0.1:1/http")
    for fault in case.faults:
        sim.faults.add(fault)
    run = schedule(a_dag(mode, case)).run()
    index = 0 if "mapped" in mode else -1

    assert run.state("generate") == ["failed" if case.error else "success"]
    assert run.tries("generate") == [case.tries]
    if case.error:
        assert type(run.last_error).__name__ == case.error
    assert case.says in run.said()
    assert [song["charges"] for song in sim.ledger()["songs"]] == list(case.charges)
    entry = run.journal("generate", index)
    assert (entry and entry["state"]) == case.journal
    if case.journal == "submitted":
        assert entry["job"]["id"] in run.said()
        assert run.xcom("generate", "music_task_id", index) == entry["job"]["id"]

    clear_when_all_is_well_again(run, case, sim)


def clear_when_all_is_well_again(run: Scheduling, case: Case, sim: RunningSimulator) -> None:
    """Clear the task as a person does who has read the error, and see what becomes of the money."""
    sim.faults.clear()
    operator = run.dag.get_task("generate")
    if "suno_conn_id" in case.fields and not isinstance(operator, MappedOperator):
        operator.suno_conn_id = "suno_default"
    elif "suno_conn_id" in case.fields:
        operator.partial_kwargs["suno_conn_id"] = "suno_default"
    before = sum(song["charges"] for song in sim.ledger()["songs"])
    run.log.clear()
    run.results.clear()
    next(run.clear("generate").steps())
    after = sum(song["charges"] for song in sim.ledger()["songs"])
    assert after - before == (case.then == "submits")
    assert ("re-attached to music task" in run.said()) == (case.then == "re-attaches")
    assert ("Storage tab (Task State Store), and clear again" in run.said()) == (case.then == "re-attaches")


def a_dag(mode: str, case: Case) -> DAG:
    options = {
        "task_id": "generate",
        "model": "V5",
        "poll_interval": 0.05,
        "wait_for_completion": True,
        **RETRY,
        **MODES[mode],
        **case.fields,
    }
    with DAG("outcomes", schedule=None) as dag:
        if "mapped" in mode:
            GenerateMusicOperator.partial(**options).expand(prompt=[case.prompt])
        else:
            GenerateMusicOperator(prompt=case.prompt, **options)
    return dag
