"""A task that Airflow ends by ``SIGTERM``, at awkward moments: it never turns green, and says what goes on."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.operators.files import UploadFileOperator
from airflow_provider_suno.operators.music import GenerateMusicOperator
from airflow_provider_suno.operators.persona import GeneratePersonaOperator
from airflow_provider_suno.sensors.music_task import MusicTaskSensor
from airflow_provider_suno.simulator.control.fault_plan import Fault
from airflow_provider_suno.simulator.embedding import RunningSimulator
from tests.support.airflow_versions import KEEPS_TASK_STATE
from tests.support.generating import RETRY, Schedule, charges
from tests.support.scheduling import Scheduling
from tests.support.short_limits import set_limits
from tests.support.sounds import write_wav

pytestmark = pytest.mark.usefixtures("short_clocks", "_own_handler")

needs_journal = pytest.mark.skipif(not KEEPS_TASK_STATE, reason="before Airflow 3.3 there is no journal")

WAITS: dict[str, dict[str, Any]] = {
    "submit only": {},
    "worker": {"wait_for_completion": True, "deferrable": False},
    "deferrable": {"wait_for_completion": True, "deferrable": True},
}
IN_THE_SUBMISSION = {
    "in the intent": "airflow_provider_suno.journal.store.Journal._put",
    "in the POST": "airflow_provider_suno.http.client.exchange",
    "in the writing of the id": "airflow_provider_suno.journal.store.SendRecorder.record_answer",
}


@pytest.fixture
def _own_handler() -> Iterator[None]:
    """Keep what this process does on SIGTERM: the task runner sets its own."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def kill_in(function: str, monkeypatch: pytest.MonkeyPatch, *, skip: int = 0) -> None:
    """Send this process SIGTERM in the middle of a function, once."""
    owner_name, _, name = function.rpartition(".")
    owner = resolve_name(owner_name)
    original = getattr(owner, name)
    calls = 0

    def killed(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == skip + 1:
            os.kill(os.getpid(), signal.SIGTERM)
        return original(*args, **kwargs)

    monkeypatch.setattr(owner, name, killed)


def kill_when(happened: Callable[[], bool]) -> None:
    """Send this process SIGTERM once something has happened, while it waits for something else."""

    def kill() -> None:
        while not happened():
            time.sleep(0.02)
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=kill, daemon=True).start()


def first_try(run: Scheduling, task_id: str) -> str | None:
    """Run the first try to its end, and return the state that it leaves."""
    for _ in run.steps():
        (state,) = run.state(task_id)
        if state not in ("deferred", "scheduled"):
            break
    return state


