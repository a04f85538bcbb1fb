"""The operators against the simulator, over real HTTP; only the task instance is a stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException, TaskDeferred

from airflow_provider_suno.exceptions import SunoMusicTaskFailedError, SunoMusicTaskNotFinishedError
from airflow_provider_suno.operators.music import GenerateMusicOperator
from airflow_provider_suno.operators.persona import GeneratePersonaOperator
from airflow_provider_suno.simulator import running_simulator
from airflow_provider_suno.simulator.faults import Fault


class TaskInstance:
    """Keep what is pushed."""

    task_id = "t"
    map_index = -1

    def __init__(self) -> None:
        self.pushed: dict[str, Any] = {}

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = value

    def xcom_pull(self, *, key: str, **where: Any) -> Any:
        return self.pushed[key]


@pytest.fixture
def sim(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    with running_simulator(speed=600) as simulator:
        monkeypatch.setenv("AIRFLOW_CONN_SUNO_DEFAULT", simulator.connection_json)
        yield simulator


def run(operator: Any, ti: TaskInstance | None = None) -> Any:
    return operator.execute({"ti": ti or TaskInstance()})


def generate(**options: Any) -> GenerateMusicOperator:
    return GenerateMusicOperator(task_id="t", **{"model": "V5", "prompt": "rain", "poll_interval": 0.2, **options})


def charges(sim: Any) -> list[int]:
    return [song["charges"] for song in sim.ledger()["songs"]]


def test_submit_only(sim: Any) -> None:
    ti = TaskInstance()
    music_task_id = run(generate(), ti)
    assert ti.pushed == {"music_task_id": music_task_id}
    assert charges(sim) == [1]


def test_waiting_in_the_worker_pushes_the_result(sim: Any) -> None:
    ti = TaskInstance()
    music_task_id = run(generate(wait_for_completion=True, deferrable=False), ti)
    assert ti.pushed["music_task"]["music_task_id"] == music_task_id
    assert ti.pushed["audio_ids"] == [track["audio_id"] for track in ti.pushed["music_task"]["tracks"]]
    assert ti.pushed["audio_ids"]


def test_a_job_handed_in_is_not_submitted(sim: Any) -> None:
    paid = run(generate())
    assert run(generate(music_task_id=paid, wait_for_completion=True, deferrable=False)) == paid
    assert charges(sim) == [1]


@pytest.mark.parametrize(
    "field", [{"prompt": "x" * 501}, {"until": "some"}, {"on_lost_reply": "x"}, {"wait_timeout": "x"}]
)
def test_wrong_parameters_fail_before_any_request(sim: Any, field: dict[str, Any]) -> None:
    with pytest.raises(AirflowFailException, match=next(iter(field)).replace("wait_timeout", "the timeout")):
        run(generate(**field))
    assert sim.ledger()["requests"] == []


def test_a_lost_reply_is_fatal_and_charged_once(sim: Any) -> None:
    sim.faults.add(Fault(path="/api/v1/generate", kind="drop_after"))
    with pytest.raises(AirflowFailException, match="may exist and be charged"):
        run(generate())
    assert charges(sim) == [1]


def test_resubmit_says_yes_to_paying_twice(sim: Any) -> None:
    sim.faults.add(Fault(path="/api/v1/generate", kind="drop_after"))
    assert run(generate(on_lost_reply="resubmit"))
    assert charges(sim) == [1, 1]


def test_a_failed_record_may_be_retried_and_a_rejected_one_not(sim: Any) -> None:
    with pytest.raises(SunoMusicTaskFailedError):
        run(generate(prompt="[fail:GENERATE_AUDIO_FAILED]", wait_for_completion=True, deferrable=False))
    with pytest.raises(AirflowFailException, match="change the prompt"):
        run(generate(prompt="[fail:SENSITIVE_WORD_ERROR]", wait_for_completion=True, deferrable=False))


def test_a_timeout_after_paying_here_is_fatal_and_names_the_way_on(sim: Any) -> None:
    ti = TaskInstance()
    with pytest.raises(AirflowFailException) as caught:
        run(generate(prompt="[stuck]", wait_for_completion=True, deferrable=False, wait_timeout=1), ti)
    way_on = f"music_task_id={ti.pushed['music_task_id']!r}"
    assert str(caught.value).count(way_on) == 1
    assert "a retry would pay again, so there is none" in str(caught.value)


def test_a_killed_task_does_not_turn_green(sim: Any) -> None:
    operator = generate(wait_for_completion=True, deferrable=False)
    operator.on_kill()
    with pytest.raises(AirflowFailException, match="goes on at the service"):
        run(operator)


def test_a_strange_event_after_paying_here_is_fatal(sim: Any) -> None:
    ti = TaskInstance()
    operator = generate(wait_for_completion=True, deferrable=True)
    with pytest.raises(TaskDeferred):
        run(operator, ti)
    with pytest.raises(AirflowFailException, match="not understood"):
        operator.resume_execution("execute_complete", {"event": {"status": "great"}}, {"ti": ti})


def persona(music_task_id: str, **options: Any) -> GeneratePersonaOperator:
    return GeneratePersonaOperator(task_id="t", music_task_id=music_task_id, name="n", description="d", **options)


def finished(sim: Any) -> str:
    music_task_id: str = run(generate(wait_for_completion=True, deferrable=False))
    return music_task_id


def test_a_persona_of_a_finished_track(sim: Any) -> None:
    ti = TaskInstance()
    persona_id = run(persona(finished(sim)), ti)
    assert ti.pushed["persona"]["persona_id"] == persona_id
    assert run(generate(persona_id=persona_id, style="folk", title="Again"))


def test_a_persona_of_unfinished_music_is_not_asked_for(sim: Any) -> None:
    with pytest.raises(SunoMusicTaskNotFinishedError, match="put a MusicTaskSensor before this task"):
        run(persona(run(generate(prompt="[stuck]"))))
    assert not [r for r in sim.ledger()["requests"] if r["path"].endswith("generate-persona")]


def test_a_second_persona_fails_or_skips(sim: Any) -> None:
    music_task_id = finished(sim)
    run(persona(music_task_id))
    with pytest.raises(AirflowFailException, match="exists already"):
        run(persona(music_task_id))
    with pytest.raises(AirflowSkipException, match="has a persona already"):
        run(persona(music_task_id, if_exists="skip"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"track": 7}, "there is no number 7, counted from 0"),
        ({"audio_id": "stranger"}, "'stranger' is none of its tracks"),
        ({"audio_id": ["a", "b"]}, "map the task over them with expand"),
        ({"if_exists": "maybe"}, "if_exists: must be one of"),
    ],
)
def test_a_persona_of_no_such_track(sim: Any, options: dict[str, Any], said: str) -> None:
    with pytest.raises(AirflowFailException, match=said):
        run(persona(finished(sim), **options))


def test_a_persona_of_an_old_model_is_refused_before_asking(sim: Any) -> None:
    seeded = sim.world.seed({"model": "V3_5"}, "SUCCESS", now=sim.clock.now())
    with pytest.raises(AirflowFailException, match="a persona needs a model newer than V3_5"):
        run(persona(getattr(seeded, "music_task_id", seeded)))
    assert not [r for r in sim.ledger()["requests"] if r["path"].endswith("generate-persona")]
