"""A Dag file that mypy must accept: every field by its name and type, and XComArgs wherever a value comes later."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, ObjectStoragePath

from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.operators.conversions import (
    ConvertToWavOperator,
    CreateMusicVideoOperator,
    GenerateCoverArtOperator,
    GenerateMidiOperator,
    SeparateVocalsOperator,
)
from airflow_provider_suno.operators.files import DownloadMusicOperator, UploadFileOperator
from airflow_provider_suno.operators.lyrics import GenerateLyricsOperator, GetTimestampedLyricsOperator
from airflow_provider_suno.operators.music import (
    AddInstrumentalOperator,
    AddVocalsOperator,
    ExtendMusicOperator,
    GenerateMashupOperator,
    GenerateMusicOperator,
    GenerateSoundsOperator,
    RecoverMusicOperator,
    ReplaceSectionOperator,
    UploadAndCoverAudioOperator,
    UploadAndExtendAudioOperator,
)
from airflow_provider_suno.operators.persona import GeneratePersonaOperator
from airflow_provider_suno.operators.style import BoostStyleOperator
from airflow_provider_suno.operators.voice import (
    CheckVoiceOperator,
    GenerateVoiceOperator,
    RegenerateVoicePhraseOperator,
    ValidateVoiceOperator,
)
from airflow_provider_suno.sensors.credits import CreditsSensor
from airflow_provider_suno.sensors.job import JobSensor
from airflow_provider_suno.sensors.music_task import MusicTaskSensor
from airflow_provider_suno.testing import SunoSimulator, simulated_suno
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
    CreditsSensor(task_id="credits", at_least=12.5, soft_fail=True, timeout=60)
    GenerateMusicOperator(task_id="kept", prompt="Rain", model="V5", keep_at="s3://aws_default@bucket/songs")
    DownloadMusicOperator(
        task_id="download",
        destination=Path("/data/songs"),
        music_task_id=generate.output,
        audio_ids=["a"],
        name="{title}",
        overwrite="if_changed",
        max_bytes="{{ params.most }}",
        parallel=4,
    )
    ConvertToWavOperator(task_id="wav", music_task_id=generate.output, audio_id="a", keep_at=Path("/data/wavs"))
    wavs: list[str | None] = [file.part for file in SunoHook().keep_files("j", "/data/wavs", kind="wav")]
    kept: list[str] = [file.uri for file in SunoHook().download("t", ObjectStoragePath("memory://songs"), covers=True)]
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

    later = generate.output
    every_field_later = GenerateMusicOperator(
        task_id="every_field_later",
        model=later,
        prompt=later,
        style=later,
        title=later,
        persona_id=later,
        persona_model=later,
        negative_tags=later,
        vocal_gender=later,
        style_weight=later,
        weirdness_constraint=later,
        audio_weight=later,
        custom_mode=later,
        instrumental=later,
        callback_url=later,
        extra_fields=later,
        music_task_id=later,
        suno_conn_id=later,
        wait_timeout=later,
        poll_interval=later,
        on_lost_reply=later,
        until=later,
    )
    UploadAndExtendAudioOperator(
        task_id="later_too",
        upload_url=later,
        model=later,
        continue_at=later,
        default_param_flag=later,
        instrumental=later,
    )
    ExtendMusicOperator(
        task_id="later_as_well", audio_id=later, source_music_task_id=later, track=later, continue_at=later
    )
    GeneratePersonaOperator(
        task_id="later_persona",
        music_task_id=later,
        audio_id=later,
        name=later,
        description=later,
        track=later,
        if_exists=later,
        vocal_start=later,
        vocal_end=later,
        style=later,
    )
    ConvertToWavOperator(task_id="wav", music_task_id=later, audio_id=later, job_id=later, wait_for_completion=False)
    GenerateMidiOperator(task_id="midi", stems_job_id=later, audio_id=later)
    UploadFileOperator(task_id="later_upload", source=later, method=later, folder=later, name=later)
    MusicTaskSensor(task_id="later_wait", music_task_id=later, until=later, suno_conn_id=later)
    JobSensor(task_id="later_job", kind=later, job_id=later, until=later, keep_at=later)
    JobSensor(task_id="kept_job", kind="wav", job_id="j", keep_at=Path("/data/wavs"))

with DAG("family", schedule=None):
    words = GenerateLyricsOperator(task_id="words", prompt="A ferry at dawn", deferrable=True, on_lost_reply="resubmit")
    style = BoostStyleOperator(task_id="style", content="Pop", on_lost_reply="fail", retries=1)
    song = GenerateMusicOperator(
        task_id="song",
        model="V6",
        prompt=words.output,
        style=style.output,
        duration="60",
        variety=2,
        lyrics=words.output,
    )
    stems = SeparateVocalsOperator(
        task_id="stems", music_task_id=song.output, audio_id="a", type="split_stem", keep_at="/data/stems"
    )
    SeparateVocalsOperator(task_id="own", audio_url="https://x/a.mp3", type=later, stem_name="Bass", job_id=later)
    CreateMusicVideoOperator(
        task_id="video", music_task_id=song.output, audio_id=later, author="A band", if_exists="skip", keep_at=later
    )
    GenerateCoverArtOperator(task_id="pictures", music_task_id=song.output, if_exists=later, job_id=later)
    GetTimestampedLyricsOperator(task_id="times", music_task_id=song.output, audio_id="a")
    AddInstrumentalOperator(task_id="band", upload_url=later, title="Rain", tags="folk", negative_tags="drums")
    AddVocalsOperator(
        task_id="singer", upload_url=later, title="Rain", style="folk", prompt="La", negative_tags="drums", variety="1"
    )
    ReplaceSectionOperator(
        task_id="section",
        source_music_task_id=song.output,
        track=1,
        prompt="La",
        tags="folk",
        title="Rain",
        infill_start_s=10,
        infill_end_s="20.5",
    )
    GenerateMashupOperator(
        task_id="mashup", upload_url_list=["https://x/a.mp3", "https://x/b.mp3"], prompt="x", model="V5"
    )
    GenerateMashupOperator(task_id="mashup_later", upload_url_list=later, prompt=later, model="V5")
    GenerateSoundsOperator(task_id="jingle", prompt="Rain", sound_loop=True, sound_tempo=90, sound_key="C#m")
    RecoverMusicOperator(task_id="recover", music_task_id="m", keep_at="/data/songs")
    phrase = ValidateVoiceOperator(
        task_id="phrase", voice_url=later, vocal_start_s=0, vocal_end_s="9.5", language="en", wait_for_completion=False
    )
    RegenerateVoicePhraseOperator(task_id="another_phrase", phrase_job_id=phrase.output)
    voice = GenerateVoiceOperator(
        task_id="voice", phrase_job_id=phrase.output, verify_url=later, singer_skill_level="advanced"
    )
    CheckVoiceOperator(task_id="check", voice_job_id=later)

with DAG("resumed", schedule=None):
    GenerateMusicOperator(task_id="song", music_task_id="m")
    UploadAndCoverAudioOperator(task_id="cover", music_task_id="m")
    ConvertToWavOperator(task_id="wav", job_id="j")
    GenerateMidiOperator(task_id="midi", job_id="j")

with DAG("defaults", schedule=None, default_args={"model": "V5"}):
    GenerateMusicOperator(task_id="from_defaults", prompt="{{ params.idea }}", style_weight="{{ params.weight }}")
    MappedOver = GenerateMusicOperator.partial(task_id="mapped", model="V5").expand(prompt=["Rain", "Snow"])


class Lullaby(GenerateMusicOperator):
    """An operator of the user's own, with a parameter of its own."""

    def __init__(self, *, child: str, **kwargs: Any) -> None:
        super().__init__(prompt=f"A lullaby for {child}", **kwargs)


