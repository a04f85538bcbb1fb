"""Write lyrics, sing them, and make all that a release needs: stems, WAV files, cover art, videos, kept in a bucket."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, XComArg, task

from airflow_provider_suno.operators.conversions import (
    ConvertToWavOperator,
    CreateMusicVideoOperator,
    GenerateCoverArtOperator,
    SeparateVocalsOperator,
)
from airflow_provider_suno.operators.lyrics import GenerateLyricsOperator
from airflow_provider_suno.operators.music import GenerateMusicOperator
from airflow_provider_suno.sensors.music_task import MusicTaskSensor

with DAG(
    dag_id="suno_pipeline",
    schedule=None,
    tags=["suno"],
    params={
        "about": "A harbour town that waits for spring",
        "style": "folk, accordion, warm voice",
        "model": "V5",
        "bucket": str(Path(tempfile.gettempdir()) / "suno" / "bucket"),
    },
    doc_md="""
### From lyrics to a release

`lyrics` writes several variants, and `choose` takes the first. `song` sings it in custom mode, `wait` waits for its
tracks. Then everything else is made of them, side by side: the stems, a WAV file and a video of each track, and cover
art for the song. Each task keeps its files in `bucket` before it succeeds: a local folder by default, in production
something like `s3://aws_default@bucket/songs`.

Each of these jobs is paid for once: a retry or a clear of a task that could not keep its files fetches only what is
missing.
""",
):
    lyrics = GenerateLyricsOperator(task_id="lyrics", prompt="{{ params.about }}", deferrable=True)

    @task
    def choose(variants: list[dict[str, Any]]) -> dict[str, str]:
        """Return the title and the text of the first variant that has a text."""
        variant = next(each for each in variants if each["text"])
        return {"title": variant["title"] or "Untitled", "text": variant["text"]}

    chosen: Any = choose(XComArg(lyrics, key="lyrics"))

    song = GenerateMusicOperator(
        task_id="song",
        custom_mode=True,
        title=chosen["title"],
        style="{{ params.style }}",
        prompt=chosen["text"],
        model="{{ params.model }}",
    )

    wait = MusicTaskSensor(
        task_id="wait", music_task_id=song.output, keep_at="{{ params.bucket }}/tracks", deferrable=True
    )

    SeparateVocalsOperator.partial(
        task_id="stems", music_task_id=song.output, keep_at="{{ params.bucket }}/stems", deferrable=True
    ).expand(audio_id=wait.output)

    ConvertToWavOperator.partial(
        task_id="wav", music_task_id=song.output, keep_at="{{ params.bucket }}/wav", deferrable=True
    ).expand(audio_id=wait.output)

    CreateMusicVideoOperator.partial(
        task_id="video", music_task_id=song.output, keep_at="{{ params.bucket }}/videos", deferrable=True
    ).expand(audio_id=wait.output)

    cover_art = GenerateCoverArtOperator(
        task_id="cover_art", music_task_id=song.output, keep_at="{{ params.bucket }}/covers", deferrable=True
    )

    # Cover art is made of a finished song, and `song` does not wait for it.
    wait >> cover_art
