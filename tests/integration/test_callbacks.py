"""Callbacks resume tasks, heal lost replies and raise events: against Airflow's database and a receiver on a socket."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from airflow.models.asset import AssetActive, AssetEvent, AssetModel
from airflow.models.dag import DagModel
from airflow.models.trigger import Trigger
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, Asset, task
from airflow.triggers.base import TriggerEvent
from airflow.utils.session import create_session
from sqlalchemy import delete, select, update

from airflow_provider_suno.api.callback import CallbackToken, UnverifiedToken
from airflow_provider_suno.api.jobs import JobRef
from airflow_provider_suno.assets.suno import music
from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.http import retry
from airflow_provider_suno.journal import messages, store
from airflow_provider_suno.journal.entry import Entry, State
from airflow_provider_suno.operators.conversions import ConvertToWavOperator, GenerateMidiOperator
from airflow_provider_suno.operators.music import GenerateMusicOperator
from airflow_provider_suno.operators.submit_job import SubmitJobOperator
from airflow_provider_suno.plugins import airflow_internals, callback_handler, callback_secrets
from airflow_provider_suno.polling.completion import Curve
from airflow_provider_suno.polling.outcome import Outcome, OutcomeKind
from airflow_provider_suno.sensors.music_task import MusicTaskSensor
from airflow_provider_suno.simulator.control.fault_plan import Fault
from airflow_provider_suno.simulator.embedding import RunningSimulator
from airflow_provider_suno.simulator.wire.callback_sender import signature_headers
from airflow_provider_suno.task.callbacks import a_sensor_follows
from tests.support.airflow_versions import KEEPS_TASK_STATE
from tests.support.generating import GENERATE, RECORD_INFO, Schedule, a_dag, charges, deferred, ended
from tests.support.jobs import MUSIC
from tests.support.receiver import SECRET, Receiver, receiver, self_signed, token_in
from tests.support.short_limits import set_limits

pytestmark = pytest.mark.usefixtures("short_clocks", "_at_once")

PATIENCE = 3.0
"""Seconds after which a callback is late, where a test is about that."""

needs_journal = pytest.mark.skipif(not KEEPS_TASK_STATE, reason="before Airflow 3.3 there is no journal")


@pytest.fixture
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests have no worker that lingers after a deferral, and do not wait for a retry."""
    monkeypatch.setattr(airflow_internals, "YOUNGEST", 0.0)
    monkeypatch.setattr(messages, "CALLBACK_DELAY", 0.01)


@pytest.fixture(scope="module")
def api_server() -> Iterator[Receiver]:
    with receiver("/base") as running:
        yield running


@pytest.fixture
def called_back(sim: RunningSimulator, api_server: Receiver, monkeypatch: pytest.MonkeyPatch) -> Receiver:
    """Let the connection name the receiver."""
    extra = {**sim.connection["extra"], "callback_url": f"{api_server.url}/base", "callback_secret": SECRET}
    monkeypatch.setenv("AIRFLOW_CONN_SUNO_DEFAULT", json.dumps({**sim.connection, "extra": extra}))
    return api_server


def until(condition: Callable[[], Any], timeout: float = 10.0) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def polls(sim: RunningSimulator) -> int:
    return [request["path"] for request in sim.ledger()["requests"]].count(RECORD_INFO)


def hold(sim: RunningSimulator, *, held: bool = True) -> None:
    """Let the simulator hold its callbacks back, or release them."""
    requests.post(f"{sim.url}/_sim/callbacks", json={"held": held}, timeout=5).raise_for_status()


def send_again(sim: RunningSimulator, job_id: str, stage: str = "complete", times: int = 1) -> None:
    body = {"job_id": job_id, "stage": stage, "times": times}
    requests.post(f"{sim.url}/_sim/callbacks/send", json=body, timeout=5).raise_for_status()


def token_of(sim: RunningSimulator) -> CallbackToken:
    """Return the token in the callback URL of the last submission."""
    text = token_in(sim.ledger()["songs"][-1]["request"]["callBackUrl"])
    token = UnverifiedToken.read(text).verified([SECRET])
    assert token is not None
    return token


def events(uri: str) -> list[tuple[str | None, dict[str, Any]]]:
    """Return the key and the extra of each event of an asset."""
    with create_session() as session:
        of_asset = select(AssetEvent).where(AssetEvent.asset_id == AssetModel.id, AssetModel.uri == uri)
        found = session.scalars(of_asset.order_by(AssetEvent.id))
        return [(getattr(event, "partition_key", None), event.extra) for event in found]


