"""The buttons of task instances: what the UI would show, by its own look-up, while a task runs and afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from airflow.plugins_manager import AirflowPlugin
from airflow.providers.common.compat.sdk import BaseOperatorLink
from airflow.providers_manager import ProvidersManager
from airflow.sdk import DAG
from airflow.sdk.bases.xcom import BaseXCom
from airflow.sdk.execution_time import task_runner, xcom

from airflow_provider_suno.api import profiles
from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.links import pushing
from airflow_provider_suno.links.addresses import kept_file_path
from airflow_provider_suno.operators.files import DownloadMusicOperator, UploadFileOperator
from airflow_provider_suno.operators.music import GenerateMusicOperator
from airflow_provider_suno.operators.persona import GeneratePersonaOperator
from airflow_provider_suno.polling import worker
from airflow_provider_suno.sensors.job import JobSensor
from airflow_provider_suno.sensors.music_task import MusicTaskSensor
from airflow_provider_suno.simulator.embedding import RunningSimulator
from tests.support.family import JOBS, Sources, _kie, kie, sources
from tests.support.generating import Schedule, a_dag, deferred
from tests.support.sounds import write_wav

pytestmark = pytest.mark.usefixtures("short_clocks")

__all__ = ["_kie", "kie", "sources"]

LOG, AUDIO, VIDEO, COVER, KEPT = "Log at the service", "Audio", "Video", "Cover", "Kept file"
PAGE = {LOG: "https://kie.ai/logs"}
FAST = {"poll_interval": 0.05}


@pytest.fixture
def host_with_a_page(kie: RunningSimulator, monkeypatch: pytest.MonkeyPatch) -> RunningSimulator:
    """Return a simulator that counts as the host itself, whose page lists the jobs."""
    monkeypatch.setitem(profiles.PROFILES, "kie", profiles.KIE._replace(base_url=kie.url))
    return kie


def first_track(record: dict[str, Any]) -> dict[str, str]:
    track = record["tracks"][0]
    return {AUDIO: track["audio_url"], COVER: track["image_url"]}


def song(kie: RunningSimulator) -> str:
    music_task_id: str = SunoHook().generate_music(model="V5", prompt="rain")
    kie.clock.advance(300)
    return music_task_id


def test_they_are_there_while_the_task_is_deferred_and_stay(
    host_with_a_page: RunningSimulator, schedule: Schedule
) -> None:
    run = schedule(a_dag(wait_for_completion=True, deferrable=True))
    deferred(run)
    assert run.links("generate") == PAGE
    run.run()
    assert run.state("generate") == ["success"]
    assert run.links("generate") == {**PAGE, **first_track(run.xcom("generate", "music_task"))}


def test_they_are_there_while_the_task_runs(
    host_with_a_page: RunningSimulator, schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = schedule(a_dag(wait_for_completion=True, deferrable=False))
    seen: list[Any] = []
    poll_once = worker.poll_once

    def look_and_poll(*arguments: Any) -> Any:
        seen.append((run.state("generate"), run.links("generate")))
        return poll_once(*arguments)

    monkeypatch.setattr(worker, "poll_once", look_and_poll)
    assert run.run().state("generate") == ["success"]
    assert seen[0] == (["running"], PAGE)


def test_a_task_that_does_not_wait_leaves_no_empty_one(host_with_a_page: RunningSimulator, schedule: Schedule) -> None:
    run = schedule(a_dag()).run()
    assert run.links("generate") == PAGE
    assert run.keys("generate") == {"return_value", "music_task_id", "_link_LogLink"}


def test_a_host_without_a_page_has_no_link_to_one(sim: RunningSimulator, schedule: Schedule) -> None:
    run = schedule(a_dag(wait_for_completion=True)).run()
    assert run.links("generate") == first_track(run.xcom("generate", "music_task"))


@pytest.mark.parametrize("mode", [{"mode": "poke"}, {"mode": "reschedule"}, {"deferrable": True}], ids=str)
def test_the_sensor(mode: dict[str, Any], host_with_a_page: RunningSimulator, schedule: Schedule) -> None:
    kie, usual = host_with_a_page, host_with_a_page.clock.speed
    kie.clock.run(20)  # so that it takes several polls
    with DAG("links", schedule=None) as dag:
        music_task_id = SunoHook().generate_music(model="V5", prompt="rain")
        MusicTaskSensor(task_id="wait", music_task_id=music_task_id, poke_interval=0.05, **mode)
    try:
        run = schedule(dag).run()
    finally:
        kie.clock.run(usual)
    assert sum(request["method"] == "GET" for request in kie.ledger()["requests"]) > 1
    assert run.links("wait") == {**PAGE, **first_track(run.xcom("wait", "music_task"))}


@pytest.mark.parametrize("deferrable", [False, True], ids=["worker", "triggerer"])
def test_each_mapped_task_instance_has_its_own(
    deferrable: bool, host_with_a_page: RunningSimulator, schedule: Schedule
) -> None:
    with DAG("links", schedule=None) as dag:
        songs = GenerateMusicOperator.partial(
            task_id="generate", model="V5", wait_for_completion=True, deferrable=deferrable, **FAST
        ).expand(prompt=["rain", "snow"])
        MusicTaskSensor.partial(task_id="wait", deferrable=deferrable, poke_interval=0.05).expand(
            music_task_id=songs.output
        )
    run = schedule(dag).run()
    assert {ti.state for ti in run.task_instances()} == {"success"}, run.last_error
    for task_id in ("generate", "wait"):
        found = [run.links(task_id, map_index=index) for index in range(2)]
        made = [first_track(run.xcom(task_id, "music_task", map_index=index)) for index in range(2)]
        assert found == [{**PAGE, **each} for each in made]
        assert made[0] != made[1]


def test_a_retry_shows_those_of_its_own_job(host_with_a_page: RunningSimulator, schedule: Schedule) -> None:
    failing = "{{ '[fail:GENERATE_AUDIO_FAILED]' if ti.try_number == 1 else 'rain' }}"
    run = schedule(a_dag(prompt=failing, wait_for_completion=True, deferrable=True)).run()
    assert (run.state("generate"), run.tries("generate")) == (["success"], [2])
    record = run.xcom("generate", "music_task")
    assert record["music_task_id"] == host_with_a_page.ledger()["songs"][-1]["music_task_id"]
    assert run.links("generate") == {**PAGE, **first_track(record)}


def test_a_failed_job_shows_the_track_that_can_be_played(sim: RunningSimulator, schedule: Schedule) -> None:
    run = schedule(a_dag(prompt="[fail:GENERATE_AUDIO_FAILED:one-track]", wait_for_completion=True, retries=0)).run()
    assert run.state("generate") == ["failed"]
    assert run.links("generate") == first_track(run.xcom("generate", "music_task"))


MADE = {
    "convert_to_wav": {AUDIO},
    "separate_vocals": {AUDIO},
    "create_music_video": {VIDEO},
    "generate_cover_art": {COVER},
    "recover_music": {AUDIO},
}


@pytest.mark.parametrize("call", JOBS)
def test_what_other_jobs_make(call: str, sources: Sources, kie: RunningSimulator, schedule: Schedule) -> None:
    operator, arguments, kind, _ = JOBS[call]
    with DAG("links", schedule=None) as dag:
        make = operator(task_id="make", **arguments(sources), **FAST)
        known = "{{ ti.xcom_pull('make', key='job_id') }}"
        make >> JobSensor(task_id="wait", kind=kind, job_id=known, poke_interval=0.05)
    run = schedule(dag).run()
    links, result = run.links("make"), run.xcom("make")
    assert set(links) == MADE.get(call, set())
    made = list(result.values()) if isinstance(result, dict) else result
    assert list(links.values()) == ([made if isinstance(made, str) else made[0]] if links else [])
    assert run.links("wait") == links


def test_a_persona_shows_its_track(kie: RunningSimulator, schedule: Schedule) -> None:
    with DAG("links", schedule=None) as dag:
        GeneratePersonaOperator(task_id="make", music_task_id=song(kie), track=1, name="N", description="D")
    run = schedule(dag).run()
    record = SunoHook().get_music_task(run.xcom("make", "persona")["music_task_id"])
    assert record is not None
    assert run.links("make") == {AUDIO: record.tracks[1].audio_url, COVER: record.tracks[1].image_url}


def test_an_upload_shows_the_file(sim: RunningSimulator, schedule: Schedule, tmp_path: Path) -> None:
    with DAG("links", schedule=None) as dag:
        UploadFileOperator(task_id="upload", source=str(write_wav(tmp_path / "hum.wav", seconds=1)))
    run = schedule(dag).run()
    assert run.links("upload") == {AUDIO: run.xcom("upload")}


@pytest.mark.skipif(not hasattr(AirflowPlugin, "react_apps"), reason="Airflow 3.0 has no player")
@pytest.mark.parametrize("by", ["download", "operator", "sensor"])
def test_a_kept_file_that_the_player_plays(
    by: str, kie: RunningSimulator, schedule: Schedule, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__SUNO__PLAYER_ROOTS", str(tmp_path))
    folder = f"file://{tmp_path}"
    with DAG("links", schedule=None) as dag:
        if by == "download":
            DownloadMusicOperator(task_id="keep", destination=folder, music_task_id=song(kie), covers=True)
        elif by == "operator":
            GenerateMusicOperator(task_id="keep", model="V5", prompt="rain", keep_at=folder, **FAST)
        else:
            MusicTaskSensor(task_id="keep", music_task_id=song(kie), keep_at=folder)
    run = schedule(dag).run()
    (ti,) = run.task_instances()
    kept = enumerate(run.xcom("keep", "files"))
    audio = next(index for index, file in kept if file["media_type"].startswith("audio/"))
    assert run.links("keep")[KEPT] == kept_file_path(ti.dag_id, ti.run_id, "keep", index=audio)


class Own(BaseOperatorLink):
    name = "Own"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        return f"https://own.example/{operator.task_id}"


class WithOwnLink(GenerateMusicOperator):
    operator_extra_links = (*GenerateMusicOperator.operator_extra_links, Own())


@pytest.mark.parametrize("mapped", [False, True], ids=["one", "mapped"])
def test_a_link_of_a_subclass_is_shown_besides(mapped: bool, kie: RunningSimulator, schedule: Schedule) -> None:
    arguments = {"task_id": "generate", "model": "V5", "wait_for_completion": True, **FAST}
    with DAG("links", schedule=None) as dag:
        if mapped:
            WithOwnLink.partial(**arguments).expand(prompt=["rain"])
        else:
            WithOwnLink(**arguments, prompt="rain")
    run = schedule(dag).run()
    assert set(run.links("generate", map_index=0 if mapped else -1)) == {AUDIO, COVER, "Own"}
    assert {key for key in run.keys("generate") if key.startswith("_link_")} == {
        "_link_AudioLink",
        "_link_CoverLink",
        "_link_Own",
    }


def test_a_custom_backend_for_xcoms_does_not_take_them_away(
    kie: RunningSimulator, schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Elsewhere(BaseXCom):
        @staticmethod
        def serialize_value(value: Any, **_: Any) -> Any:
            return f"s3://elsewhere/{len(str(value))}"

    for module in (task_runner, xcom):
        monkeypatch.setattr(module, "XCom", Elsewhere)
    run = schedule(a_dag(wait_for_completion=True)).run()
    assert run.xcom("generate", "music_task").startswith("s3://elsewhere/")
    assert all(url.startswith(kie.url) for url in run.links("generate").values())
    assert set(run.links("generate")) == {AUDIO, COVER}


def test_trouble_with_one_costs_nothing(
    sim: RunningSimulator, schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise RuntimeError("the API server is away")

    monkeypatch.setattr(pushing, "_push_as_it_is", refuse)
    run = schedule(a_dag(wait_for_completion=True)).run()
    assert (run.state("generate"), run.tries("generate")) == (["success"], [1])
    assert "the link 'Audio' could not be pushed: RuntimeError('the API server is away')" in run.said()


def test_airflow_knows_their_classes() -> None:
    registered = set(ProvidersManager().extra_links_class_names)
    ours = {f"{type(link).__module__}.{type(link).__name__}" for link in GenerateMusicOperator.operator_extra_links}
    assert len(ours) == 5
    assert ours <= registered
