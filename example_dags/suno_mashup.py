"""Upload two recordings, and blend them into one song."""

from __future__ import annotations

import math
import tempfile
import wave
from pathlib import Path

from airflow.sdk import DAG, Param, task

from airflow_provider_suno.operators.files import UploadFileOperator
from airflow_provider_suno.operators.music import GenerateMashupOperator

with DAG(
    dag_id="suno_mashup",
    schedule=None,
    tags=["suno"],
    params={
        "sources": Param(
            None,
            type=["null", "array"],
            items={"type": "string"},
            title="Two recordings",
            description="Local paths, object-storage URLs or public URLs. Empty: two tones that this Dag makes.",
        ),
        "prompt": "A lively mixture of both, with hand claps",
        "model": "V5",
        "folder": str(Path(tempfile.gettempdir()) / "suno" / "mashups"),
    },
    doc_md="""
### A mashup

`upload` sends each recording and returns its URL; the service keeps the files for 3 days. `mashup` submits a song of
the two, which costs credits, waits for it in the triggerer, and keeps its tracks in `folder`.
""",
):

    @task
    def recordings(params: dict[str, list[str] | None]) -> list[str]:
        """Return the recordings named in the params, or write two tones to files."""
        if params["sources"]:
            return params["sources"]
        # Local paths work only where one machine runs all tasks; elsewhere use an object storage.
        folder = Path(tempfile.mkdtemp(prefix="suno-mashup-"))
        paths = []
        for name, pitch in (("hum", 220), ("whistle", 880)):
            with wave.open(str(folder / f"{name}.wav"), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(1)
                file.setframerate(8000)
                moments = (n * 2 * math.pi * pitch / 8000 for n in range(10 * 8000))
                file.writeframes(bytes(round(128 + 60 * math.sin(moment)) for moment in moments))
            paths.append(str(folder / f"{name}.wav"))
        return paths

    upload = UploadFileOperator.partial(task_id="upload").expand(source=recordings())

    GenerateMashupOperator(
        task_id="mashup",
        upload_url_list=upload.output,
        prompt="{{ params.prompt }}",
        model="{{ params.model }}",
        keep_at="{{ params.folder }}",
        deferrable=True,
    )