def short_of_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a callback be late after :data:`PATIENCE`, and a job without one be polled at once."""
    set_limits(monkeypatch, shortest_gap=0.05, callback_patience=PATIENCE / MUSIC.usual_duration["all"])
    monkeypatch.setitem(vars(MUSIC), "no_result_before", 0.0)
    monkeypatch.setattr(Curve, "next_poll_in", lambda *_: 0.05)


@pytest.mark.parametrize("waits", ["operator", "sensor", "both"])
def test_a_callback_resumes_who_waits_in_the_run(
    waits: str, called_back: Receiver, sim: RunningSimulator, schedule: Schedule
) -> None:
    hold(sim)
    with DAG("called_back", schedule=None) as dag:
        generate = GenerateMusicOperator(
            task_id="generate", model="V5", prompt="rain", wait_for_completion=waits != "sensor", deferrable=True
        )
        if waits != "operator":
            named = generate.output if waits == "sensor" else "{{ ti.xcom_pull('generate', key='music_task_id') }}"
            MusicTaskSensor(task_id="wait", music_task_id=named, deferrable=True)
    run = schedule(dag)
    if waits != "operator":  # else the sensor's own poll finds the finished song
        sim.faults.add(Fault(path=RECORD_INFO, kind="status", http_status=503, times=1))
    waiting = {"operator": 1, "sensor": 1, "both": 2}[waits]
    steps = run.steps()
    while sum(ti.state == "deferred" for ti in run.task_instances()) < waiting:
        next(steps)
    hold(sim, held=False)
    until(lambda: all(ti.state != "deferred" for ti in run.task_instances()))
    run.run()
    assert {ti.state for ti in run.task_instances()} == {"success"}
    assert run.said().count("a callback says that music task") == waiting
    assert (charges(sim), run.events) == ([1], [])
    assert polls(sim) == waiting + (waits != "operator")
    assert {entry["http_status"] for entry in sim.ledger()["callbacks"]} == {200}


@needs_journal
def test_a_callback_that_came_before_the_deferral_is_not_waited_for(
    called_back: Receiver, sim: RunningSimulator, schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = SubmitJobOperator._heard

    def heard_late(task: SubmitJobOperator, job: JobRef) -> str | None:
        until(lambda: any(entry["stage"] == "complete" for entry in sim.ledger()["callbacks"]))
        return heard(task, job)

    monkeypatch.setattr(SubmitJobOperator, "_heard", heard_late)
    run = schedule(a_dag(wait_for_completion=True, deferrable=True, poll_interval=None))
    for _ in run.steps():
        assert run.state("generate") != ["deferred"]
    assert ended(run) == (["success"], [1])
    assert polls(sim) == 1


@pytest.mark.parametrize(
    ("wanted", "stage", "resumed"), [("all", "first", 0), ("first", "first", 1), ("first", "text", 0)]
)
def test_the_first_track_resumes_only_who_wants_that(
    wanted: str, stage: str, resumed: int, called_back: Receiver, sim: RunningSimulator, schedule: Schedule
) -> None:
    hold(sim)
    run = schedule(a_dag(wait_for_completion=True, deferrable=True, poll_interval=None, until=wanted))
    deferred(run)
    assert called_back.tell(token_of(sim), sim.ledger()["songs"][-1]["music_task_id"], stage).status_code == 200
    assert run.state("generate") == (["scheduled"] if resumed else ["deferred"])
    hold(sim, held=False)
    until(lambda: run.state("generate") == ["scheduled"])
    assert ended(run.run()) == (["success"], [1])


def test_a_forged_callback_costs_one_poll_and_no_deadline(
    called_back: Receiver, sim: RunningSimulator, schedule: Schedule
) -> None:
    hold(sim)
    run = schedule(
        a_dag(
            prompt="[stuck]", wait_for_completion=True, deferrable=True, poll_interval=None, wait_timeout=8, retries=0
        )
    )
    deferred(run)
    began, token = time.monotonic(), token_of(sim)
    music_task_id = run.xcom("generate", "music_task_id")
    called_back.tell(token, music_task_id)
    assert run.state("generate") == ["scheduled"]
    steps = run.steps()
    while run.state("generate") != ["deferred"]:
        next(steps)
    time.sleep(2)
    for _ in range(3):
        assert called_back.tell(token, music_task_id).status_code == 200
    assert (run.state("generate"), polls(sim)) == (["deferred"], 1)
    run.run()
    assert ended(run) == (["failed"], [1])
    assert "did not finish by the deadline" in str(run.last_error)
    assert time.monotonic() - began < 14


def test_a_callback_that_fails_to_come_delays_its_song_only(
    called_back: Receiver, sim: RunningSimulator, schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_of_patience(monkeypatch)
    hold(sim)
    run = schedule(a_dag(wait_for_completion=True, deferrable=True, poll_interval=None))
    began = time.monotonic()
    assert ended(run.run()) == (["success"], [1])
    assert time.monotonic() - began > PATIENCE
    assert charges(sim) == [1]
    assert "a callback says" not in run.said()


@pytest.mark.parametrize("moment", ["cleared", "delivered", "failed trigger", "marked success", "marked failed"])
def test_a_callback_too_late_changes_nothing(
    moment: str, called_back: Receiver, sim: RunningSimulator, schedule: Schedule
) -> None:
    hold(sim)
    run = schedule(a_dag(wait_for_completion=True, deferrable=True, poll_interval=None))
    ti = deferred(run)
    token, music_task_id = token_of(sim), run.xcom("generate", "music_task_id")
    if moment == "cleared":
        run.clear("generate")
    elif moment == "delivered":
        called_back.tell(token, music_task_id)
        run.run()
    elif moment.startswith("marked"):
        ti.state = moment.removeprefix("marked ")
        run.session.commit()
    else:
        run.fail_trigger(ti, ValueError("boom"))
    before = run.state("generate")
    assert called_back.tell(token, music_task_id).status_code == 200
    assert run.state("generate") == before
    if moment == "cleared" and KEEPS_TASK_STATE:
        assert run.run().state("generate") == ["success"]
        assert charges(sim) == [1]


def test_duplicates_at_once_resume_once(called_back: Receiver, sim: RunningSimulator, schedule: Schedule) -> None:
    """They come to two API servers, and the trigger's own event comes at the same moment."""
    hold(sim)
    run = schedule(a_dag(wait_for_completion=True, deferrable=True, poll_interval=None))
    ti = deferred(run)
    token, music_task_id = token_of(sim), run.xcom("generate", "music_task_id")
    record = SunoHook().get_music_task(music_task_id)
    assert record is not None
    own_event = Outcome(OutcomeKind.FINISHED, JobRef(MUSIC, music_task_id), record=record).to_event()
    with receiver() as another, ThreadPoolExecutor(8) as pool:
        servers = [called_back, another] * 4
        answers = pool.map(lambda server: server.tell(token, music_task_id).status_code, servers)
        with create_session() as session:
            Trigger.submit_event(ti.trigger_id, TriggerEvent(own_event), session=session)
        assert list(answers) == [200] * 8
    assert ended(run.run()) == (["success"], [1])
    assert run.said().count("a callback says that music task") <= 1
    assert len(run.results) == 2, "it ran until it deferred, and went on once"
    assert charges(sim) == [1]


