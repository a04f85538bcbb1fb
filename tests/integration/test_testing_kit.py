"""What the package offers to the tests of users' Dags."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_provider_suno.api.jobs import job_kind
from airflow_provider_suno.exceptions import SunoInsufficientCreditsError
from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.http import retry
from airflow_provider_suno.operators.conversions import ConvertToWavOperator
from airflow_provider_suno.operators.music import GenerateMusicOperator
from airflow_provider_suno.operators.persona import GeneratePersonaOperator
from airflow_provider_suno.polling import limits
from airflow_provider_suno.polling.wait import Wait
from airflow_provider_suno.sensors.music_task import MusicTaskSensor
from airflow_provider_suno.testing import SunoSimulator, simulated_suno
from airflow_provider_suno.triggers import job as job_trigger
from tests.support.airflow_versions import dags_in
from tests.support.generating import GENERATE, RECORD_INFO, Schedule

EXAMPLES = Path(__file__).resolve().parents[2] / "example_dags"
FOLK = {"model": "V5", "prompt": "A calm folk song"}


def test_each_way_of_waiting(suno_simulator: SunoSimulator, schedule: Schedule) -> None:
    ways: dict[str, dict[str, Any]] = {"poke": {}, "reschedule": {"mode": "reschedule"}, "defer": {"deferrable": True}}
    with DAG("kit", schedule=None) as dag:
        GenerateMusicOperator(task_id="worker", **FOLK, wait_for_completion=True)
        GenerateMusicOperator(task_id="triggerer", **FOLK, wait_for_completion=True, deferrable=True)
        submit = GenerateMusicOperator(task_id="submit", **FOLK)
        for name, way in ways.items():
            MusicTaskSensor(task_id=name, music_task_id=submit.output, **way)
    run = schedule(dag).run(timeout=180)
    assert {str(ti.state) for ti in run.task_instances()} == {"success"}, run.last_error
    assert [song["charges"] for song in suno_simulator.songs] == [1, 1, 1]


def test_the_first_poll_and_the_resumption_come_at_once() -> None:
    def first_poll() -> float:
        return Wait.begin(job_kind("music"), "a" * 32, now=0, timeout=60, submitted_at=0).next_poll_at()

    assert (first_poll(), job_trigger.shortest_deferral()) == (20, 7)
    with simulated_suno():
        assert (first_poll(), job_trigger.shortest_deferral()) == (0.1, 0)


def test_what_it_shows(suno_simulator: SunoSimulator, schedule: Schedule) -> None:
    song = suno_simulator.add_song(title="Harbour")
    with DAG("kit", schedule=None) as dag:
        GeneratePersonaOperator(task_id="persona", music_task_id=song, name="N", description="D")
        track = SunoHook().get_music_task(song).tracks[0]
        ConvertToWavOperator(task_id="wav", music_task_id=song, audio_id=track.audio_id)
    before = suno_simulator.balance
    run = schedule(dag).run(timeout=180)
    assert track.title == "Harbour"
    assert [persona["persona_id"] for persona in suno_simulator.personas] == [run.xcom("persona")]
    [job] = suno_simulator.jobs
    assert (job["kind"], job["job_id"]) == ("wav", run.xcom("wav", "job_id"))
    [charge] = suno_simulator.charges
    assert charge["job_id"] == job["job_id"]
    assert float(before - suno_simulator.balance) == pytest.approx(charge["amount"])
    assert {"/api/v1/generate/generate-persona", "/api/v1/wav/generate"} <= {
        request["path"] for request in suno_simulator.requests
    }


def test_what_it_can_be_told(suno_simulator: SunoSimulator) -> None:
    hook = SunoHook()
    suno_simulator.balance = 0
    with pytest.raises(SunoInsufficientCreditsError):
        hook.generate_music(**FOLK)
    suno_simulator.balance = "100.5"
    suno_simulator.running.clock.stop()
    suno_simulator.fail(GENERATE, kind="code", code=430, msg="Too many.", times=2)
    song = hook.generate_music(**FOLK)
    codes = [request["code"] for request in suno_simulator.requests if request["path"] == GENERATE]
    assert codes[-3:] == [430, 430, 200]

    assert hook.get_music_task(song).status == "PENDING"
    suno_simulator.advance(300)
    record = hook.get_music_task(song)
    assert record.status == "SUCCESS"

    suno_simulator.order("wav", fail="GENERATE_WAV_FAILED")
    job_id = hook.convert_to_wav(music_task_id=song, audio_id=record.audio_ids[0])
    suno_simulator.advance(300)
    assert hook.get_record(job_id, kind="wav").status == "GENERATE_WAV_FAILED"

    suno_simulator.reset()
    assert (suno_simulator.songs, suno_simulator.charges, suno_simulator.jobs) == ([], [], [])


def test_giving_up_is_hurried_too(suno_simulator: SunoSimulator, schedule: Schedule) -> None:
    suno_simulator.fail(RECORD_INFO, kind="garbage", times=None)
    with DAG("kit", schedule=None) as dag:
        MusicTaskSensor(task_id="wait", music_task_id="a" * 32, retries=0)
    run = schedule(dag).run(timeout=180)
    assert run.state("wait") == ["failed"]
    assert re.search(r"could not be read for \d\d? s", run.said())


def test_all_is_as_before_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SUNO_KIE", "suno://:mine@example.com")
    before = (limits.DEFAULT, retry.RETRY_LIMITS, job_trigger.shortest_deferral())
    with simulated_suno(conn_id="suno_kie", profile="kie", credits=7) as simulator:
        assert SunoHook("suno_kie").get_credits() == simulator.balance == 7
        assert SunoHook("suno_kie").settings.client.profile.name == "kie"
        os.environ["SET_BY_A_TEST"] = "1"
    assert (limits.DEFAULT, retry.RETRY_LIMITS, job_trigger.shortest_deferral()) == before
    assert os.environ["AIRFLOW_CONN_SUNO_KIE"] == "suno://:mine@example.com"
    assert os.environ.pop("SET_BY_A_TEST") == "1"
    with simulated_suno(conn_id="suno_slow", hurry=False):
        assert (limits.DEFAULT, retry.RETRY_LIMITS, job_trigger.shortest_deferral()) == before
    assert "AIRFLOW_CONN_SUNO_SLOW" not in os.environ


def test_a_connection_of_a_secrets_backend_is_not_charged(tmp_path: Path) -> None:
    stored = tmp_path / "connections.json"
    stored.write_text(json.dumps({"suno_default": "suno://:key@api.example.com"}))
    ended = last_line_of(
        "from airflow_provider_suno.testing import simulated_suno\n"
        "with simulated_suno(): raise AssertionError('the test would go on')\n",
        AIRFLOW__SECRETS__BACKEND="airflow.secrets.local_filesystem.LocalFilesystemBackend",
        AIRFLOW__SECRETS__BACKEND_KWARGS=json.dumps({"connections_file_path": str(stored)}),
    )
    assert "'suno_default' leads to https://api.example.com, not to the simulator" in ended


def test_only_the_fixture_needs_pytest() -> None:
    ended = last_line_of(
        "import sys; sys.modules['pytest'] = None\n"
        "from airflow_provider_suno.testing import simulated_suno\n"
        "with simulated_suno() as simulator: assert simulator.url\n"
        "from airflow_provider_suno.testing import suno_simulator\n"
    )
    assert ended.startswith("ModuleNotFoundError: import of pytest")


def last_line_of(code: str, **variables: str) -> str:
    """Return the end of what a process writes of its own: Airflow keeps the settings it has read."""
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **variables}, capture_output=True, text=True, timeout=120
    )
    return done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("example", "songs", "jobs"),
    [("suno_chain", 2, 0), ("suno_album", 3, 0), ("suno_studio", 1, 4), ("suno_taskflow", 1, 0)],
)
def test_the_examples(
    example: str, songs: int, jobs: int, suno_simulator: SunoSimulator, schedule: Schedule, tmp_path: Path
) -> None:
    [dag] = dags_in(EXAMPLES / f"{example}.py")
    if "folder" in dag.params:
        dag.params["folder"] = str(tmp_path)
    run = schedule(dag).run(timeout=180)
    assert {str(ti.state) for ti in run.task_instances()} == {"success"}, run.said()
    assert [song["charges"] for song in suno_simulator.songs] == [1] * songs
    assert [job["charges"] for job in suno_simulator.jobs] == [1] * jobs