hook = SunoHook("suno_default")
music_task_id: str = hook.generate_music(prompt="Rain", model="V5", instrumental=True)
stems_job_id: str = hook.separate_vocals(music_task_id=music_task_id, audio_id="a", type="separate_vocal")
recovery_job_id: str = hook.recover_music(music_task_id=music_task_id)
enlarged: str = hook.boost_style("Pop")
lrc: str = hook.get_timestamped_lyrics(music_task_id=music_task_id, audio_id="a").lrc()
usable: bool = hook.check_voice(voice_job_id="j")
link: str = hook.get_download_url("https://x/a.mp3")
anything = hook.call("POST", "/api/v1/generate/new-call", {"prompt": "Rain"})
record = hook.get_music_task(music_task_id)
if record is not None:
    titles: list[str | None] = [track.title for track in record.tracks]
persona_id: str = hook.generate_persona(
    music_task_id=music_task_id, audio_id="a", name="Rain", description="Soft"
).persona_id
trigger = MusicTaskTrigger("music-task", suno_conn_id="suno_default", until="first", deadline=1e9)


def test_of_a_user(suno_simulator: SunoSimulator) -> None:
    suno_simulator.fail("/api/v1/generate", kind="code", code=430, times=None)
    suno_simulator.order("wav", stuck=True)
    suno_simulator.balance = 7.5
    with simulated_suno(profile="kie", credits=100) as kie:
        paid: list[dict[str, Any]] = kie.charges
    print(paid)