def test_a_paused_dag_goes_on_when_it_is_unpaused(
    called_back: Receiver, sim: RunningSimulator, schedule: Schedule
) -> None:
    hold(sim)
    run = schedule(a_dag(wait_for_completion=True, deferrable=True, poll_interval=None))
    deferred(run)
    with create_session() as session:
        session.execute(update(DagModel).where(DagModel.dag_id == "operators").values(is_paused=True))
    proxied = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "airflow.example"}
    data = {"callbackType": "complete", "task_id": run.xcom("generate", "music_task_id"), "data": []}
    answer = called_back.post(token_of(sim).signed(SECRET), {"code": 200, "data": data}, **proxied)
    assert answer.status_code == 200
    assert run.state("generate") == ["scheduled"]
    with create_session() as session:
        session.execute(update(DagModel).where(DagModel.dag_id == "operators").values(is_paused=False))
    assert ended(run.run()) == (["success"], [1])


def test_callbacks_that_are_switched_off_are_not_believed_any_more(
    called_back: Receiver, sim: RunningSimulator, schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold(sim)
    short_of_patience(monkeypatch)
    run = schedule(a_dag(wait_for_completion=True, deferrable=True, poll_interval=None))
    deferred(run)
    monkeypatch.setenv("AIRFLOW_CONN_SUNO_DEFAULT", sim.connection_json)
    with receiver() as restarted:
        assert restarted.tell(token_of(sim), run.xcom("generate", "music_task_id")).status_code == 404
    assert run.state("generate") == ["deferred"]
    assert ended(run.run()) == (["success"], [1])
    assert "a callback says" not in run.said()


@needs_journal
@pytest.mark.parametrize(
    ("retried", "waiting"),
    [(True, {}), (True, {"deferrable": False}), (False, {"deferrable": True}), (False, {})],
    ids=["retried", "retried in the worker", "cleared and deferred", "cleared"],
)
def test_a_lost_reply_is_healed_by_its_callback(
    retried: bool, waiting: dict[str, bool], called_back: Receiver, sim: RunningSimulator, schedule: Schedule
) -> None:
    sim.faults.add(Fault(path=GENERATE, kind="drop_after"))
    run = schedule(a_dag(wait_for_completion=bool(waiting), retries=int(retried), **waiting))
    steps = run.steps()
    while run.state("generate") not in (["up_for_retry"], ["failed"]):
        next(steps)
    assert run.state("generate") == ["up_for_retry" if retried else "failed"]
    assert ("A callback may still name the job: Airflow retries in about 0.01 s" in str(run.last_error)) == retried
    until(lambda: sim.ledger()["callbacks"] and sim.ledger()["callbacks"][-1]["stage"] == "complete")
    if not retried:
        run.clear("generate")
    assert ended(run.run()) == (["success"], [2])
    assert "but its callback has named the job: music task" in run.said()
    assert charges(sim) == [1]
    assert run.xcom("generate") == sim.ledger()["songs"][-1]["music_task_id"]


@needs_journal
def test_a_lost_reply_without_a_callback_is_final_after_the_retry(
    called_back: Receiver, sim: RunningSimulator, schedule: Schedule
) -> None:
    hold(sim)
    sim.faults.add(Fault(path=GENERATE, kind="drop_after"))
    run = schedule(a_dag(retries=5)).run()
    assert ended(run) == (["failed"], [2])
    assert "No callback has named the job yet" in str(run.last_error)
    assert charges(sim) == [1]
    hold(sim, held=False)
    until(lambda: sim.ledger()["callbacks"])
    assert ended(run.clear("generate").run()) == (["success"], [3])
    assert charges(sim) == [1]


@needs_journal
@pytest.mark.parametrize("named", ["another account's", "another request's", "another submission's"])
def test_a_hint_that_does_not_fit_heals_nothing(
    named: str, called_back: Receiver, sim: RunningSimulator, song: Callable[..., str], schedule: Schedule
) -> None:
    hold(sim)
    other = song("another prompt")
    sim.faults.add(Fault(path=GENERATE, kind="drop_after"))
    run = schedule(a_dag(prompt="rain on a roof", retries=1))
    steps = run.steps()
    while run.state("generate") != ["up_for_retry"]:
        next(steps)
    token = token_of(sim)
    told = {"another account's": "f" * 32}.get(named, other)
    if named == "another submission's":
        token = replace(token, nonce="another")
    answer = called_back.tell(token, told).status_code
    assert answer == (503 if named == "another account's" else 200), "what is not there may be visible later"
    assert ended(run.run()) == (["failed"], [2])
    assert len(charges(sim)) == 2


@needs_journal
def test_a_callback_heals_an_intent_that_nobody_completed(
    called_back: Receiver, sim: RunningSimulator, schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold(sim)
    monkeypatch.setattr(store, "LIMITS", store.StoreLimits(retry_seconds=0.05))
    put = store.Journal._put

    def fail_to_write_ids(journal: store.Journal, entry: Entry) -> None:
        if entry.state is State.SUBMITTED:
            raise RuntimeError("the database is full")
        put(journal, entry)

    monkeypatch.setattr(store.Journal, "_put", fail_to_write_ids)
    run = schedule(a_dag(retries=1)).run()
    assert run.journal("generate")["state"] == "intent"
    monkeypatch.setattr(store.Journal, "_put", put)
    run.clear("generate")
    steps = run.steps()
    while run.state("generate") != ["up_for_retry"]:
        next(steps)
    assert "A callback may still name the job" in str(run.last_error)
    song = sim.ledger()["songs"][-1]["music_task_id"]
    assert called_back.tell(token_of(sim), song).status_code == 200
    assert ended(run.run()) == (["success"], [3])
    assert (charges(sim), run.xcom("generate")) == ([1], song)


@needs_journal
def test_a_callback_in_time_spares_the_second_submission(
    called_back: Receiver, sim: RunningSimulator, schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "RETRY_LIMITS", replace(retry.RETRY_LIMITS, resubmit_gap=2.0))
    sim.faults.add(Fault(path=GENERATE, kind="drop_after"))
    run = schedule(a_dag(on_lost_reply="resubmit")).run()
    assert ended(run) == (["success"], [1])
    assert "but its callback has named the job: music task" in run.said()
    assert charges(sim) == [1]


@needs_journal
def test_a_hint_is_read_through_the_connection_of_the_submission(
    called_back: Receiver, sim: RunningSimulator, schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_OTHER", os.environ["AIRFLOW_CONN_SUNO_DEFAULT"])
    sim.faults.add(Fault(path=GENERATE, kind="drop_after"))
    conn_id = "{{ 'suno_default' if ti.try_number == 1 else 'other' }}"
    run = schedule(a_dag(retries=1, suno_conn_id=conn_id))
    steps = run.steps()
    while run.state("generate") != ["up_for_retry"]:
        next(steps)
    until(lambda: sim.ledger()["callbacks"] and sim.ledger()["callbacks"][-1]["stage"] == "complete")
    assert ended(run.run()) == (["failed"], [2])
    assert "which went through connection 'suno_default': set that one to resume it" in run.said()
    assert charges(sim) == [1]


@needs_journal
def test_hints_that_cannot_be_read_heal_nothing_for_now(
    called_back: Receiver, sim: RunningSimulator, schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Any) -> None:
        raise RuntimeError("the database is down")

    sim.faults.add(Fault(path=GENERATE, kind="drop_after"))
    monkeypatch.setattr(store.Hint, "read", broken)
    run = schedule(a_dag(retries=1)).run()
    assert ended(run) == (["failed"], [2])
    assert "could not be asked for a callback" in run.said()
    assert charges(sim) == [1]


@needs_journal
@pytest.mark.parametrize("operator", [ConvertToWavOperator, GenerateMidiOperator])
def test_jobs_of_other_kinds_are_healed_too(
    operator: Any, called_back: Receiver, sim: RunningSimulator, song: Callable[..., str], schedule: Schedule
) -> None:
    record = SunoHook().get_music_task(song())
    assert record is not None
    track = {"music_task_id": record.music_task_id, "audio_id": record.audio_ids[0]}
    if operator is GenerateMidiOperator:
        body = {"taskId": record.music_task_id, "audioId": record.audio_ids[0], "callBackUrl": "https://no.invalid/"}
        headers = {"Authorization": f"Bearer {sim.api_key}"}
        url = f"{sim.url}/api/v1/vocal-removal/generate"
        track = {"stems_job_id": requests.post(url, json=body, headers=headers, timeout=10).json()["data"]["taskId"]}
        sim.clock.advance(300)
    path = operator.request_type.path
    sim.faults.add(Fault(path=path, kind="drop_after"))
    with DAG("healed", schedule=None) as dag:
        operator(task_id="make", **track, retries=1, retry_delay=timedelta(0), poll_interval=0.05)
    run = schedule(dag)
    steps = run.steps()
    while run.state("make") != ["up_for_retry"]:
        next(steps)
    until(lambda: any(entry["stage"] == "complete" for entry in sim.ledger()["callbacks"]))
    run.run()
    assert (run.state("make"), run.tries("make")) == (["success"], [2])
    assert "but its callback has named the job" in run.said()
    assert [job["charges"] for job in sim.ledger()["conversions"] if job["kind"] == operator.request_type.kind] == [1]


@needs_journal
def test_a_failed_job_is_retried_after_a_callback_as_after_polling(
    called_back: Receiver, sim: RunningSimulator, schedule: Schedule
) -> None:
    hold(sim)
    waiting = {"wait_for_completion": True, "deferrable": True, "poll_interval": None, "retries": 1}
    run = schedule(a_dag(prompt="[fail:GENERATE_AUDIO_FAILED] rain", **waiting))
    deferred(run)
    called_back.tell(token_of(sim), run.xcom("generate", "music_task_id"))
    steps = run.steps()
    while run.state("generate") not in (["up_for_retry"], ["failed"]):
        next(steps)
    assert run.state("generate") == ["up_for_retry"]
    assert [song["refunds"] for song in sim.ledger()["songs"]] == [1]


@needs_journal
def test_a_callback_of_an_earlier_submission_erases_no_hint(
    called_back: Receiver, sim: RunningSimulator, schedule: Schedule
) -> None:
    hold(sim)
    sim.faults.add(Fault(path=GENERATE, kind="drop_after"))
    run = schedule(a_dag(retries=1))
    steps = run.steps()
    while run.state("generate") != ["up_for_retry"]:
        next(steps)
    token = token_of(sim)
    called_back.tell(token, sim.ledger()["songs"][-1]["music_task_id"])
    called_back.tell(replace(token, nonce="earlier"), "f" * 32)
    assert ended(run.run()) == (["success"], [2])
    assert charges(sim) == [1]


def test_a_sensor_waits_also_when_a_duplicate_finds_it_resumed(
    called_back: Receiver, sim: RunningSimulator, schedule: Schedule
) -> None:
    hold(sim)
    consumed = music("suno_default")
    with DAG("songs", schedule=consumed) as consumer:
        EmptyOperator(task_id="listen")
    schedule(consumer)
    before = len(events(consumed.uri))
    with DAG("chain", schedule=None) as dag:
        generate = GenerateMusicOperator(task_id="generate", model="V5", prompt="rain")
        MusicTaskSensor(task_id="wait", music_task_id=generate.output, deferrable=True)
    run = schedule(dag).run()
    sim.clock.advance(300)
    for _ in range(2):
        assert called_back.tell(token_of(sim), run.xcom("generate")).status_code == 200
    assert len(events(consumed.uri)) == before


@pytest.mark.parametrize("how", ["submitted and not waited for", "ordered outside of Airflow"])
def test_a_finished_song_that_nobody_waits_for_raises_events(
    how: str, called_back: Receiver, sim: RunningSimulator, schedule: Schedule
) -> None:
    hold(sim)
    consumed = music("suno_default")
    with DAG("songs", schedule=consumed) as consumer:
        EmptyOperator(task_id="listen")
    schedule(consumer)
    before = len(events(consumed.uri))
    if how == "ordered outside of Airflow":
        token = CallbackToken("suno_default", "music", "outside")
        hook = SunoHook()
        music_task_id = hook.generate_music(model="V5", prompt="rain", callback_url="http://127.0.0.1:9/x")
        sim.clock.advance(300)
    else:
        run = schedule(a_dag()).run()
        music_task_id, token = run.xcom("generate"), token_of(sim)
    until(lambda: SunoHook().get_music_task(music_task_id).status == "SUCCESS")  # type: ignore[union-attr]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: called_back.tell(token, music_task_id).status_code, range(8)))
    assert answers == [200] * 8
    raised = events(consumed.uri)[before:]
    record = SunoHook().get_music_task(music_task_id)
    assert record is not None
    keys = [*record.audio_ids] * (2 if KEEPS_TASK_STATE else 1)
    assert sorted(extra["audio_ids"][0] for _, extra in raised) == sorted(keys)
    assert {extra["music_task_id"] for _, extra in raised} == {music_task_id}
    if KEEPS_TASK_STATE:
        assert sorted(key for key, _ in raised if key) == sorted(record.audio_ids)


@pytest.mark.parametrize(
    ("token", "body", "status"),
    [
        (None, b"{}", 404),
        ("", b"{}", 404),
        ("x.y", b"{}", 404),
        ("of another connection", b"{}", 404),
        ("of another secret", b"{}", 404),
        ("good", b"", 400),
        ("good", b"[" * 50_000, 400),
        ("good", b'{"data": {"task_id": 7.5}}', 400),
        ("good", b"x" * 70_000, 413),
    ],
)
def test_what_is_refused(
    token: str | None, body: bytes, status: int, called_back: Receiver, sim: RunningSimulator
) -> None:
    good = CallbackToken("suno_default", "music", "n")
    token = {
        "good": good.signed(SECRET),
        "of another secret": good.signed("another"),
        "of another connection": replace(good, suno_conn_id="nope").signed(SECRET),
    }.get(str(token), token)
    answer = called_back.post(token, body)
    assert (answer.status_code, answer.content) == (status, b"")


def test_a_body_that_does_not_come_is_not_waited_for(
    called_back: Receiver, sim: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_suno.plugins.callback_app._BODY_TIMEOUT", 0.2)
    token = CallbackToken("suno_default", "music", "n").signed(SECRET)
    parts = urlsplit(called_back.url)
    with socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=10) as connection:
        path = f"/base/suno/callback?suno_token={token}"
        connection.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{{".encode())
        assert b" 408 " in connection.recv(1000)


def test_the_test_button_says_whether_callbacks_come(
    called_back: Receiver, sim: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    ok, message = SunoHook().test_connection()
    assert ok
    assert f"Callbacks: {called_back.callback_url} answers as this Airflow" in message
    for url, why in (
        (called_back.url, "answers 404: it is not this Airflow's API server"),
        (sim.url, "answers 404"),
        ("http://127.0.0.1:9", "cannot be reached from here"),
    ):
        extra = {"callback_url": url, "callback_secret": SECRET}
        monkeypatch.setenv("AIRFLOW_CONN_OTHER", json.dumps({**sim.connection, "extra": extra}))
        ok, message = SunoHook("other").test_connection()
        assert ok
        assert f"But callbacks will not come: {url}" in message
        assert why in message


def test_a_callback_waits_for_workers_that_take_long_to_exit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(airflow_internals, "YOUNGEST", 10.0)
    ages = []
    for held_back in (7.0, 32.0):
        monkeypatch.setattr(airflow_internals.job_trigger, "shortest_deferral", lambda seconds=held_back: seconds)
        ages.append(airflow_internals._youngest())
    assert ages == [10.0, 40.0]


def test_who_is_waited_for_by_a_sensor() -> None:
    def song(name: str) -> GenerateMusicOperator:
        return GenerateMusicOperator(task_id=name, model="V5", prompt="rain")

    with DAG("followed", schedule=None):
        nobody, plain, templated, handed_on, mapped = map(song, ("nobody", "plain", "templated", "handed_on", "mapped"))
        MusicTaskSensor(task_id="wait_plain", music_task_id=plain.output)
        named = "{{ ti.xcom_pull('templated') }}"
        templated >> MusicTaskSensor(task_id="wait_templated", music_task_id=named)

        @task
        def hand(music_task_id: Any) -> Any:
            return music_task_id

        MusicTaskSensor(task_id="wait_handed_on", music_task_id=hand(handed_on.output))
        MusicTaskSensor.partial(task_id="wait_mapped").expand(music_task_id=[mapped.output])
        nobody >> plain
    followed = {each.task_id for each in (nobody, plain, templated, handed_on, mapped) if a_sensor_follows(each)}
    assert followed == {"plain", "templated", "handed_on", "mapped"}


def test_callbacks_come_over_https(
    sim: RunningSimulator, schedule: Schedule, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = self_signed(tmp_path)
    with receiver("/base", certificate) as server:
        extra = {**sim.connection["extra"], "callback_url": f"{server.url}/base", "callback_secret": SECRET}
        for verify, said in ((True, "cannot be reached from here (SSLError)"), (str(certificate), "answers as this")):
            extra["verify"] = verify
            monkeypatch.setenv("AIRFLOW_CONN_SUNO_DEFAULT", json.dumps({**sim.connection, "extra": extra}))
            assert said in SunoHook().test_connection()[1]
        hold(sim)
        run = schedule(a_dag(wait_for_completion=True, deferrable=True, poll_interval=None))
        deferred(run)
        song = sim.ledger()["songs"][-1]
        assert server.tell(token_of(sim), song["music_task_id"]).status_code == 200
        until(lambda: run.state("generate") != ["deferred"])


def test_a_connection_that_cannot_be_looked_up_for_now_is_asked_for_again(
    called_back: Receiver, sim: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(_: str) -> None:
        raise ConnectionError("the secrets backend is down")

    token = CallbackToken("suno_default", "music", "n").signed(SECRET)
    with receiver() as fresh:
        with monkeypatch.context() as broken:
            broken.setattr(callback_secrets, "look_up", down)
            assert fresh.post(token, b"").status_code == 503
        assert fresh.post(token, b"").status_code == 400
        monkeypatch.setattr(callback_secrets, "look_up", down)
        monkeypatch.setattr(callback_secrets, "_KEPT_FOR", 0.0)
        assert fresh.post(token, b"").status_code == 400, "what was known counts until it can be looked up again"


def test_unknown_connections_are_looked_up_seldom(
    called_back: Receiver, sim: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up: list[str] = []
    real = callback_secrets.look_up

    def count(suno_conn_id: str) -> Any:
        looked_up.append(suno_conn_id)
        return real(suno_conn_id)

    monkeypatch.setattr(callback_secrets, "look_up", count)
    with receiver() as fresh:
        began = time.monotonic()
        assert fresh.post(CallbackToken("suno_default", "music", "n").signed(SECRET), b"").status_code == 400
        answers = [
            fresh.post(CallbackToken(f"nobody{number // 2}", "music", "n").signed(SECRET), b"").status_code
            for number in range(100)
        ]
        assert set(answers) == {404, 503}
        # Twenty at once, and five a second.
        assert len(looked_up) <= min(51, 21 + 5 * (time.monotonic() - began))
        assert len(set(looked_up)) == len(looked_up)
        assert fresh.post(CallbackToken("x" * 500, "music", "n").signed(SECRET), b"").status_code == 404
        assert fresh.post(CallbackToken("suno_default", "music", "n").signed(SECRET), b"").status_code == 400


def test_events_go_to_the_asset_that_is_active(sim: RunningSimulator, schedule: Schedule) -> None:
    for name in ("a name before", "finished songs"):
        with DAG("songs", schedule=Asset(name, "suno://renamed/music")) as consumer:
            EmptyOperator(task_id="listen")
        schedule(consumer)
    with create_session() as session:
        session.execute(delete(AssetActive).where(AssetActive.name == "a name before"))
        renamed = session.scalars(select(AssetModel).where(AssetModel.name == "finished songs")).one()
        session.merge(AssetActive.for_asset(renamed))
    assert airflow_internals.raise_events("suno://renamed/music", [("a", {"audio_ids": ["a"]})]) == 1
    with create_session() as session:
        raised = session.scalars(select(AssetModel.name).where(AssetModel.id == AssetEvent.asset_id)).all()
    assert "finished songs" in raised
    assert "a name before" not in raised
    assert airflow_internals.raise_events("suno://nobody/music", [("a", {})]) == 0


def test_the_hosts_signature_is_required_where_the_connection_has_its_key(
    sim: RunningSimulator, api_server: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    extra = {"callback_url": api_server.url, "callback_secret": SECRET, "webhook_hmac_secret": "host-key"}
    monkeypatch.setenv("AIRFLOW_CONN_KIE", json.dumps({**sim.connection, "extra": extra}))
    token, body = CallbackToken("kie", "wav", "n").signed(SECRET), {"code": 200, "data": {"task_id": "a"}}
    assert api_server.post(token, body).status_code == 403
    assert api_server.post(token, body, **signature_headers("b", 17, "host-key")).status_code == 403
    assert api_server.post(token, body, **signature_headers("a", 17, "host-key")).status_code == 200


def test_a_record_that_cannot_be_read_lets_the_service_send_the_callback_again(
    called_back: Receiver, sim: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callback_handler, "_LOOKS_AT_A_RECORD", (0.0, 0.01))
    hold(sim)
    music_task_id = SunoHook().generate_music(model="V5", prompt="[stuck]", callback_url="http://127.0.0.1:9/x")
    token = CallbackToken("suno_default", "music", "again")
    assert called_back.tell(token, music_task_id).status_code == 503, "it is not finished"
    reads = polls(sim)
    assert [called_back.tell(token, music_task_id).status_code for _ in range(5)] == [503] * 5
    assert polls(sim) == reads, "the same callback a moment later costs nothing"
    monkeypatch.setattr(callback_handler, "_READ_AGAIN_AFTER", 0.0)
    sim.faults.add(Fault(path=RECORD_INFO, kind="status", http_status=500, times=1))
    assert called_back.tell(token, music_task_id).status_code == 503, "it cannot be read"
    assert called_back.tell(token, "f" * 32).status_code == 503, "there is no such job, or not yet"
    monkeypatch.setattr(callback_handler, "_MOST_READS_IN", 1e9)
    others = [called_back.tell(token, f"{number:032x}").status_code for number in range(40)]
    assert set(others) == {503}
    assert polls(sim) - reads < 100, "invented ids cost a bounded number of reads"
    monkeypatch.setattr(callback_handler, "_MOST_READS_IN", 0.0)
    failed = SunoHook().generate_music(model="V5", prompt="[fail:400] x", callback_url="http://127.0.0.1:9/x")
    sim.clock.advance(300)
    assert called_back.tell(token, failed).status_code == 200, "it failed"
