"""A paid result is never thrown away: odd records in every mode of waiting, through Airflow's own task runner."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from airflow.sdk import DAG
from airflow.triggers.base import TriggerEvent

from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.http.client import SunoClient
from airflow_provider_suno.operators.music import GenerateMusicOperator
from airflow_provider_suno.operators.persona import GeneratePersonaOperator
from airflow_provider_suno.sensors.music_task import MusicTaskSensor
from airflow_provider_suno.simulator.control.fault_plan import Fault
from airflow_provider_suno.simulator.embedding import RunningSimulator
from tests.support.airflow_versions import KEEPS_TASK_STATE
from tests.support.generating import GENERATE, RECORD_INFO, RETRY, Schedule, a_dag, charges, deferred
from tests.support.scheduling import Scheduling

pytestmark = pytest.mark.usefixtures("short_clocks")

Odd = Callable[[Callable[[dict[str, Any]], None]], None]

OPERATORS = {"operator in worker": False, "operator deferred": True}
SENSORS: dict[str, dict[str, Any]] = {
    "sensor poke": {"mode": "poke", "deferrable": False},
    "sensor reschedule": {"mode": "reschedule", "deferrable": False},
    "sensor deferred": {"deferrable": True},
}
MODES = pytest.mark.parametrize("mode", [*OPERATORS, *SENSORS])


@pytest.fixture
def odd(monkeypatch: pytest.MonkeyPatch) -> Odd:
    """Return what changes each record at SUCCESS before it is read."""
    get = SunoClient._get

    def install(change: Callable[[dict[str, Any]], None]) -> None:
        def get_changed(client: SunoClient, path: str, *args: Any, **kwargs: Any) -> Any:
            data = get(client, path, *args, **kwargs)
            if isinstance(data, dict) and data.get("status") == "SUCCESS":
                change(data)
            return data

        monkeypatch.setattr(SunoClient, "_get", get_changed)

    return install


def without_audio_urls(data: dict[str, Any]) -> None:
    first, second = data["response"]["sunoData"]
    first.update(audioUrl=None, sourceAudioUrl="https://cdn1.example/first.mp3")
    second.update(audioUrl="https://x.example/api/forbidden", sourceAudioUrl="https://x.example/None.mp3")
    second["streamAudioUrl"] = "https://x.example/second"


def failed_beside_a_track(data: dict[str, Any]) -> None:
    first, second = data["response"]["sunoData"]
    first.update(audioUrl="https://x.example/first.mp3", title="Rain")
    second.update(audioUrl="", sourceAudioUrl=None)
    data.update(status="GENERATE_AUDIO_FAILED", errorCode=501)
    data["response"]["errorMessage"] = "half of it failed"


def run_in(
    mode: str, sim: RunningSimulator, song: Callable[..., str], schedule: Schedule, **options: Any
) -> Scheduling:
    """Wait for a song in one of the modes, in a task called ``generate``; a deferrable one does defer."""
    if mode in OPERATORS:
        return schedule(a_dag(wait_for_completion=True, deferrable=OPERATORS[mode], **options)).run()
    music_task_id = song()
    sim.faults.add(Fault(path=RECORD_INFO, kind="status", http_status=502, times=1))
    with DAG("paid", schedule=None) as dag:
        MusicTaskSensor(
            task_id="generate", music_task_id=music_task_id, poke_interval=0.05, **RETRY, **SENSORS[mode], **options
        )
    return schedule(dag).run()


@MODES
def test_success_without_an_audio_url_delivers_the_next_best_address(
    mode: str, odd: Odd, sim: RunningSimulator, song: Callable[..., str], schedule: Schedule
) -> None:
    odd(without_audio_urls)
    run = run_in(mode, sim, song, schedule)
    assert (run.state("generate"), run.tries("generate")) == (["success"], [1])
    tracks = run.xcom("generate", "music_task")["tracks"]
    assert [track["audio_url"] for track in tracks] == ["https://cdn1.example/first.mp3", "https://x.example/second"]
    for track, used in zip(tracks, ["source_audio_url", "stream_audio_url"], strict=True):
        assert f"track {track['audio_id']} came without an audio_url; its {used} is used instead" in run.said()
    assert len(run.events) == ("deferred" in mode)
    assert charges(sim) == [1]


@MODES
def test_a_failed_job_hands_on_the_track_that_can_be_played(
    mode: str, odd: Odd, sim: RunningSimulator, song: Callable[..., str], schedule: Schedule
) -> None:
    odd(failed_beside_a_track)
    run = run_in(mode, sim, song, schedule)
    assert (run.state("generate"), run.tries("generate")) == (["failed"], [1])  # a retry would pay for another song
    [track] = run.xcom("generate", "music_task")["tracks"]
    said = str(run.last_error)
    assert "error code 501: half of it failed" in said
    assert f'{track["audio_id"]} ("Rain", ' in said
    assert ", https://x.example/first.mp3)" in said
    assert "look at your balance" in said
    assert "until='first'" in said
    assert len(run.events) == ("deferred" in mode)
    assert charges(sim) == [1]
    if mode in OPERATORS and KEEPS_TASK_STATE:
        run.dag.get_task("generate").until = "first"
        run.clear("generate").run()
        assert run.xcom("generate", "audio_ids") == [track["audio_id"]]
        assert charges(sim) == [1]


@MODES
def test_until_first_is_content_with_the_track_of_a_failed_job(
    mode: str, odd: Odd, sim: RunningSimulator, song: Callable[..., str], schedule: Schedule
) -> None:
    odd(failed_beside_a_track)
    run = run_in(mode, sim, song, schedule, until="first")
    assert (run.state("generate"), run.tries("generate")) == (["success"], [1])
    [track] = run.xcom("generate", "music_task")["tracks"]
    assert track["audio_url"] == "https://x.example/first.mp3"
    assert "it ended as GENERATE_AUDIO_FAILED (error code 501: half of it failed)" in run.said()
    assert charges(sim) == [1]


def test_the_tracks_of_a_failed_job_are_taken_up_as_the_error_says(
    odd: Odd, sim: RunningSimulator, schedule: Schedule
) -> None:
    odd(failed_beside_a_track)
    failed = schedule(a_dag(wait_for_completion=True, retries=0)).run()
    paid = failed.xcom("generate", "music_task_id")
    assert f"set music_task_id={paid!r} and until='first'" in str(failed.last_error)
    again = schedule(a_dag(music_task_id=paid, until="first", wait_for_completion=True)).run()
    assert again.state("generate") == ["success"]
    assert again.xcom("generate", "audio_ids") == [
        track["audio_id"] for track in failed.xcom("generate", "music_task")["tracks"]
    ]
    assert charges(sim) == [1]


def test_the_hook_and_the_persona_agree(
    odd: Odd, song: Callable[..., str], schedule: Schedule, hooks_log: Callable[[Any], list[str]]
) -> None:
    odd(without_audio_urls)
    music_task_id, hook = song(), SunoHook()
    lines = hooks_log(hook)
    record = hook.get_music_task(music_task_id)
    assert record is not None
    assert record.complete
    assert [line.partition("its ")[2].split()[0] for line in lines] == ["source_audio_url", "stream_audio_url"]
    with DAG("persona", schedule=None) as dag:
        GeneratePersonaOperator(task_id="persona", music_task_id=music_task_id, name="n", description="d")
    assert schedule(dag).run().state("persona") == ["success"]


def test_success_without_any_address_is_said_plainly(
    odd: Odd, song: Callable[..., str], sim: RunningSimulator, schedule: Schedule
) -> None:
    def silent(data: dict[str, Any]) -> None:
        for track in data["response"]["sunoData"]:
            track.update(audioUrl=None, sourceAudioUrl=None, streamAudioUrl="https://x.example/null")

    odd(silent)
    run = run_in("sensor poke", sim, song, schedule)
    assert run.state("generate") == ["failed"]
    assert "has shown no result for" in str(run.last_error)
    assert "The record says SUCCESS, but no track has a usable URL" in str(run.last_error)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"style": "folk"}, "title: not given"),
        ({"title": "Rain"}, "style: not given"),
        ({"vocal_gender": "f"}, "vocal_gender: the pages name it for custom mode only"),
    ],
)
def test_what_some_hosts_take_reaches_the_service(
    fields: dict[str, Any], said: str, sim: RunningSimulator, schedule: Schedule
) -> None:
    run = schedule(a_dag(**fields)).run()
    assert [request["path"] for request in sim.ledger()["requests"] if request["method"] == "POST"] == [GENERATE]
    assert run.said().count(said) == 1


def generate_and_wait(sim: RunningSimulator) -> DAG:
    """Return a Dag whose sensor cannot be retried, and defers as its first look fails."""
    sim.faults.add(Fault(path=RECORD_INFO, kind="status", http_status=502, times=1))
    with DAG("cleared", schedule=None) as dag:
        generate = GenerateMusicOperator(task_id="generate", model="V5", prompt="rain")
        MusicTaskSensor(task_id="wait", music_task_id=generate.output, deferrable=True, poke_interval=0.05, retries=0)
    return dag


@pytest.mark.parametrize("old", ["finished", "failed"])
def test_a_deferred_sensor_waits_for_the_new_song_when_the_task_before_it_was_cleared(
    old: str, sim: RunningSimulator, schedule: Schedule
) -> None:
    run = schedule(generate_and_wait(sim))
    ti = deferred(run)
    first = run.xcom("generate")
    run.clear("generate")
    steps = run.steps()
    if old == "finished":
        run.run()
    else:
        assert next(steps).task_id == "generate"
        error = {"type": "SunoMusicTaskFailedError", "message": "no luck", "code": 501, "retry_after": None}
        event = {"status": "failed", "music_task_id": first, "music_task": None, "error": error}
        run.submit_event(ti, TriggerEvent(event))
        run.run()
    second = run.xcom("generate")
    assert first != second
    assert (run.state("wait"), run.tries("wait")) == (["success"], [1])
    assert run.xcom("wait", "music_task")["music_task_id"] == second
    assert run.said().count(f"music_task_id was {first} when the wait began and is music task {second} now") == 1


@pytest.mark.parametrize(
    "event",
    [None, {"status": "great"}, {"status": "finished", "music_task_id": "m", "music_task": None, "error": None}],
)
def test_a_malformed_event_stays_an_error_of_ours(event: Any, sim: RunningSimulator, schedule: Schedule) -> None:
    run = schedule(generate_and_wait(sim))
    run.submit_event(deferred(run), TriggerEvent(event))
    assert run.run().state("wait") == ["failed"]
    assert "The trigger sent an event that" in str(run.last_error)


def test_a_deferred_sensor_that_resumes_before_there_is_a_new_id_says_so(
    sim: RunningSimulator, schedule: Schedule
) -> None:
    run = schedule(generate_and_wait(sim))
    deferred(run)
    run.dag.get_task("wait").music_task_id = ""  # what the XCom of a task is that was cleared and runs again
    assert run.run().state("wait") == ["failed"]
    assert "music_task_id: must not be empty." in str(run.last_error)
    assert "The sensor was already waiting for a job" in str(run.last_error)
    assert "there is no new id yet" in str(run.last_error)


def test_a_persona_of_a_failed_jobs_track_is_asked_for_when_the_track_is_named(
    odd: Odd, song: Callable[..., str], schedule: Schedule
) -> None:
    music_task_id = song()
    odd(failed_beside_a_track)
    record = SunoHook().get_music_task(music_task_id)
    assert record is not None
    first, second = record.audio_ids
    with DAG("paid", schedule=None) as dag:
        for number, audio_id in enumerate((first, second, None)):
            GeneratePersonaOperator(
                task_id=f"p{number}", music_task_id=music_task_id, audio_id=audio_id, name="n", description="d"
            )
    run = schedule(dag).run()
    assert [run.state(f"p{number}") for number in range(3)] == [["success"], ["failed"], ["failed"]]
    assert f"failed (GENERATE_AUDIO_FAILED), but its track {first} can be played" in run.said()


def test_no_persona_is_made_of_a_track_without_audio(odd: Odd, song: Callable[..., str], schedule: Schedule) -> None:
    def silent(data: dict[str, Any]) -> None:
        data["response"]["sunoData"][0].update(audioUrl=None, sourceAudioUrl=None, streamAudioUrl=None)

    music_task_id = song()
    odd(silent)
    with DAG("paid", schedule=None) as dag:
        GeneratePersonaOperator(task_id="persona", music_task_id=music_task_id, name="n", description="d")
    run = schedule(dag).run()
    assert run.state("persona") == ["failed"]
    assert f"of music task {music_task_id} has no audio. Set audio_id to one of those that have: " in str(
        run.last_error
    )
