"""The submitting operators through Airflow's own supervisor and task runner; the simulator's ledger is the judge."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
from airflow.triggers.base import TriggerEvent

from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.operators.music import GenerateMusicOperator
from airflow_provider_suno.sensors.music_task import MusicTaskSensor
from airflow_provider_suno.simulator.embedding import RunningSimulator
from airflow_provider_suno.simulator.faults import Fault
from tests.integration.scheduling import Scheduling

Schedule = Callable[[DAG], Scheduling]

GENERATE = "/api/v1/generate"
RECORD_INFO = "/api/v1/generate/record-info"
RETRY = {"retries": 1, "retry_delay": timedelta(0)}

WAITING = pytest.mark.parametrize(
    "waiting",
    [
        pytest.param({"wait_for_completion": True, "deferrable": False}, id="worker"),
        pytest.param({"wait_for_completion": True, "deferrable": True}, id="deferrable"),
    ],
)
pytestmark = pytest.mark.usefixtures("short_clocks")


def a_dag(**fields: Any) -> DAG:
    with DAG("operators", schedule=None) as dag:
        GenerateMusicOperator(
            task_id="generate", **{"model": "V5", "prompt": "rain", "poll_interval": 0.05, **RETRY, **fields}
        )
    return dag


def charges(sim: RunningSimulator) -> list[int]:
    return [song["charges"] for song in sim.ledger()["songs"]]


def ended(run: Scheduling) -> tuple[list[str | None], list[int]]:
    return run.state("generate"), run.tries("generate")


def way_on(run: Scheduling) -> str:
    return f"music_task_id={run.xcom('generate', 'music_task_id')!r}"


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
        ({"model": None}, "model"),
        ({"vocal_gender": "x"}, "vocal_gender"),
        ({"style_weight": 1.5}, "style_weight"),
        ({"until": "some"}, "until: must be"),
        ({"on_lost_reply": "x"}, "on_lost_reply: must be"),
        ({"wait_timeout": "x"}, "wait_timeout: must be"),
        ({"music_task_id": ["a", "b"]}, "for several, map the task"),
        ({"music_task_id": []}, "music_task_id: must be one string, not list"),
    ],
)
def test_wrong_parameters_fail_at_once_before_any_request(
    field: dict[str, Any], said: str, sim: RunningSimulator, schedule: Schedule
) -> None:
    run = schedule(a_dag(**field)).run()
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


def test_a_resubmission_that_is_refused_keeps_the_doubt(sim: RunningSimulator, schedule: Schedule) -> None:
    sim.faults.add(Fault(path=GENERATE, kind="drop_after"))
    sim.faults.add(Fault(path=GENERATE, kind="code", code=455, msg="Maintenance.", retry_after=61, times=None))
    run = schedule(a_dag(on_lost_reply="resubmit")).run()
    assert ended(run) == (["failed"], [1])
    assert str(run.last_error).startswith("The second submission failed: The service is under maintenance")
    assert "may exist and be charged" in str(run.last_error)
    assert charges(sim) == [1]


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
@pytest.mark.parametrize(
    ("prompt", "options", "said"),
    [
        ("[fail:SENSITIVE_WORD_ERROR]", {}, "change the prompt"),
        ("[fail:CALLBACK_EXCEPTION:no-audio]", {}, "its audio did not appear"),
        ("[stuck]", {"wait_timeout": 0.3}, "did not finish by the deadline"),
    ],
    ids=["rejected", "callback exception", "timeout"],
)
def test_what_ends_a_paid_wait_for_good(
    waiting: dict[str, bool],
    prompt: str,
    options: dict[str, Any],
    said: str,
    sim: RunningSimulator,
    schedule: Schedule,
) -> None:
    run = schedule(a_dag(prompt=prompt, **waiting, **options)).run()
    assert ended(run) == (["failed"], [1])
    assert said in str(run.last_error)
    assert str(run.last_error).count(way_on(run)) == ("rejected" not in said and "change" not in said)
    assert charges(sim) == [1]


@WAITING
@pytest.mark.parametrize("status", [401, 402, 404, 503])
def test_trouble_while_waiting_for_a_paid_job(
    waiting: dict[str, bool], status: int, sim: RunningSimulator, schedule: Schedule
) -> None:
    sim.faults.add(Fault(path=RECORD_INFO, kind="status", http_status=status, times=None))
    run = schedule(a_dag(**waiting)).run()
    assert ended(run) == (["failed"], [1])
    assert str(run.last_error).count(way_on(run)) == 1
    assert "a retry would pay again" in str(run.last_error)
    assert charges(sim) == [1]


@WAITING
def test_a_wait_for_a_job_handed_in_may_be_retried(
    waiting: dict[str, bool], song: Callable[..., str], schedule: Schedule, sim: RunningSimulator
) -> None:
    run = schedule(a_dag(music_task_id=song("[stuck]"), wait_timeout=0.3, **waiting)).run()
    assert ended(run) == (["failed"], [2])
    assert type(run.last_error).__name__ == "SunoMusicTaskTimeoutError"
    assert charges(sim) == [1]


def test_execution_timeout_after_paying_is_fatal(sim: RunningSimulator, schedule: Schedule) -> None:
    dag = a_dag(prompt="[stuck]", wait_for_completion=True, deferrable=False, execution_timeout=timedelta(seconds=1))
    run = schedule(dag).run()
    assert ended(run) == (["failed"], [1])
    assert way_on(run) in str(run.last_error)
    assert charges(sim) == [1]


def test_execution_timeout_during_the_submission_is_a_doubt(sim: RunningSimulator, schedule: Schedule) -> None:
    sim.faults.add(Fault(path=GENERATE, kind="slow", seconds=3))
    run = schedule(a_dag(execution_timeout=timedelta(seconds=1))).run()
    assert ended(run) == (["failed"], [1])
    assert "The job may exist and be charged" in str(run.last_error)


@pytest.fixture
def _own_signal_handler() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("_own_signal_handler")
def test_a_killed_task_does_not_turn_green(sim: RunningSimulator, schedule: Schedule) -> None:
    def kill_in_the_wait() -> None:
        while not any(request["path"] == RECORD_INFO for request in sim.ledger()["requests"]):
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGTERM)
        sim.clock.advance(300)

    killer = threading.Thread(target=kill_in_the_wait)
    killer.start()
    run = schedule(a_dag(prompt="[stuck]", wait_for_completion=True, deferrable=False)).run()
    killer.join()
    assert ended(run) == (["failed"], [1])
    assert "Killed. The API has no cancel" in str(run.last_error)
    assert way_on(run) in str(run.last_error)


@pytest.mark.usefixtures("_own_signal_handler")
def test_a_task_killed_before_its_submission_pays_nothing(sim: RunningSimulator, schedule: Schedule) -> None:
    def kill_between_two_sends() -> None:
        while not any(request["path"] == GENERATE for request in sim.ledger()["requests"]):
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGTERM)

    sim.faults.add(Fault(path=GENERATE, kind="code", code=429, msg="Too many requests.", times=2))
    killer = threading.Thread(target=kill_between_two_sends)
    killer.start()
    run = schedule(a_dag()).run()
    killer.join()
    assert ended(run) == (["failed"], [1])
    assert "Killed before it was sent" in str(run.last_error)
    assert charges(sim) == []


def deferred(run: Scheduling) -> Any:
    return next(ti for ti in run.steps() if ti.state == "deferred")


@pytest.mark.parametrize(
    "resume", ["strange event", "no event", "broken trigger", "another task", "no track", "no triggerer"]
)
@pytest.mark.parametrize("submitted_here", [True, False])
def test_a_resume_that_is_no_event_fails_closed(
    resume: str,
    submitted_here: bool,
    song: Callable[..., str],
    sim: RunningSimulator,
    schedule: Schedule,
) -> None:
    handed_in = {} if submitted_here else {"music_task_id": song("[stuck]"), "retries": 0}
    run = schedule(a_dag(prompt="[stuck]", wait_for_completion=True, deferrable=True, **handed_in))
    ti = deferred(run)
    track = {"audio_id": "a", "audio_url": "https://x/a.mp3"}
    another = {"music_task_id": "another", "status": "SUCCESS", "tracks": [track]}
    about = run.xcom("generate", "music_task_id")
    match resume:
        case "strange event":
            run.submit_event(ti, TriggerEvent({"status": "great"}))
        case "no event":
            run.submit_event(ti, TriggerEvent(None))
        case "another task":
            event = {"music_task_id": "another", "status": "finished", "music_task": another, "error": None}
            run.submit_event(ti, TriggerEvent(event))
        case "no track":
            empty = {"music_task_id": about, "status": "PENDING", "tracks": []}
            event = {"music_task_id": about, "status": "finished", "music_task": empty, "error": None}
            run.submit_event(ti, TriggerEvent(event))
        case "broken trigger":
            run.fail_trigger(ti, ValueError("boom"))
        case "no triggerer":
            run.time_out(ti)
    run.run()
    assert ended(run) == (["failed"], [1])
    assert (way_on(run) in str(run.last_error)) == submitted_here
    assert len(run.events) == 0
    assert charges(sim) == [1]


def test_trouble_on_resume_does_not_pay_again(
    sim: RunningSimulator, schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("the API server is away")

    run = schedule(a_dag(wait_for_completion=True, deferrable=True))
    deferred(run)
    monkeypatch.setattr(RuntimeTaskInstance, "xcom_pull", broken)
    run.run()
    assert ended(run) == (["failed"], [1])
    assert "the API server is away" in str(run.last_error)
    assert "music_task_id=... (the id is an XCom)" in str(run.last_error)
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
        GenerateMusicOperator(task_id="generate", model="V5", promt="rain")
    with pytest.raises(TypeError, match="poll_interval: did you mean poke_interval"):
        MusicTaskSensor(task_id="wait", music_task_id="m", poll_interval=5)


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
