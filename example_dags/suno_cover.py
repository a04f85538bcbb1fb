"""Upload a recording, generate a cover of it in another style, and make a persona of the cover."""

from __future__ import annotations

import math
import tempfile
import wave
from pathlib import Path

from airflow.sdk import DAG, Param, task

from airflow_provider_suno.operators.files import UploadFileOperator
from airflow_provider_suno.operators.music import GenerateMusicOperator, UploadAndCoverAudioOperator
from airflow_provider_suno.operators.persona import GeneratePersonaOperator
from airflow_provider_suno.sensors.music_task import MusicTaskSensor

with DAG(
    dag_id="suno_cover",
    schedule=None,
    tags=["suno"],
    params={
        "source": Param(
            None,
            type=["null", "string"],
            title="Recording",
            description="A local path, an object-storage URL or a public URL. Empty: a tone that this Dag makes.",
        ),
        "model": "V5",
    },
    doc_md="""
### A cover of an uploaded file

`upload` sends the recording and returns its URL; the service keeps the file for 3 days. `cover` submits a new version
of it, which costs credits. `wait` waits in the triggerer. `persona` makes a persona of the cover, and `again` submits a
song with it.
""",
):

    @task
    def recording(params: dict[str, str | None]) -> str:
        """Return the recording named in the params, or write a tone to a file."""
        if params["source"]:
            return params["source"]
        # A local path works only where one machine runs all tasks; elsewhere use an object storage.
        path = Path(tempfile.mkdtemp(prefix="suno-cover-")) / "hum.wav"
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(1)
            file.setframerate(8000)
            file.writeframes(bytes(round(128 + 60 * math.sin(n * 2 * math.pi * 220 / 8000)) for n in range(10 * 8000)))
        return str(path)

    upload = UploadFileOperator(task_id="upload", source=recording())

    cover = UploadAndCoverAudioOperator(
        task_id="cover",
        upload_url=upload.output,
        prompt="As a slow waltz for accordion and strings",
        model="{{ params.model }}",
    )

    wait = MusicTaskSensor(task_id="wait", music_task_id=cover.output, deferrable=True)

    persona = GeneratePersonaOperator(
        task_id="persona",
        music_task_id=cover.output,
        name="The humming accordion",
        description="A voice that hums along with an accordion",
    )

    again = GenerateMusicOperator(
        task_id="again",
        persona_id=persona.output,
        title="The Accordion Again",
        style="waltz, accordion, strings",
        prompt="One two three, the floor is yours\none two three, the night is ours",
        model="{{ params.model }}",
    )

    MusicTaskSensor(task_id="wait_again", music_task_id=again.output, deferrable=True)

    wait >> persona
