"""The persona operator through Airflow's own supervisor and task runner; the simulator's ledger is the judge."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from airflow.sdk import DAG, get_current_context

from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.operators import persona as persona_module
from airflow_provider_suno.operators.music import GenerateMusicOperator
from airflow_provider_suno.operators.persona import GeneratePersonaOperator
from airflow_provider_suno.sensors.music_task import MusicTaskSensor
from airflow_provider_suno.simulator.control.fault_plan import Fault
from airflow_provider_suno.simulator.embedding import RunningSimulator
from airflow_provider_suno.simulator.state.submissions import seed_music
from tests.support.generating import GENERATE_PERSONA, later
from tests.support.scheduling import Scheduling

Schedule = Callable[[DAG], Scheduling]
Song = Callable[..., str]

FIELDS: dict[str, Any] = {
    "task_id": "persona",
    "name": "Rainy",
    "description": "A calm voice",
    "retries": 1,
    "retry_delay": timedelta(0),
}
pytestmark = pytest.mark.usefixtures("short_clocks")


def a_dag(music_task_id: str, **fields: Any) -> DAG:
    with DAG("personas", schedule=None) as dag:
        GeneratePersonaOperator(music_task_id=music_task_id, **FIELDS, **fields)
    return dag


def ended(run: Scheduling) -> tuple[list[str | None], list[int]]:
    return run.state("persona"), run.tries("persona")


def asked_for(sim: RunningSimulator) -> int:
    return sum(request["path"] == GENERATE_PERSONA for request in sim.ledger()["requests"])


def test_a_persona_of_the_first_track(sim: RunningSimulator, song: Song, schedule: Schedule) -> None:
    music_task_id = song()
    run = schedule(a_dag(music_task_id)).run()
    assert ended(run) == (["success"], [1])
    persona = run.xcom("persona", "persona")
    assert persona["persona_id"] == run.xcom("persona") == sim.ledger()["personas"][0]["persona_id"]
    assert (persona["name"], persona["music_task_id"]) == ("Rainy", music_task_id)
    assert asked_for(sim) == 1


@pytest.mark.usefixtures("sim")
def test_one_persona_for_each_track_and_a_song_with_each(schedule: Schedule) -> None:
    with DAG("personas", schedule=None) as dag:
        music = GenerateMusicOperator(task_id="generate", model="V5", prompt="rain")
        wait = MusicTaskSensor(task_id="wait", music_task_id=music.output, poke_interval=0.05)
        personas = GeneratePersonaOperator.partial(music_task_id=music.output, **FIELDS).expand(audio_id=wait.output)
        GenerateMusicOperator.partial(task_id="again", model="V5", title="Again", style="folk", prompt="la").expand(
            persona_id=personas.output
        )
    run = schedule(dag).run()
    tracks = run.xcom("wait")
    assert len(tracks) == 2
    assert [run.xcom("persona", "persona", index)["audio_id"] for index in range(2)] == tracks
    assert run.state("again") == ["success", "success"]


def test_unfinished_music_is_asked_again_but_no_persona_is(
    sim: RunningSimulator, song: Song, schedule: Schedule
) -> None:
    run = schedule(a_dag(song("[stuck]"))).run()
    assert ended(run) == (["failed"], [2])
    assert type(run.last_error).__name__ == "SunoMusicTaskNotFinishedError"
    assert "put a MusicTaskSensor before this task" in str(run.last_error)
    assert asked_for(sim) == 0


@pytest.mark.parametrize(
    ("if_exists", "state", "said"),
    [("fail", "failed", "exists already"), ("skip", "skipped", "cannot get a second persona")],
)
@pytest.mark.usefixtures("sim")
def test_a_second_persona(if_exists: str, state: str, said: str, song: Song, schedule: Schedule) -> None:
    music_task_id = song()
    assert ended(schedule(a_dag(music_task_id)).run()) == (["success"], [1])
    run = schedule(a_dag(music_task_id, if_exists=if_exists, vocal_start=1)).run()
    assert ended(run) == ([state], [1])
    assert said in run.said()
    record = SunoHook().get_music_task(music_task_id)
    assert record is not None
    assert f"Track {record.audio_ids[0]} cannot get a second persona" in run.said()
    assert ("set if_exists='skip' to skip this task instead" in run.said()) == (if_exists == "fail")
    assert run.said().count("vocal_start: the pages of apikley do not name it") == 1


@pytest.mark.parametrize("if_exists", ["fail", "skip"])
def test_a_persona_that_our_own_lost_request_made_is_never_skipped(
    if_exists: str, sim: RunningSimulator, song: Song, schedule: Schedule
) -> None:
    music_task_id = song()
    sim.faults.add(Fault(path=GENERATE_PERSONA, kind="drop_after"))
    run = schedule(a_dag(music_task_id, if_exists=if_exists)).run()
    assert ended(run) == (["failed"], [1])
    assert "Our own lost request made the persona" in str(run.last_error)
    assert asked_for(sim) == 2


def test_a_lost_request_that_made_nothing_is_sent_again(sim: RunningSimulator, song: Song, schedule: Schedule) -> None:
    music_task_id = song()
    sim.faults.add(Fault(path=GENERATE_PERSONA, kind="drop_before"))
    run = schedule(a_dag(music_task_id)).run()
    assert ended(run) == (["success"], [1])
    assert len(sim.ledger()["personas"]) == 1


def test_two_lost_replies_are_a_doubt_that_is_not_retried(
    sim: RunningSimulator, song: Song, schedule: Schedule
) -> None:
    music_task_id = song()
    sim.faults.add(Fault(path=GENERATE_PERSONA, kind="drop_before", times=None))
    run = schedule(a_dag(music_task_id)).run()
    assert ended(run) == (["failed"], [1])
    assert "The persona may exist" in str(run.last_error)
    assert asked_for(sim) == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"track": 7}, "there is no number 7, counted from 0"),
        ({"track": "x"}, "track: must be a whole number from 0"),
        ({"track": 1.9}, "track: must be a whole number from 0"),
        ({"track": True}, "track: must be a whole number from 0"),
        ({"audio_id": "stranger"}, "'stranger' is none of its tracks"),
        ({"audio_id": ["a", "b"]}, "map the task over them with expand"),
        ({"if_exists": "maybe"}, "if_exists: must be one of"),
        ({"vocal_start": 0, "vocal_end": 99}, "vocal_end"),
    ],
)
def test_what_cannot_be_asked_for(
    options: dict[str, Any], said: str, sim: RunningSimulator, song: Song, schedule: Schedule
) -> None:
    with DAG("personas", schedule=None) as dag:
        GeneratePersonaOperator(music_task_id=song(), **FIELDS, **later(**options))
    run = schedule(dag).run()
    assert ended(run) == (["failed"], [1])
    assert said in str(run.last_error)
    assert asked_for(sim) == 0


@pytest.mark.parametrize(
    ("prompt", "said"),
    [("[fail:SENSITIVE_WORD_ERROR]", "protected words"), ("[fail:GENERATE_AUDIO_FAILED]", "GENERATE_AUDIO_FAILED")],
)
def test_music_that_failed_has_no_persona(
    prompt: str, said: str, sim: RunningSimulator, song: Song, schedule: Schedule
) -> None:
    run = schedule(a_dag(song(prompt))).run()
    assert ended(run) == (["failed"], [1])
    assert said in str(run.last_error)
    assert asked_for(sim) == 0


def test_an_old_model_is_refused_before_asking(sim: RunningSimulator, schedule: Schedule) -> None:
    old = seed_music(sim.state, {"model": "V3_5"}, "SUCCESS", now=sim.clock.now())
    run = schedule(a_dag(old.music_task_id)).run()
    assert ended(run) == (["failed"], [1])
    assert "a persona needs a model newer than V3_5" in str(run.last_error)
    assert asked_for(sim) == 0


def test_an_unknown_music_task_is_asked_about_for_the_grace_only(sim: RunningSimulator, schedule: Schedule) -> None:
    run = schedule(a_dag("0" * 32)).run()
    assert ended(run) == (["failed"], [1])
    assert "does not know music task" in str(run.last_error)
    assert asked_for(sim) == 0


def test_a_killed_task_asks_for_no_persona(
    sim: RunningSimulator, song: Song, schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = persona_module.finished_record

    def kill_meanwhile(*args: Any, **kwargs: Any) -> Any:
        get_current_context()["ti"].task.on_kill()
        return look(*args, **kwargs)

    monkeypatch.setattr(persona_module, "finished_record", kill_meanwhile)
    run = schedule(a_dag(song())).run()
    assert ended(run) == (["failed"], [2])
    assert run.said().count("Killed before it was sent") == 2
    assert asked_for(sim) == 0


@pytest.mark.usefixtures("sim")
def test_blanks_that_a_template_leaves_around_ids_do_not_matter(song: Song, schedule: Schedule) -> None:
    assert ended(schedule(a_dag(f" {song()}\n", track=" 0 ")).run()) == (["success"], [1])
