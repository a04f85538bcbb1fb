"""The persona's entry in the journal: a persona is made once, found by retry and clear, and never mistaken."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowTaskTimeout
from airflow.sdk import DAG
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

from airflow_provider_suno.http import retry
from airflow_provider_suno.operators.persona import GeneratePersonaOperator
from airflow_provider_suno.simulator.control.fault_plan import Fault
from airflow_provider_suno.simulator.embedding import RunningSimulator
from tests.support.airflow_versions import KEEPS_TASK_STATE
from tests.support.generating import GENERATE_PERSONA, RECORD_INFO, RETRY, Schedule
from tests.support.supervised import SupervisedScheduling, crash_points

pytestmark = [
    pytest.mark.skipif(not KEEPS_TASK_STATE, reason="before Airflow 3.3 there is no journal"),
    pytest.mark.usefixtures("short_clocks"),
]
Song = Callable[..., str]

if KEEPS_TASK_STATE:
    from airflow.sdk.execution_time.context import TaskStateStoreAccessor


def a_dag(music_task_id: str, **fields: Any) -> DAG:
    with DAG("personas", schedule=None) as dag:
        GeneratePersonaOperator(
            **{"task_id": "persona", "name": "n", "description": "d", "music_task_id": music_task_id, **RETRY, **fields}
        )
    return dag


def personas(sim: RunningSimulator) -> list[str]:
    return [persona["persona_id"] for persona in sim.ledger()["personas"]]


def asked_for(sim: RunningSimulator) -> int:
    return sum(request["path"] == GENERATE_PERSONA for request in sim.ledger()["requests"])


def test_a_retry_returns_the_persona_that_was_made(
    sim: RunningSimulator, song: Song, schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    push = RuntimeTaskInstance.xcom_push

    def fail_once(ti: RuntimeTaskInstance, key: str, value: Any) -> None:
        if key == "persona":
            monkeypatch.setattr(RuntimeTaskInstance, "xcom_push", push)
            raise RuntimeError("the API server is away")
        push(ti, key, value)

    monkeypatch.setattr(RuntimeTaskInstance, "xcom_push", fail_once)
    run = schedule(a_dag(song())).run()
    assert (run.state("persona"), run.tries("persona")) == (["success"], [2])
    assert [run.xcom("persona")] == personas(sim)
    assert run.xcom("persona", "persona")["name"] == "n"
    assert f"persona {run.xcom('persona')} was already made from track" in run.said()
    assert run.journal("persona")["state"] == "delivered"
    assert asked_for(sim) == 1


@pytest.mark.parametrize("if_exists", ["fail", "skip"])
def test_a_clear_returns_it_too(if_exists: str, sim: RunningSimulator, song: Song, schedule: Schedule) -> None:
    run = schedule(a_dag(song(), if_exists=if_exists)).run()
    made = run.xcom("persona")
    run.clear("persona").run()
    assert run.state("persona") == ["success"]
    assert run.xcom("persona") == made
    assert asked_for(sim) == 1


@pytest.mark.parametrize("by", ["number", "id"])
def test_a_clear_returns_it_after_its_music_task_was_deleted(
    by: str, sim: RunningSimulator, song: Song, schedule: Schedule
) -> None:
    music_task_id = song()
    track = sim.ledger()["songs"][0]["audio_ids"][0]
    run = schedule(a_dag(music_task_id, **({"audio_id": track} if by == "id" else {}))).run()
    sim.faults.add(Fault(path=RECORD_INFO, kind="code", code=404, msg="Gone.", times=None))
    run.clear("persona").run()
    assert run.state("persona") == ["success"]
    assert asked_for(sim) == 1


def test_the_same_track_given_by_id_is_the_same_persona(sim: RunningSimulator, song: Song, schedule: Schedule) -> None:
    run = schedule(a_dag(song())).run()
    run.dag.get_task("persona").audio_id = sim.ledger()["songs"][0]["audio_ids"][0]
    run.clear("persona").run()
    assert (run.state("persona"), [run.xcom("persona")]) == (["success"], personas(sim))


def test_a_refused_other_track_leaves_the_first_persona(sim: RunningSimulator, song: Song, schedule: Schedule) -> None:
    run = schedule(a_dag(song())).run()
    first = run.journal("persona")
    run.dag.get_task("persona").track = 1
    sim.faults.add(Fault(path=GENERATE_PERSONA, kind="code", code=422, msg="No."))
    run.clear("persona").run()
    assert run.state("persona") == ["failed"]
    assert run.journal("persona") == first


def test_another_track_is_another_persona(sim: RunningSimulator, song: Song, schedule: Schedule) -> None:
    run = schedule(a_dag(song())).run()
    first = run.xcom("persona")
    run.dag.get_task("persona").track = 1
    run.clear("persona").run()
    assert [first, run.xcom("persona")] == personas(sim)


@pytest.mark.parametrize("if_exists", ["fail", "skip"])
def test_a_conflict_after_our_own_lost_reply_is_never_skipped_not_even_after_a_clear(
    if_exists: str, sim: RunningSimulator, song: Song, schedule: Schedule
) -> None:
    music_task_id = song()
    sim.faults.add(Fault(path=GENERATE_PERSONA, kind="drop_after"))
    run = schedule(a_dag(music_task_id, if_exists=if_exists)).run()
    for tries in (1, 2):
        assert (run.state("persona"), run.tries("persona")) == (["failed"], [tries])
        assert "Our own lost request made the persona" in str(run.last_error)
        assert run.journal("persona")["state"] == "intent"
        run.clear("persona").run()
    assert len(personas(sim)) == 1


def test_a_conflict_with_somebody_elses_persona_leaves_no_entry(
    sim: RunningSimulator, song: Song, schedule: Schedule
) -> None:
    music_task_id = song()
    schedule(a_dag(music_task_id)).run()
    run = schedule(a_dag(music_task_id, if_exists="skip")).run()
    assert run.state("persona") == ["skipped"]
    assert run.journal("persona") is None


def test_a_refusal_leaves_no_entry(sim: RunningSimulator, song: Song, schedule: Schedule) -> None:
    sim.faults.add(Fault(path=GENERATE_PERSONA, kind="code", code=422, msg="No."))
    run = schedule(a_dag(song())).run()
    assert (run.state("persona"), run.tries("persona")) == (["failed"], [1])
    assert run.journal("persona") is None


@pytest.mark.parametrize("problem", ["timeout", "error"])
def test_writing_the_persona_is_tried_again(
    problem: str, sim: RunningSimulator, song: Song, schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = TaskStateStoreAccessor.set

    def fail_once(self: Any, key: str, value: Any, **kwargs: Any) -> None:
        if value["state"] == "submitted":
            monkeypatch.setattr(TaskStateStoreAccessor, "set", write)
            raise {"timeout": AirflowTaskTimeout, "error": RuntimeError}[problem]
        write(self, key, value, **kwargs)

    monkeypatch.setattr(TaskStateStoreAccessor, "set", fail_once)
    run = schedule(a_dag(song())).run()
    assert (run.state("persona"), [run.xcom("persona")]) == (["success"], personas(sim))
    assert asked_for(sim) == 1


def test_a_temporary_refusal_after_a_lost_reply_is_retried(
    sim: RunningSimulator, song: Song, schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "RETRY_LIMITS", replace(retry.RETRY_LIMITS, longest_server_delay=0.5))
    music_task_id = song()
    sim.faults.add(Fault(path=GENERATE_PERSONA, kind="drop_before"))
    sim.faults.add(Fault(path=GENERATE_PERSONA, kind="code", code=455, msg="Back soon.", retry_after=1, times=1))
    run = schedule(a_dag(music_task_id)).run()
    assert (run.state("persona"), run.tries("persona")) == (["success"], [2])
    assert "so the persona may exist all the same" in run.said()


POINTS = crash_points("generate_persona")
LOST = "between POST and submitted"


@pytest.mark.crashes
@pytest.mark.parametrize("mapped", [False, True], ids=["one", "mapped"])
@pytest.mark.parametrize("then", ["retry", "clear"])
@pytest.mark.parametrize("point", POINTS)
def test_a_crash(
    point: str,
    then: str,
    mapped: bool,
    sim: RunningSimulator,
    song: Song,
    supervise: Callable[[DAG], SupervisedScheduling],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fields = {
        "task_id": "persona",
        "name": "n",
        "description": "d",
        "if_exists": "skip",
        **RETRY,
        "retries": int(then == "retry"),
    }
    music_task_id = song()
    with DAG("personas", schedule=None) as dag:
        if mapped:
            GeneratePersonaOperator.partial(music_task_id=music_task_id, **fields).expand(track=[0, 1])
        else:
            GeneratePersonaOperator(music_task_id=music_task_id, **fields)
    POINTS[point].arm(tmp_path / "armed", monkeypatch)
    run = supervise(dag).run()
    assert run.exit_codes.count(-signal.SIGKILL) == 1, "no process reached the crash point"
    if then == "clear":
        run.clear("persona").run()
    tracks = 1 + mapped
    assert len(personas(sim)) == tracks
    if point == LOST:
        assert run.state("persona") == ["failed"] + ["success"] * mapped
        assert "Our own lost request made the persona" in run.said()
        return
    assert run.state("persona") == ["success"] * tracks
    indexes = (0, 1) if mapped else (-1,)
    assert sorted(run.xcom("persona", map_index=index) for index in indexes) == sorted(personas(sim))
