"""Extend, upload-and-cover, upload-and-extend through Airflow's own runner against the simulator."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.operators.files import UploadFileOperator
from airflow_provider_suno.operators.music import (
    ExtendMusicOperator,
    GenerateMusicOperator,
    UploadAndCoverAudioOperator,
    UploadAndExtendAudioOperator,
)
from airflow_provider_suno.operators.persona import GeneratePersonaOperator
from airflow_provider_suno.sensors.music_task import MusicTaskSensor
from airflow_provider_suno.simulator.embedding import RunningSimulator
from tests.support.scheduling import Scheduling
from tests.support.sounds import write_wav

Schedule = Callable[[DAG], Scheduling]
Song = Callable[..., str]

RETRY = {"retries": 1, "retry_delay": timedelta(0)}
OWN = {"prompt": "and the sea turns gold", "style": "folk", "title": "Further"}
pytestmark = pytest.mark.usefixtures("short_clocks")


def charges(sim: RunningSimulator) -> list[int]:
    return [song["charges"] for song in sim.ledger()["songs"]]


def length(music_task_id: str, number: int = 0) -> float:
    record = SunoHook().get_music_task(music_task_id)
    assert record is not None
    seconds = record.tracks[number].duration
    assert seconds is not None
    return seconds


def extend(**fields: Any) -> DAG:
    with DAG("continuations", schedule=None) as dag:
        ExtendMusicOperator(
            task_id="extend", wait_for_completion=True, deferrable=False, poll_interval=0.05, **RETRY, **fields
        )
    return dag


def test_an_extension_learns_track_and_model_from_its_source(
    sim: RunningSimulator, song: Song, schedule: Schedule
) -> None:
    source = song()
    run = schedule(extend(source_music_task_id=source, track=1)).run()
    assert run.state("extend") == ["success"]
    assert charges(sim) == [1, 1]
    record = SunoHook().get_music_task(run.xcom("extend"))
    assert record is not None
    assert record.model == "V5"
    assert length(run.xcom("extend")) > length(source, 1)


def test_an_extension_with_its_own_settings(sim: RunningSimulator, song: Song, schedule: Schedule) -> None:
    source = song()
    run = schedule(extend(source_music_task_id=source, continue_at=length(source) / 2, **OWN)).run()
    assert run.state("extend") == ["success"]
    assert {track["title"] for track in run.xcom("extend", "music_task")["tracks"]} == {"Further"}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"model": "V4_5"}, "model: V4_5 is not that of the source, V5; an extension needs the same"),
        ({"continue_at": 9999, **OWN}, "continue_at: 9999 is not before the track's end"),
        ({"audio_id": "stranger"}, "'stranger' is none of its tracks"),
        ({"track": 7}, "there is no number 7, counted from 0"),
        ({"style": "{{ 'folk' }}"}, "needed with default_param_flag=True (switched on by style)"),
    ],
)
def test_what_cannot_be_an_extension_is_not_paid_for(
    fields: dict[str, Any], said: str, sim: RunningSimulator, song: Song, schedule: Schedule
) -> None:
    run = schedule(extend(source_music_task_id=song(), **fields)).run()
    assert (run.state("extend"), run.tries("extend")) == (["failed"], [1])
    assert said in str(run.last_error)
    assert charges(sim) == [1]


def test_music_that_still_runs_is_not_extended(sim: RunningSimulator, song: Song, schedule: Schedule) -> None:
    run = schedule(extend(source_music_task_id=song("[stuck]"))).run()
    assert (run.state("extend"), run.tries("extend")) == (["failed"], [2])
    assert "so nothing was extended: put a MusicTaskSensor before this task" in str(run.last_error)
    assert charges(sim) == [1]


def test_a_local_file_becomes_a_cover_a_persona_and_a_song(
    sim: RunningSimulator, schedule: Schedule, tmp_path: Path
) -> None:
    """*local file → upload → cover → wait → persona → downstream use*, with the file's extension besides."""
    source = write_wav(tmp_path / "hum.wav", seconds=20)
    with DAG("cover", schedule=None) as dag:
        upload = UploadFileOperator(task_id="upload", source=str(source))
        cover = UploadAndCoverAudioOperator(
            task_id="cover", model="V5", upload_url=upload.output, prompt="as a waltz", **RETRY
        )
        wait = MusicTaskSensor(task_id="wait", music_task_id=cover.output, poke_interval=0.05)
        persona = GeneratePersonaOperator(
            task_id="persona",
            music_task_id=cover.output,
            audio_id="{{ ti.xcom_pull('wait')[0] }}",
            name="n",
            description="d",
        )
        wait >> persona
        GenerateMusicOperator(task_id="again", model="V5", persona_id=persona.output, **OWN)
        UploadAndExtendAudioOperator(
            task_id="further",
            model="V5",
            upload_url=upload.output,
            continue_at=15,
            wait_for_completion=True,
            deferrable=True,
            poll_interval=0.05,
        )
    run = schedule(dag).run()
    states = {ti.task_id: str(ti.state) for ti in run.task_instances()}
    assert set(states.values()) == {"success"}, run.said()
    file = run.xcom("upload", "file")
    assert (file["url"], file["name"], file["size"]) == (run.xcom("upload"), "hum.wav", source.stat().st_size)
    assert run.xcom("persona") == sim.ledger()["personas"][0]["persona_id"]
    assert charges(sim) == [1, 1, 1]


@pytest.mark.parametrize(
    "operator",
    [
        lambda url: UploadAndCoverAudioOperator(
            task_id="t", model="V5", prompt="x", upload_url=url, **WAITING, **RETRY
        ),
        lambda url: UploadAndExtendAudioOperator(
            task_id="t", model="V5", continue_at=5, upload_url=url, **WAITING, **RETRY
        ),
    ],
    ids=["cover", "extend"],
)
def test_a_dead_url_is_accepted_and_fails_later(
    operator: Callable[[str], Any], sim: RunningSimulator, schedule: Schedule
) -> None:
    with DAG("dead", schedule=None) as dag:
        operator(f"{sim.url}/media/nowhere.mp3")
    run = schedule(dag).run()
    assert run.state("t") == ["failed"]
    assert charges(sim)[0] == 1
    assert type(run.last_error).__name__ in ("AirflowFailException", "SunoMusicTaskFailedError")


WAITING = {"wait_for_completion": True, "deferrable": False, "poll_interval": 0.05}