@needs_journal
@pytest.mark.parametrize("wait", WAITS)
@pytest.mark.parametrize("moment", IN_THE_SUBMISSION)
def test_in_the_submission(
    moment: str, wait: str, sim: RunningSimulator, schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    with DAG("kills", schedule=None) as dag:
        GenerateMusicOperator(task_id="t", model="V5", prompt="rain", poll_interval=0.05, **RETRY, **WAITS[wait])
    kill_in(IN_THE_SUBMISSION[moment], monkeypatch, skip=int(moment == "in the POST"))  # after the balance is read
    run = schedule(dag)
    assert first_try(run, "t") == "up_for_retry"
    assert charges(sim) == ([] if moment == "in the intent" else [1])
    assert run.run().state("t") == ["success"]
    assert charges(sim) == [1]
    if moment == "in the writing of the id":
        assert f"Airflow ends this task. The API cannot cancel jobs: music task {run.xcom('t')} continues" in run.said()


@pytest.mark.parametrize("task", ["song", "persona"])
def test_before_it_executes(
    task: str, sim: RunningSimulator, song: Callable[..., str], schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    options: dict[str, Any] = {"task_id": "t", "pre_execute": lambda _: os.kill(os.getpid(), signal.SIGTERM)}
    music_task_id = song()
    with DAG("kills", schedule=None) as dag:
        if task == "song":
            GenerateMusicOperator(model="V5", prompt="rain", **options)
        else:
            GeneratePersonaOperator(music_task_id=music_task_id, name="n", description="d", **options)
    run = schedule(dag).run()
    assert run.state("t") == ["failed"]
    assert (charges(sim), sim.ledger()["personas"]) == ([1], [])


@needs_journal
def test_on_resume(sim: RunningSimulator, schedule: Schedule, monkeypatch: pytest.MonkeyPatch) -> None:
    with DAG("kills", schedule=None) as dag:
        GenerateMusicOperator(
            task_id="t", model="V5", prompt="rain", poll_interval=0.05, **RETRY, **WAITS["deferrable"]
        )
    kill_in("airflow_provider_suno.operators.submit_job.SubmitJobOperator.deliver", monkeypatch)
    run = schedule(dag)
    assert first_try(run, "t") == "up_for_retry"
    assert run.run().state("t") == ["success"]
    assert charges(sim) == [1]


@pytest.mark.parametrize("mode", ["poke", "reschedule", "deferrable"])
@pytest.mark.parametrize("prompt", ["rain", "[stuck]"])
def test_in_a_sensors_look(
    prompt: str,
    mode: str,
    song: Callable[..., str],
    schedule: Schedule,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    how = {"deferrable": True} if mode == "deferrable" else {"deferrable": False, "mode": mode}
    with DAG("kills", schedule=None) as dag:
        MusicTaskSensor(task_id="t", music_task_id=song(prompt), poke_interval=0.05, **RETRY, **how)
    kill_in("airflow_provider_suno.polling.worker.poll_once", monkeypatch)
    run = schedule(dag)
    assert first_try(run, "t") == "up_for_retry"
    assert "Airflow ends this task. The API cannot cancel jobs: music task" in run.said()


@pytest.mark.parametrize("deferrable", [False, True])
def test_in_a_sensors_delivery(
    deferrable: bool, song: Callable[..., str], schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    with DAG("kills", schedule=None) as dag:
        MusicTaskSensor(task_id="t", music_task_id=song(), poke_interval=0.05, deferrable=deferrable, **RETRY)
    kill_in("airflow_provider_suno.polling.worker.log_finished", monkeypatch)
    run = schedule(dag)
    assert first_try(run, "t") == "up_for_retry"
    assert run.run().state("t") == ["success"]


@needs_journal
@pytest.mark.parametrize("moment", ["in the intent", "in the POST", "in the writing of the id"])
def test_of_a_persona(
    moment: str,
    sim: RunningSimulator,
    song: Callable[..., str],
    schedule: Schedule,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    music_task_id = song()
    with DAG("kills", schedule=None) as dag:
        GeneratePersonaOperator(task_id="t", music_task_id=music_task_id, name="n", description="d", **RETRY)
    kill_in(IN_THE_SUBMISSION[moment], monkeypatch, skip=int(moment == "in the POST"))  # after the record is read
    run = schedule(dag)
    assert first_try(run, "t") == "up_for_retry"
    assert len(sim.ledger()["personas"]) == (moment != "in the intent")
    assert run.run().state("t") == ["success"]
    assert [persona["persona_id"] for persona in sim.ledger()["personas"]] == [run.xcom("t")]


def test_a_deferral_without_a_journal_does_not_turn_green_either(
    sim: RunningSimulator, schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_suno.journal.store.task_state_store", lambda _: None)
    with DAG("kills", schedule=None) as dag:
        GenerateMusicOperator(
            task_id="t", model="V5", prompt="rain", poll_interval=0.05, **RETRY, **WAITS["deferrable"]
        )
    kill_in(IN_THE_SUBMISSION["in the POST"], monkeypatch, skip=1)  # after the balance is read
    run = schedule(dag).run()
    assert (run.state("t"), run.tries("t")) == (["failed"], [1])
    assert f"Set music_task_id='{run.xcom('t', 'music_task_id')}' to resume this job" in str(run.last_error)
    assert charges(sim) == [1]


@pytest.mark.parametrize(
    ("function", "source"),
    [
        ("airflow_provider_suno.http.uploads.MultipartStream._read_content", "local"),
        ("airflow_provider_suno.http.client.SunoClient._upload", "local"),
        ("airflow_provider_suno.http.client.SunoClient._upload", "a track's URL"),
        ("airflow_provider_suno.http.cancellation.Cancellation.pause", "local"),
    ],
    ids=["in the file", "before the file", "a URL", "between two sends"],
)
def test_a_killed_upload_ends(
    function: str,
    source: str,
    tmp_path: Path,
    sim: RunningSimulator,
    song: Callable[..., str],
    schedule: Schedule,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = str(write_wav(tmp_path / "long.wav", 600))
    if source != "local":
        record = SunoHook().get_music_task(song())
        assert record is not None
        file = str(record.tracks[0].audio_url)
    if function.endswith("pause"):
        sim.faults.add(Fault(path="*upload*", kind="status", http_status=503, times=None))
    with DAG("kills", schedule=None) as dag:
        UploadFileOperator(task_id="upload", source=file)
    kill_in(function, monkeypatch)
    run = schedule(dag).run(timeout=20)
    assert run.state("upload") == ["failed"]
    assert "Nothing is charged; the service deletes what arrived" in run.said()
    assert "Killed" in str(run.last_error)
    assert ("is sent again" in run.said()) == function.endswith("pause")
    assert run.xcom("upload") is None


@pytest.mark.parametrize("method", ["stream", "base64", "url"])
def test_a_killed_upload_does_not_wait_for_a_reply(
    method: str, tmp_path: Path, sim: RunningSimulator, schedule: Schedule
) -> None:
    sim.faults.add(Fault(path="*upload*", kind="hang", seconds=60, times=None))
    file = str(write_wav(tmp_path / "hum.wav", 1))
    with DAG("kills", schedule=None) as dag:
        UploadFileOperator(task_id="upload", method=method, source="https://x.invalid/a" if method == "url" else file)
    kill_when(lambda: any(request["fault"] == "hang" for request in sim.ledger()["requests"]))
    run = schedule(dag).run(timeout=20)
    assert run.state("upload") == ["failed"]
    assert "Killed before the file was uploaded. Nothing is charged" in str(run.last_error)


def test_a_killed_upload_does_not_wait_for_a_service_that_stopped_reading(
    tmp_path: Path, schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        host = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        monkeypatch.setenv(
            "AIRFLOW_CONN_SUNO_DEFAULT", json.dumps({"conn_type": "suno", "host": host, "password": "k"})
        )
        with DAG("kills", schedule=None) as dag:
            UploadFileOperator(task_id="upload", source=str(write_wav(tmp_path / "long.wav", 600)))
        read = threading.Event()
        threading.Thread(target=lambda: (deaf.accept()[0].recv(1), read.set(), time.sleep(60)), daemon=True).start()
        kill_when(read.is_set)
        run = schedule(dag).run(timeout=20)
    assert run.state("upload") == ["failed"]
    assert "Killed before the file was uploaded. Nothing is charged" in str(run.last_error)


@pytest.mark.usefixtures("sim")
@pytest.mark.parametrize("task_id", ["persona", "handed in"])
def test_a_kill_ends_the_wait_for_an_id_that_is_not_known_yet(
    task_id: str, schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_limits(monkeypatch, unknown_id_grace=60.0)
    with DAG("kills", schedule=None) as dag:
        if task_id == "persona":
            GeneratePersonaOperator(task_id="it", music_task_id="nothing", name="n", description="d")
        else:
            GenerateMusicOperator(task_id="it", music_task_id="nothing")
    kill_in("airflow_provider_suno.http.cancellation.Cancellation.pause", monkeypatch)
    run = schedule(dag).run(timeout=20)
    assert run.state("it") == ["failed"]
    assert "the service does not know music task nothing (yet): polling for up to 60 s" in run.said()
