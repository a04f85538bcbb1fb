"""WAV and MIDI jobs through Airflow's runner: each way of waiting, the journal, odd records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests
from airflow.sdk import DAG

from airflow_provider_suno.exceptions import SunoConflictError, SunoValidationError
from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.operators.conversions import ConvertToWavOperator, GenerateMidiOperator
from airflow_provider_suno.sensors.job import JobSensor
from airflow_provider_suno.simulator import Fault, Order
from airflow_provider_suno.simulator.embedding import RunningSimulator
from tests.support.airflow_versions import KEEPS_TASK_STATE
from tests.support.generating import RETRY, Schedule

pytestmark = pytest.mark.usefixtures("short_clocks")

OPERATOR: dict[str, dict[str, Any]] = {"worker": {"deferrable": False}, "triggerer": {"deferrable": True}}
SENSOR: dict[str, dict[str, Any]] = {
    "poke": {"mode": "poke", "deferrable": False},
    "reschedule": {"mode": "reschedule", "deferrable": False},
    "deferred": {"deferrable": True},
}
FAST = {"poll_interval": 0.05}


@pytest.fixture
def track(song: Callable[..., str]) -> dict[str, str]:
    """Return what names a finished track."""
    record = SunoHook().get_music_task(song())
    assert record is not None
    return {"music_task_id": record.music_task_id, "audio_id": record.audio_ids[0]}


@pytest.fixture
def stems(track: dict[str, str], sim: RunningSimulator) -> str:
    """Return the id of a finished separation into stems, for which this provider has no operator yet."""
    body = {
        "taskId": track["music_task_id"],
        "audioId": track["audio_id"],
        "type": "separate_vocal",
        "callBackUrl": "https://no-callback.invalid/",
    }
    headers = {"Authorization": f"Bearer {sim.api_key}"}
    reply = requests.post(f"{sim.url}/api/v1/vocal-removal/generate", json=body, headers=headers, timeout=10).json()
    sim.clock.advance(300)
    return str(reply["data"]["taskId"])


def charges(sim: RunningSimulator, kind: str) -> list[int]:
    return [job["charges"] for job in sim.ledger()["conversions"] if job["kind"] == kind]


@pytest.mark.parametrize("how", [*OPERATOR, *SENSOR])
def test_a_wav_in_each_way_of_waiting(
    how: str, track: dict[str, str], sim: RunningSimulator, schedule: Schedule
) -> None:
    with DAG("conversions", schedule=None) as dag:
        if how in OPERATOR:
            ConvertToWavOperator(task_id="wav", **track, **FAST, **OPERATOR[how])
        else:
            convert = ConvertToWavOperator(task_id="convert", **track, wait_for_completion=False)
            JobSensor(task_id="wav", kind="wav", job_id=convert.output, poke_interval=0.05, **SENSOR[how])
    run = schedule(dag).run()
    assert run.state("wav") == ["success"]
    url = run.xcom("wav")
    assert requests.get(url, headers={"User-Agent": "tests"}, timeout=10).content[:4] == b"RIFF"
    record = run.xcom("wav", "wav")
    assert (record["audio_wav_url"], record["status"], record["audio_id"]) == (url, "SUCCESS", track["audio_id"])
    assert run.xcom("wav" if how in OPERATOR else "convert", "job_id") == record["job_id"]
    assert charges(sim, "wav") == [1]
    if how in OPERATOR and KEEPS_TASK_STATE:
        entry = run.journal("wav")
        assert (entry["state"], entry["job"]) == ("delivered", {"kind": "wav", "id": record["job_id"]})


@pytest.mark.parametrize("how", OPERATOR)
def test_midi_comes_as_notes(how: str, stems: str, sim: RunningSimulator, schedule: Schedule) -> None:
    with DAG("conversions", schedule=None) as dag:
        GenerateMidiOperator(task_id="midi", stems_job_id=stems, **FAST, **OPERATOR[how])
    run = schedule(dag).run()
    assert run.state("midi") == ["success"]
    instruments = run.xcom("midi")
    assert instruments
    for note in instruments[0]["notes"]:
        assert note["start"] < note["end"]
    assert run.xcom("midi", "midi")["instruments"] == instruments
    assert charges(sim, "midi") == [1]


def test_stems_without_notes_are_a_result_with_a_warning(stems: str, sim: RunningSimulator, schedule: Schedule) -> None:
    sim.orders.add(Order(kind="midi", empty=True))
    with DAG("conversions", schedule=None) as dag:
        GenerateMidiOperator(task_id="midi", stems_job_id=stems, **FAST)
    run = schedule(dag).run()
    assert run.state("midi") == ["success"]
    assert "no notes were found in the stems" in run.said()


@pytest.mark.parametrize("fail", [2, 3])
def test_a_number_that_means_failed_is_a_failure_and_its_retry_submits_again(
    fail: int, stems: str, sim: RunningSimulator, schedule: Schedule
) -> None:
    """2 means failed here, though it means running elsewhere."""
    sim.orders.add(Order(kind="midi", fail=fail))
    with DAG("conversions", schedule=None) as dag:
        GenerateMidiOperator(task_id="midi", stems_job_id=stems, **FAST, **RETRY)
    run = schedule(dag).run()
    assert (run.state("midi"), run.tries("midi")) == (["success"], [2])
    assert "ended as " in run.said()
    assert "The service refunds the credits of a failed job" in run.said()
    assert charges(sim, "midi") == [1, 1]


@pytest.mark.skipif(not KEEPS_TASK_STATE, reason="before Airflow 3.3 there is no journal")
def test_a_wait_that_timed_out_goes_on_with_the_same_conversion(
    track: dict[str, str], sim: RunningSimulator, schedule: Schedule
) -> None:
    sim.orders.add(Order(kind="wav", seconds=1e6))
    once = "{{ 0 if ti.try_number == 1 else 60 }}"
    with DAG("conversions", schedule=None) as dag:
        ConvertToWavOperator(task_id="wav", **track, wait_timeout=once, **FAST, **RETRY)
    run = schedule(dag)
    for _ in run.steps():
        if run.state("wav") == ["up_for_retry"]:
            sim.clock.advance(2e6)
    assert (run.state("wav"), run.tries("wav")) == (["success"], [2])
    assert "re-attached to WAV conversion " in run.said()
    assert "to resume this job; nothing is charged again." in run.said()
    assert charges(sim, "wav") == [1]


def test_a_second_conversion_is_a_conflict_that_says_how_to_go_on(
    track: dict[str, str], sim: RunningSimulator, schedule: Schedule
) -> None:
    first = SunoHook().convert_to_wav(**track)
    with pytest.raises(SunoConflictError, match="the service does not tell the id of that conversion"):
        SunoHook().convert_to_wav(**track)
    with DAG("conversions", schedule=None) as dag:
        ConvertToWavOperator(task_id="again", **track, retries=3)
        ConvertToWavOperator(task_id="known", **track, job_id=first, **FAST)
    run = schedule(dag).run()
    assert (run.state("again"), run.tries("again"), run.state("known")) == (["failed"], [1], ["success"])
    assert charges(sim, "wav") == [1]


@pytest.mark.parametrize("policy", ["fail", "resubmit"])
def test_a_lost_reply_names_the_parameter_of_this_kind(
    policy: Any, track: dict[str, str], sim: RunningSimulator, schedule: Schedule
) -> None:
    """A second request would be refused, since the first one has made the conversion."""
    sim.faults.add(Fault(kind="drop_after", path="/api/v1/wav/generate", times=1))
    with DAG("conversions", schedule=None) as dag:
        ConvertToWavOperator(task_id="wav", **track, on_lost_reply=policy, **FAST)
    run = schedule(dag).run()
    error = str(run.last_error)
    assert (run.state("wav"), charges(sim, "wav")) == (["failed"], [1])
    assert "set job_id=... to " in error
    assert "music_task_id=..." not in error
    assert ("Our own first submission probably made the WAV conversion" in error) == (policy == "resubmit")


@pytest.mark.parametrize("kind", ["wav", "midi"])
def test_an_id_that_nobody_knows_has_the_usual_grace(kind: str, sim: RunningSimulator, schedule: Schedule) -> None:
    """The service says so by a code, where it sends nothing for music."""
    with DAG("conversions", schedule=None) as dag:
        JobSensor(task_id="wait", kind=kind, job_id="nothing", poke_interval=0.05, retries=2)
    run = schedule(dag).run()
    assert (run.state("wait"), run.tries("wait")) == (["failed"], [1])
    assert "The service does not know " in str(run.last_error)


@pytest.mark.parametrize("empty", [False, True])
def test_a_callback_that_was_not_taken_is_judged_by_the_file(
    empty: bool, track: dict[str, str], sim: RunningSimulator, schedule: Schedule
) -> None:
    sim.orders.add(Order(kind="wav", fail="CALLBACK_EXCEPTION", empty=empty))
    with DAG("conversions", schedule=None) as dag:
        ConvertToWavOperator(task_id="wav", **track, **FAST, retries=2)
    run = schedule(dag).run()
    assert (run.state("wav"), run.tries("wav")) == (["failed" if empty else "success"], [1])
    assert "CALLBACK_EXCEPTION" in run.said()


def test_no_such_kind_is_refused_when_the_dag_is_parsed() -> None:
    with (
        DAG("conversions", schedule=None),
        pytest.raises(SunoValidationError, match=r"kind: must be one of .*; got 'songs'"),
    ):
        JobSensor(task_id="wait", kind="songs", job_id="x")
