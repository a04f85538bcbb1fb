"""The submitting operators through Airflow's own supervisor and task runner; the simulator's ledger is the judge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from airflow.sdk import DAG
from airflow.triggers.base import TriggerEvent

from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.operators.music import GenerateMusicOperator
from airflow_provider_suno.sensors.music_task import MusicTaskSensor
from airflow_provider_suno.simulator.control.fault_plan import Fault
from airflow_provider_suno.simulator.embedding import RunningSimulator
from tests.support.generating import (
    GENERATE,
    RECORD_INFO,
    RETRY,
    WAITING,
    Schedule,
    a_dag,
    charges,
    deferred,
    ended,
    killed_on,
    later,
)

pytestmark = pytest.mark.usefixtures("short_clocks")


def test_submit_only_returns_the_id(sim: RunningSimulator, schedule: Schedule) -> None:
    run = schedule(a_dag()).run()
    assert ended(run) == (["success"], [1])
    assert run.xcom("generate") == run.xcom("generate", "music_task_id") == sim.ledger()["songs"][0]["music_task_id"]
    assert run.xcom("generate", "music_task") is None
    assert charges(sim) == [1]


@WAITING
def test_waiting_pushes_the_result(waiting: dict[str, bool], sim: RunningSimulator, schedule: Schedule) -> None:
    run = schedule(a_dag(**waiting)).run()
    assert ended(run) == (["success"], [1])
    record = run.xcom("generate", "music_task")
    assert record["music_task_id"] == run.xcom("generate")
    assert [track["audio_id"] for track in record["tracks"]] == run.xcom("generate", "audio_ids") != []
    assert len(run.events) == waiting["deferrable"]
    assert charges(sim) == [1]


@pytest.mark.usefixtures("sim")
def test_fields_are_templates_and_may_be_text(schedule: Schedule) -> None:
    dag = a_dag(prompt="about {{ dag.dag_id }}", style="folk", title="{{ 'T' }}", style_weight="{{ 0.25 }}")
    run = schedule(dag).run()
    assert ended(run) == (["success"], [1])
    record = SunoHook().get_music_task(run.xcom("generate"))
    assert record is not None
    received = {name: record.parameters[name] for name in ("prompt", "title", "styleWeight", "customMode")}
    assert received == {"prompt": "about operators", "title": "T", "styleWeight": 0.25, "customMode": True}


@WAITING
def test_each_mapped_song_is_paid_once(waiting: dict[str, bool], sim: RunningSimulator, schedule: Schedule) -> None:
    with DAG("operators", schedule=None) as dag:
        songs = GenerateMusicOperator.partial(
            task_id="generate", model="V5", poll_interval=0.05, **RETRY, **waiting
        ).expand(prompt=["rain", "snow", "[fail:SENSITIVE_WORD_ERROR]"])
        MusicTaskSensor.partial(task_id="again", trigger_rule="all_done", poke_interval=0.05).expand(
            music_task_id=songs.output
        )
    run = schedule(dag).run()
    assert ended(run) == (["success", "success", "failed"], [1, 1, 1])
    assert run.state("again") == ["success", "success"]
    ids = [run.xcom("generate", "music_task_id", map_index=index) for index in range(3)]
    assert len(set(ids)) == 3
    assert [run.xcom("again", map_index=index) for index in range(2)] == [
        run.xcom("generate", "audio_ids", map_index=index) for index in range(2)
    ]
    assert charges(sim) == [1, 1, 1]


@WAITING
def test_a_job_handed_in_is_not_submitted(
    waiting: dict[str, bool], song: Callable[..., str], schedule: Schedule, sim: RunningSimulator
) -> None:
    paid = song()
    run = schedule(a_dag(music_task_id=paid, **waiting)).run()
    assert run.xcom("generate") == paid
    assert run.xcom("generate", "audio_ids")
    assert charges(sim) == [1]


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ({"prompt": "x" * 501}, "prompt: 501 characters"),
        ({"vocal_gender": "x"}, "vocal_gender"),
        ({"style_weight": 1.5}, "style_weight"),
        ({"until": "some"}, "until: must be"),
        ({"on_lost_reply": "x"}, "on_lost_reply: must be"),
        ({"wait_timeout": "x"}, "wait_timeout: must be"),
        ({"music_task_id": ["a", "b"]}, "for several, map the task"),
    ],
)
def test_wrong_parameters_fail_at_once_before_any_request(
    field: dict[str, Any], said: str, sim: RunningSimulator, schedule: Schedule
) -> None:
    with DAG("operators", schedule=None) as dag:
        GenerateMusicOperator(task_id="generate", **{"model": "V5", "prompt": "rain", **RETRY, **later(**field)})
    run = schedule(dag).run()
    assert ended(run) == (["failed"], [1])
    assert said in str(run.last_error)
    assert sim.ledger()["requests"] == []


@pytest.mark.parametrize("kind", ["drop_after", "truncated", "html", "garbage"])
def test_a_lost_reply_is_fatal_and_charged_at_most_once(kind: Any, sim: RunningSimulator, schedule: Schedule) -> None:
    sim.faults.add(Fault(path=GENERATE, kind=kind))
    run = schedule(a_dag()).run()
    assert ended(run) == (["failed"], [1])
    assert "may exist and be charged" in str(run.last_error)
    assert "music_task_id=" in str(run.last_error)
    assert sum(charges(sim)) <= 1


def test_resubmit_says_yes_to_paying_twice(sim: RunningSimulator, schedule: Schedule) -> None:
    sim.faults.add(Fault(path=GENERATE, kind="drop_after"))
    run = schedule(a_dag(on_lost_reply="resubmit")).run()
    assert ended(run) == (["success"], [1])
    assert "which may pay twice" in run.said()
    assert charges(sim) == [1, 1]


def test_a_refusal_for_good_is_not_retried(sim: RunningSimulator, schedule: Schedule) -> None:
    sim.faults.add(Fault(path=GENERATE, kind="code", code=402, msg="Insufficient credits.", times=None))
    run = schedule(a_dag()).run()
    assert ended(run) == (["failed"], [1])
    assert "Insufficient credits." in str(run.last_error)
    assert charges(sim) == []


@WAITING
def test_a_failed_record_is_submitted_again(
    waiting: dict[str, bool], sim: RunningSimulator, schedule: Schedule
) -> None:
    run = schedule(a_dag(prompt="[fail:GENERATE_AUDIO_FAILED]", **waiting)).run()
    assert ended(run) == (["failed"], [2])
    assert type(run.last_error).__name__ == "SunoMusicTaskFailedError"
    assert charges(sim) == [1, 1]


@WAITING
def test_a_wait_for_a_job_handed_in_may_be_retried(
    waiting: dict[str, bool], song: Callable[..., str], schedule: Schedule, sim: RunningSimulator
) -> None:
    run = schedule(a_dag(music_task_id=song("[stuck]"), wait_timeout=0.3, **waiting)).run()
    assert ended(run) == (["failed"], [2])
    assert type(run.last_error).__name__ == "SunoMusicTaskTimeoutError"
    assert charges(sim) == [1]


def test_a_task_killed_before_its_submission_pays_nothing_and_may_be_retried(
    sim: RunningSimulator, schedule: Schedule
) -> None:
    sim.faults.add(Fault(path=GENERATE, kind="code", code=429, msg="Too many requests.", times=2))
    with killed_on(sim, GENERATE):
        run = schedule(a_dag()).run()
    assert "Killed before it was sent" in run.said()
    assert ended(run) == (["success"], [2])
    assert charges(sim) == [1]


@WAITING
@pytest.mark.usefixtures("sim")
def test_blanks_that_a_template_leaves_around_an_id_do_not_matter(
    waiting: dict[str, bool], song: Callable[..., str], schedule: Schedule
) -> None:
    paid = song()
    run = schedule(a_dag(music_task_id=f" {paid}\n", **waiting)).run()
    assert ended(run) == (["success"], [1])
    assert run.xcom("generate") == paid


def test_a_misspelt_argument_names_the_nearest() -> None:
    with pytest.raises(TypeError, match="promt: did you mean prompt"):
        GenerateMusicOperator(task_id="generate", model="V5", promt="rain")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="poll_interval: did you mean poke_interval"):
        MusicTaskSensor(task_id="wait", music_task_id="m", poll_interval=5)  # type: ignore[call-arg]


@pytest.mark.parametrize("sensor", [True, False])
def test_an_event_of_an_earlier_try_starts_a_try_over(
    sensor: bool, song: Callable[..., str], sim: RunningSimulator, schedule: Schedule
) -> None:
    """Airflow 3.0 resumes a retry with the event of the try before."""
    paid = song()
    sim.faults.add(Fault(path=RECORD_INFO, kind="status", http_status=503, times=1))
    with DAG("operators", schedule=None) as dag:
        if sensor:
            MusicTaskSensor(task_id="generate", music_task_id=paid, deferrable=True, poke_interval=0.05)
        else:
            GenerateMusicOperator(
                task_id="generate", music_task_id=paid, wait_for_completion=True, deferrable=True, poll_interval=0.05
            )
    run = schedule(dag)
    error = {"type": "SunoUnavailableError", "message": "old news", "code": None, "retry_after": None}
    old = {"status": "gave_up", "music_task_id": paid, "music_task": None, "error": error, "try_number": 0}
    run.submit_event(deferred(run), TriggerEvent(old))
    assert ended(run.run()) == (["success"], [1])
    assert run.xcom("generate", "music_task")["music_task_id"] == paid
