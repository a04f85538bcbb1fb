"""
A Dag file with mistakes that mypy must find: at each line marked ``# E: code`` an error of that code, and no other.

A line marked ``# not yet: code`` is a mistake that mypy should find and does not find yet.
"""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.operators.files import UploadFileOperator
from airflow_provider_suno.operators.music import (
    ExtendMusicOperator,
    GenerateMusicOperator,
    UploadAndCoverAudioOperator,
)
from airflow_provider_suno.operators.persona import GeneratePersonaOperator
from airflow_provider_suno.sensors.music_task import MusicTaskSensor
from airflow_provider_suno.triggers.music_task import MusicTaskTrigger

with DAG("wrong", schedule=None):
    GenerateMusicOperator(task_id="a", promt="Rain", model="V5")  # not yet: call-arg
    GenerateMusicOperator(task_id="b", prompt="Rain", model=5)  # not yet: arg-type
    GenerateMusicOperator(task_id="c", prompt="Rain")  # not yet: call-arg
    GenerateMusicOperator(task_id="d", prompt="Rain", model="V5", wait_timeout=[1])  # not yet: arg-type
    GenerateMusicOperator(task_id="e", prompt="Rain", model="V5", until="some")  # not yet: arg-type
    GenerateMusicOperator(task_id="f", prompt="Rain", model="V5", on_lost_reply="retry")  # not yet: arg-type
    GenerateMusicOperator(task_id="g", prompt="Rain", model="V5", instrumental=[True])  # E: arg-type
    ExtendMusicOperator(task_id="h", audio_id=["a"], model="V5")  # E: arg-type
    UploadAndCoverAudioOperator(task_id="i", upload_url=1, model="V5")  # E: arg-type
    UploadFileOperator(task_id="j", sauce="/tmp/hum.wav")  # E: call-arg
    GeneratePersonaOperator(task_id="k", music_task_id="m", name="n", description=1)  # E: arg-type
    GeneratePersonaOperator(task_id="l", music_task_id="m", name="n")  # E: call-arg
    GeneratePersonaOperator(task_id="m", music_task_id="m", name="n", description="d", if_exists=1)  # E: arg-type
    MusicTaskSensor(task_id="n")  # E: call-arg
    MusicTaskSensor(task_id="o", music_task_id=["m"])  # E: arg-type
    MusicTaskSensor(task_id="p", music_task_id="m", until=1)  # E: arg-type

hook = SunoHook("suno_default")
hook.generate_music(promt="Rain", model="V5")  # not yet: call-arg
hook.generate_persona(music_task_id="m", audio_id="a", name="n")  # E: call-arg
hook.get_music_task()  # E: call-arg
number: int = hook.generate_music(prompt="Rain", model="V5")  # E: assignment
MusicTaskTrigger("m", until="some")  # E: arg-type
MusicTaskTrigger("m", submitted_at="yesterday")  # E: arg-type
