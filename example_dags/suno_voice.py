"""Make a voice of a person's own, who records a phrase meanwhile, and sing a song with it."""

from __future__ import annotations

import math
import tempfile
import wave
from pathlib import Path

from airflow.providers.common.compat.sdk import AirflowOptionalProviderFeatureException
from airflow.sdk import DAG, Param, XComArg, task

from airflow_provider_suno.operators.files import UploadFileOperator
from airflow_provider_suno.operators.music import GenerateMusicOperator
from airflow_provider_suno.operators.voice import CheckVoiceOperator, GenerateVoiceOperator, ValidateVoiceOperator

try:
    from airflow.providers.standard.operators.hitl import HITLEntryOperator
except (ImportError, AirflowOptionalProviderFeatureException):  # before Airflow 3.1: this file has no Dag
    HITLEntryOperator = None  # type: ignore[assignment, misc]


def voice_dag() -> DAG:
    """Return the Dag."""
    with DAG(
        dag_id="suno_voice",
        schedule=None,
        tags=["suno"],
        default_args={"suno_conn_id": "{{ params.connection }}"},
        params={
            "connection": Param("suno_kie", type="string", description="To a host that has voices, such as kie.ai."),
            "sample": Param(
                None,
                type=["null", "string"],
                title="Sample of the voice",
                description="A local path, an object-storage URL or a public URL. Empty: a tone that this Dag makes.",
            ),
            "language": "en",
            "model": "V5",
        },
        doc_md="""
### A voice of your own

`phrase` asks for the words that prove whose voice it is. `record` waits for a person, without a worker: under *Required
Actions* it shows the phrase and takes the recording of it. `voice` makes the voice, and its id goes into `persona_id`
of `song`, with `persona_model="voice_persona"`. `check` asks whether the voice can be used before the song is paid for.

Phrase and voice are free on the hosts whose prices are known; `song` costs credits. A Dag of your own keeps the voice's
id, and the `job_id` of `voice` for `CheckVoiceOperator`, for later songs. If the phrase is hard to sing,
`RegenerateVoicePhraseOperator` asks for another one.
""",
    ) as dag:

        @task
        def sample(params: dict[str, str | None]) -> str:
            """Return the sample named in the params, or write a tone to a file."""
            if params["sample"]:
                return params["sample"]
            # A local path works only where one machine runs all tasks; elsewhere use an object storage.
            path = Path(tempfile.mkdtemp(prefix="suno-voice-")) / "sample.wav"
            with wave.open(str(path), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(1)
                file.setframerate(8000)
                moments = (n * 2 * math.pi * 220 / 8000 for n in range(10 * 8000))
                file.writeframes(bytes(round(128 + 60 * math.sin(moment)) for moment in moments))
            return str(path)

        upload = UploadFileOperator(task_id="upload", source=sample())

        phrase = ValidateVoiceOperator(
            task_id="phrase",
            voice_url=upload.output,
            vocal_start_s=0,
            vocal_end_s=10,
            language="{{ params.language }}",
            deferrable=True,
        )

        record = HITLEntryOperator(
            task_id="record",
            subject="Record a phrase for a voice of your own",
            body="Sing, and record: **{{ ti.xcom_pull('phrase') }}**",
            params={
                "recording": Param(
                    "",
                    type="string",
                    title="Recording",
                    description="A path that the workers can read, an object-storage URL or a public URL.",
                )
            },
        )

        upload_recording = UploadFileOperator(
            task_id="upload_recording", source="{{ ti.xcom_pull('record')['params_input']['recording'] }}"
        )

        voice = GenerateVoiceOperator(
            task_id="voice",
            phrase_job_id=XComArg(phrase, key="job_id"),
            verify_url=upload_recording.output,
            deferrable=True,
        )

        check = CheckVoiceOperator(task_id="check", voice_job_id=XComArg(voice, key="job_id"))

        @task.short_circuit
        def usable(answer: bool) -> bool:
            """Skip the song, which costs credits, if the voice cannot be used."""
            return answer

        song = GenerateMusicOperator(
            task_id="song",
            persona_id=voice.output,
            persona_model="voice_persona",
            title="In My Own Voice",
            style="folk, guitar",
            prompt="I lend my voice to the evening\nand the evening sings along",
            model="{{ params.model }}",
            wait_for_completion=True,
            deferrable=True,
        )

        phrase >> record >> upload_recording
        usable(check.output) >> song
    return dag


if HITLEntryOperator is not None:
    voice_dag()
