"""Generate a song and keep it in one task, then put copies with their covers into a bucket."""

from __future__ import annotations

import tempfile
from pathlib import Path

from airflow.sdk import DAG, AssetAlias, XComArg, task

from airflow_provider_suno.operators.files import DownloadMusicOperator
from airflow_provider_suno.operators.music import GenerateMusicOperator
from airflow_provider_suno.sensors.credits import CreditsSensor

FOLDER = Path(tempfile.gettempdir()) / "suno"

with DAG(
    dag_id="suno_keep",
    schedule=None,
    tags=["suno"],
    params={
        "prompt": "Soft piano for a rainy evening",
        "folder": str(FOLDER / "songs"),
        "bucket": str(FOLDER / "bucket"),
    },
    doc_md="""
### Keep what was made

The service deletes its files after some days. `enough_credits` skips the rest if the account cannot pay. `generate`
makes songs, waits in the triggerer, and keeps them in `folder` before it succeeds. `to_bucket` puts them into `bucket`,
too, with their covers and under other names; in production that is something like `s3://aws_default@bucket/songs`. Each
file becomes an asset, through the alias `suno_songs`. Nothing that is kept is fetched again by a retry or a clear.
""",
):
    enough = CreditsSensor(task_id="enough_credits", at_least=12, timeout=60, soft_fail=True)

    generate = GenerateMusicOperator(
        task_id="generate",
        prompt="{{ params.prompt }}",
        model="V5",
        instrumental=True,
        keep_at="{{ params.folder }}",
        deferrable=True,
    )

    to_bucket = DownloadMusicOperator(
        task_id="to_bucket",
        music_task=XComArg(generate, key="music_task"),
        destination="{{ params.bucket }}",
        name="{music_task_id}/{track} {title}",
        covers=True,
        outlets=[AssetAlias("suno_songs")],
    )

    @task
    def list_files(files: list[dict[str, object]]) -> list[str]:
        """Return a line for each file."""
        return [f"{file['uri']} ({file['size']} bytes)" for file in files]

    enough >> generate
    list_files(XComArg(to_bucket, key="files"))
