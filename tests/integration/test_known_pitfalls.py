"""What clients of this API are known to get wrong, one test each: none of it happens here."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_provider_suno.api.endpoints.music import MusicTask
from airflow_provider_suno.exceptions import (
    SunoAuthError,
    SunoInsufficientCreditsError,
    SunoLostReplyError,
    SunoValidationError,
)
from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.operators.music import GenerateMusicOperator
from airflow_provider_suno.sensors.music_task import MusicTaskSensor
from airflow_provider_suno.simulator import running_simulator
from airflow_provider_suno.simulator.control.fault_plan import Fault
from airflow_provider_suno.simulator.embedding import RunningSimulator
from airflow_provider_suno.simulator.state import clock
from tests.support.hurried_time import HurriedTime
from tests.support.scheduling import Scheduling
from tests.support.short_limits import set_limits

GENERATE = "/api/v1/generate"
RECORD_INFO = "/api/v1/generate/record-info"
SONG = {"model": "V5", "prompt": "rain"}

Schedule = Callable[[DAG], Scheduling]
Song = Callable[..., str]
pytestmark = pytest.mark.usefixtures("short_clocks")


@pytest.fixture
def hook(sim: RunningSimulator, monkeypatch: pytest.MonkeyPatch) -> SunoHook:
    hook = SunoHook()
    monkeypatch.setattr(hook.client.cancellation, "pause", lambda seconds: None)
    return hook


def waited_for(music_task_id: str, schedule: Schedule, **options: Any) -> Scheduling:
    with DAG("pitfalls", schedule=None) as dag:
        MusicTaskSensor(task_id="wait", music_task_id=music_task_id, **{"poke_interval": 0.05, **options})
    return schedule(dag).run()


def test_http_200_is_no_success_by_itself(hook: SunoHook, sim: RunningSimulator) -> None:
    sim.faults.add(Fault(path=GENERATE, kind="code", code=422, msg="style is too long"))
    with pytest.raises(SunoValidationError, match="style is too long"):
        hook.generate_music(**SONG)


@pytest.mark.parametrize(
    "fault", [{"kind": "status", "http_status": 500}, {"kind": "code", "code": 500}, {"kind": "html"}]
)
def test_a_server_error_on_a_submit_is_not_sent_again(
    fault: dict[str, Any], hook: SunoHook, sim: RunningSimulator
) -> None:
    sim.faults.add(Fault(path=GENERATE, accept=True, times=None, **fault))
    with pytest.raises(SunoLostReplyError):
        hook.generate_music(**SONG)
    assert [song["charges"] for song in sim.ledger()["songs"]] == [1]


@pytest.mark.parametrize("fault", [{"kind": "code", "code": 429}, {"kind": "status", "http_status": 429}])
def test_a_rate_limit_is_waited_out_however_it_is_said(
    fault: dict[str, Any], hook: SunoHook, sim: RunningSimulator
) -> None:
    sim.faults.add(Fault(path=GENERATE, msg="Too many requests.", **fault))
    assert hook.generate_music(**SONG)
    assert [song["charges"] for song in sim.ledger()["songs"]] == [1]


def test_429_about_credits_is_no_rate_limit(hook: SunoHook, sim: RunningSimulator) -> None:
    sim.faults.add(
        Fault(path=GENERATE, kind="code", code=429, msg="The current credits are insufficient. Please top up.")
    )
    with pytest.raises(SunoInsufficientCreditsError, match="Please top up"):
        hook.generate_music(**SONG)


def test_a_callback_url_is_always_sent(hook: SunoHook, sim: RunningSimulator) -> None:
    music_task_id = hook.generate_music(**SONG)
    [song] = sim.ledger()["songs"]
    assert song["request"]["callBackUrl"] == "https://no-callback.invalid/"
    assert song["music_task_id"] == music_task_id


def test_the_service_is_told_who_asks(hook: SunoHook) -> None:
    # The simulator, like the real edge, turns away what calls itself by a library's name.
    assert hook.get_credits() > 0


def test_an_edge_refusal_is_not_blamed_on_the_key(hook: SunoHook, sim: RunningSimulator) -> None:
    sim.faults.add(Fault(path=GENERATE, kind="html", http_status=403))
    with pytest.raises(SunoAuthError, match="which is not about the API key"):
        hook.generate_music(**SONG)


@pytest.mark.usefixtures("sim")
@pytest.mark.parametrize(
    "prompt",
    [
        "[fail:CREATE_TASK_FAILED]",
        "[fail:GENERATE_AUDIO_FAILED]",
        "[fail:SENSITIVE_WORD_ERROR]",
        "[fail:ODD_NEW_ERROR]",
    ],
)
def test_a_failed_job_is_not_waited_for(prompt: str, song: Song, schedule: Schedule) -> None:
    run = waited_for(song(prompt), schedule, timeout=60)
    assert run.state("wait") == ["failed"]
    assert "ended as" in str(run.last_error)


@pytest.mark.usefixtures("sim")
def test_an_undelivered_callback_does_not_throw_a_paid_result_away(song: Song, schedule: Schedule) -> None:
    run = waited_for(song("[fail:CALLBACK_EXCEPTION]"), schedule)
    assert run.state("wait") == ["success"]
    assert len(run.xcom("wait")) == 2


def test_an_id_that_is_not_visible_yet_is_waited_for(
    sim: RunningSimulator, hook: SunoHook, schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_limits(monkeypatch, unknown_id_grace=10.0)
    music_task_id = hook.generate_music(**{**SONG, "prompt": "[hidden:2000]"})
    assert hook.get_music_task(music_task_id) is None
    assert waited_for(music_task_id, schedule).state("wait") == ["success"]


@pytest.mark.parametrize("kind", ["html", "truncated", "garbage", "drop_before", "status"])
def test_one_bad_look_does_not_end_a_wait(kind: Any, song: Song, sim: RunningSimulator, schedule: Schedule) -> None:
    music_task_id = song()
    status = {"http_status": 500} if kind == "status" else {}
    sim.faults.add(Fault(path=RECORD_INFO, kind=kind, times=2, **status))
    assert waited_for(music_task_id, schedule).state("wait") == ["success"]


@pytest.mark.usefixtures("sim")
def test_an_unknown_status_keeps_the_wait_going(hook: SunoHook, schedule: Schedule, sim: RunningSimulator) -> None:
    music_task_id = hook.generate_music(**{**SONG, "prompt": "[status:GENERATING]"})
    sim.clock.advance(0)
    assert waited_for(music_task_id, schedule).state("wait") == ["success"]


@pytest.mark.usefixtures("sim")
@pytest.mark.parametrize("tracks", [1, 2, 3, 4])
def test_any_number_of_tracks_is_delivered_whole(tracks: int, song: Song, schedule: Schedule) -> None:
    run = waited_for(song(f"[tracks:{tracks}]"), schedule)
    assert len(run.xcom("wait")) == len(set(run.xcom("wait"))) == tracks


@pytest.mark.usefixtures("sim")
def test_a_stream_address_does_not_pass_for_the_file(song: Song, schedule: Schedule) -> None:
    music_task_id = song("[stuck:TEXT_SUCCESS]")
    record = SunoHook().get_music_task(music_task_id)
    assert record is not None
    assert all(track.stream_audio_url and not track.audio_url for track in record.tracks)
    assert waited_for(music_task_id, schedule, timeout=0.3, until="first").state("wait") == ["failed"]


def test_json_in_a_text_is_read() -> None:
    tracks = json.dumps({"sunoData": [{"id": "a1", "audioUrl": "https://x/a.mp3"}]})
    record = MusicTask.model_validate(
        {"taskId": "m", "status": "SUCCESS", "response": tracks, "param": '{"model":"V5"}'}
    )
    assert (record.audio_ids, record.model) == (["a1"], "V5")


def test_the_usual_wait_is_long_enough_for_a_slow_job() -> None:
    assert MusicTaskSensor(task_id="wait", music_task_id="m").timeout >= 900
    assert GenerateMusicOperator(task_id="generate", model="V5", prompt="rain").wait_timeout >= 900


@pytest.mark.usefixtures("sim")
def test_a_timeout_names_the_job_and_the_way_on(schedule: Schedule) -> None:
    with DAG("pitfalls", schedule=None) as dag:
        GenerateMusicOperator(
            task_id="generate",
            model="V5",
            prompt="[stuck]",
            wait_for_completion=True,
            deferrable=False,
            wait_timeout=0.3,
        )
    run = schedule(dag).run()
    music_task_id = run.xcom("generate", "music_task_id")
    assert f"Set music_task_id={music_task_id!r} to resume this job; nothing is charged again." in str(run.last_error)
    with DAG("again", schedule=None) as dag:
        GenerateMusicOperator(task_id="generate", music_task_id=music_task_id, retries=0)
    assert schedule(dag).run().xcom("generate") == music_task_id


def test_a_silent_service_does_not_hold_a_call_for_ever(sim: RunningSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = {**sim.connection, "extra": {"timeout": 0.2}}
    monkeypatch.setenv("AIRFLOW_CONN_SUNO_DEFAULT", json.dumps(connection))
    sim.faults.add(Fault(path=GENERATE, kind="hang", seconds=2))
    with pytest.raises(SunoLostReplyError, match=r"did not answer within 0\.2 s"):
        SunoHook().generate_music(**SONG)


def test_the_key_stays_with_the_api(song: Song, sim: RunningSimulator, hook: SunoHook) -> None:
    record = hook.get_music_task(song())
    assert record is not None
    hook.upload_file(str(record.tracks[0].audio_url), name="again.wav")
    assert not [download for download in sim.ledger()["downloads"] if download["had_key"]]


def test_many_jobs_at_once_are_paced_not_lost(schedule: Schedule, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "time", HurriedTime(5))  # of the rate limit: 20 submissions in 2 s
    with running_simulator(speed=1000, credits=10_000) as limited:
        monkeypatch.setenv("AIRFLOW_CONN_SUNO_DEFAULT", limited.connection_json)
        with DAG("many", schedule=None) as dag:
            GenerateMusicOperator.partial(task_id="generate", model="V5", retries=3, retry_delay=timedelta(0)).expand(
                prompt=[f"song {number}" for number in range(25)]
            )
        run = schedule(dag).run(timeout=120)
        assert run.state("generate") == ["success"] * 25
        assert [song["charges"] for song in limited.ledger()["songs"]] == [1] * 25
