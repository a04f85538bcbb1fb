"""A Dag file that mypy must accept: every field by its name and type, and XComArgs wherever a value comes later."""

from __future__ import annotations

from datetime import timedelta

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
from airflow_provider_suno.triggers.music_task import MusicTaskTrigger

with DAG("right", schedule=None):
    generate = GenerateMusicOperator(
        task_id="generate",
        prompt="A calm folk song about a lighthouse",
        model="V5",
        instrumental=True,
        wait_for_completion=True,
        deferrable=True,
        wait_timeout=timedelta(minutes=20),
        poll_interval=5,
        until="first",
        on_lost_reply="resubmit",
        retries=2,
        pool="suno",
    )
    wait = MusicTaskSensor(
        task_id="wait", music_task_id=generate.output, until="all", deferrable=True, timeout=600, soft_fail=True
    )
    persona = GeneratePersonaOperator(
        task_id="persona", music_task_id=generate.output, name="The keeper", description="Warm voice", track=1
    )
    again = GenerateMusicOperator(
        task_id="again",
        model="V5",
        persona_id=persona.output,
        title="The Keeper Again",
        style="folk, guitar",
        prompt="The lamp goes out",
    )
    upload = UploadFileOperator(task_id="upload", source="/tmp/hum.wav", folder="hums")
    cover = UploadAndCoverAudioOperator(task_id="cover", upload_url=upload.output, model="V5", prompt="As a waltz")
    longer = UploadAndExtendAudioOperator(
        task_id="longer", upload_url=upload.output, model="V5", prompt="And on", continue_at=12.5
    )
    extend = ExtendMusicOperator(task_id="extend", source_music_task_id=generate.output, track=0, model="V5")

hook = SunoHook("suno_default")
music_task_id: str = hook.generate_music(prompt="Rain", model="V5", instrumental=True)
record = hook.get_music_task(music_task_id)
if record is not None:
    titles: list[str | None] = [track.title for track in record.tracks]
persona_id: str = hook.generate_persona(
    music_task_id=music_task_id, audio_id="a", name="Rain", description="Soft"
).persona_id
trigger = MusicTaskTrigger("music-task", suno_conn_id="suno_default", until="first", deadline=1e9)
