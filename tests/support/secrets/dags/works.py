"""All that goes well: each operator, each way to wait, mapped and dynamic, by an own connection for each Dag."""

from __future__ import annotations

import os
from typing import Any

from airflow.sdk import DAG, task

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

PERSONA = {"name": "The keeper", "description": "A warm voice"}
SONG = {"model": "V5", "prompt": "rain", "title": "Rain", "style": "folk"}
RECORDING = os.environ["SWEEP_RECORDING"]

with DAG("works_env", schedule=None, default_args={"suno_conn_id": "suno_env"}):
    generate = GenerateMusicOperator(task_id="generate", model="V5", prompt="rain")
    wait = MusicTaskSensor(task_id="wait", music_task_id=generate.output, deferrable=True)
    personas = GeneratePersonaOperator.partial(task_id="personas", music_task_id=generate.output, **PERSONA).expand(
        audio_id=wait.output
    )
    GenerateMusicOperator.partial(task_id="again", wait_for_completion=True, deferrable=False, **SONG).expand(
        persona_id=personas.output
    )
    extend = ExtendMusicOperator(task_id="extend", source_music_task_id=generate.output)
    wait >> extend
    upload = UploadFileOperator(task_id="upload", source=RECORDING)
    UploadAndCoverAudioOperator(
        task_id="cover", upload_url=upload.output, model="V5", prompt="as a waltz", wait_for_completion=True
    )
    UploadAndExtendAudioOperator(
        task_id="upload_and_extend",
        upload_url=upload.output,
        continue_at=3,
        **SONG,
        wait_for_completion=True,
        deferrable=True,
    )

with DAG("works_stored", schedule=None, default_args={"suno_conn_id": "suno_stored"}):
    generate = GenerateMusicOperator(task_id="generate", model="V5", prompt="rain")
    wait = MusicTaskSensor(task_id="wait", music_task_id=generate.output, mode="reschedule", deferrable=False)
    persona = GeneratePersonaOperator(task_id="persona", music_task_id=generate.output, **PERSONA)
    GenerateMusicOperator(task_id="again", persona_id=persona.output, wait_for_completion=True, deferrable=True, **SONG)
    MusicTaskSensor(task_id="poke", music_task_id=generate.output, mode="poke", deferrable=False)
    wait >> persona

    @task
    def by_hook() -> dict[str, Any]:
        """Show all that a user's own function is likely to show."""
        hook = SunoHook("suno_stored")
        hook.log.warning("%r %r %r %s", hook, hook.settings, hook.client, vars(hook))
        print(hook.test_connection(), vars(hook))
        return {"credits": str(hook.get_credits()), "shown": repr(hook.settings)}

    by_hook()
