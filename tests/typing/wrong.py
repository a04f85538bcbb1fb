"""
A Dag file with mistakes that mypy must find: at each line marked ``# E: code`` an error of that code, and no other.
"""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.operators.conversions import (
    ConvertToWavOperator,
    CreateMusicVideoOperator,
    GenerateMidiOperator,
    SeparateVocalsOperator,
)
from airflow_provider_suno.operators.files import DownloadMusicOperator, UploadFileOperator
from airflow_provider_suno.operators.lyrics import GenerateLyricsOperator, GetTimestampedLyricsOperator
from airflow_provider_suno.operators.music import (
    ExtendMusicOperator,
    GenerateMashupOperator,
    GenerateMusicOperator,
    GenerateSoundsOperator,
    ReplaceSectionOperator,
    UploadAndCoverAudioOperator,
)
from airflow_provider_suno.operators.persona import GeneratePersonaOperator
from airflow_provider_suno.operators.style import BoostStyleOperator
from airflow_provider_suno.operators.voice import CheckVoiceOperator, GenerateVoiceOperator, ValidateVoiceOperator
from airflow_provider_suno.sensors.credits import CreditsSensor
from airflow_provider_suno.sensors.job import JobSensor
from airflow_provider_suno.sensors.music_task import MusicTaskSensor
from airflow_provider_suno.testing import simulated_suno
from airflow_provider_suno.triggers.music_task import MusicTaskTrigger

with DAG("wrong", schedule=None):
    generate = GenerateMusicOperator(task_id="generate", prompt="Rain", model="V5")
    GenerateMusicOperator(task_id="a", promt="Rain", model="V5")  # E: call-arg
    GenerateMusicOperator(task_id="b", prompt="Rain", model=5)  # E: arg-type
    GenerateMusicOperator(model="V5", prompt="Rain")  # E: call-arg
    GenerateMusicOperator(task_id="d", prompt="Rain", model="V5", wait_timeout="soon")  # E: arg-type
    GenerateMusicOperator(task_id="e", prompt="Rain", model="V5", until="some")  # E: arg-type
    GenerateMusicOperator(task_id="f", prompt="Rain", model="V5", on_lost_reply="retry")  # E: arg-type
    GenerateMusicOperator(task_id="k", prompt="Rain", model="V5", keep_at=5)  # E: arg-type
    DownloadMusicOperator(task_id="l", music_task_id="t")  # E: call-arg
    DownloadMusicOperator(task_id="m", destination="/songs", music_task_id="t", overwrite="always")  # E: arg-type
    CreditsSensor(task_id="n", at_least=[1])  # E: arg-type
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
    MusicTaskSensor(task_id="q", music_task_id="m", poll_interval=1)  # E: call-arg
    MusicTaskSensor(task_id="r", music_task_id="m", mode="sleep")  # E: arg-type
    ConvertToWavOperator(task_id="s", music_task="m")  # E: call-arg
    ConvertToWavOperator(task_id="kept", music_task_id="m", audio_id="a", keep_at=5)  # E: arg-type
    GenerateMidiOperator(task_id="t", stems_job_id="s", job=1)  # E: call-arg
    GenerateMidiOperator(task_id="kept", stems_job_id="s", keep_at="/data/notes")  # E: call-arg
    JobSensor(task_id="u", kind="wav", job_id="j", until="some")  # E: arg-type
    GenerateMusicOperator(task_id="v", prompt="Rain", model="V5", retrys=2)  # E: call-arg
    GenerateMusicOperator(task_id="w", prompt="Rain", model="V5", vocal_gender="x")  # E: arg-type
    UploadFileOperator(task_id="x", source="/tmp/hum.wav", method="strem")  # E: arg-type
    GenerateLyricsOperator(task_id="y", prompt=["Rain"])  # E: arg-type
    GenerateLyricsOperator(task_id="z", prompt="Rain", keep_at="/data/words")  # E: call-arg
    GetTimestampedLyricsOperator(task_id="aa", audio_id="a", wait_for_completion=True)  # E: call-arg
    BoostStyleOperator(task_id="ab", content="Pop", job_id="j")  # E: call-arg
    SeparateVocalsOperator(task_id="ac", music_task_id="m", audio_id="a", type="all")  # E: arg-type
    SeparateVocalsOperator(task_id="ad", music_task_id="m", audio_id="a", if_exists="skip")  # E: call-arg
    CreateMusicVideoOperator(task_id="ae", music_task_id="m", audio_id="a", if_exists="pay")  # E: arg-type
    GenerateMashupOperator(task_id="af", upload_url_list=1, model="V5")  # E: arg-type
    GenerateSoundsOperator(task_id="ag", prompt="Rain", sound_tempo=[90])  # E: arg-type
    ReplaceSectionOperator(task_id="ah", audio_id="a", infill_end="9")  # E: call-arg
    ValidateVoiceOperator(task_id="ai", voice_url="https://x", language="xx")  # E: arg-type
    GenerateVoiceOperator(task_id="aj", phrase_job_id="j", verify="https://x")  # E: call-arg
    CheckVoiceOperator(task_id="ak")  # E: call-arg

hook = SunoHook("suno_default")
hook.separate_vocals(type="all")  # E: arg-type
hook.boost_style(5)  # E: arg-type
hook.recover_music(music_task="m")  # E: call-arg
hook.generate_music(promt="Rain", model="V5")  # E: call-arg
hook.generate_persona(music_task_id="m", audio_id="a", name="n")  # E: call-arg
hook.generate_music(model=5)  # E: arg-type
hook.generate_music(model="V5", prompt=generate.output)  # E: arg-type
hook.convert_to_wav(music_task="m")  # E: call-arg
hook.keep_files("j", "/data/wavs")  # E: call-arg
hook.upload_file("/tmp/hum.wav", metod="url")  # E: call-arg
hook.upload_and_cover_audio(upload_url="https://x", model="V5", continue_at=1)  # E: call-arg
hook.get_music_task()  # E: call-arg
number: int = hook.generate_music(prompt="Rain", model="V5")  # E: assignment
MusicTaskTrigger("m", until="some")  # E: arg-type
MusicTaskTrigger("m", submitted_at="yesterday")  # E: arg-type
simulated_suno(profile="kei")  # E: arg-type
