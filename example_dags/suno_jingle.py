"""Make a jingle: a short sound with a tempo and a key."""

from __future__ import annotations

import tempfile
from pathlib import Path

from airflow.sdk import DAG

from airflow_provider_suno.operators.music import GenerateSoundsOperator

with DAG(
    dag_id="suno_jingle",
    schedule=None,
    tags=["suno"],
    params={
        "prompt": "A short, bright marimba jingle for the morning news",
        "model": "V5",
        "tempo": 120,
        "key": "C",
        "folder": str(Path(tempfile.gettempdir()) / "suno" / "jingles"),
    },
    doc_md="""
### A jingle

`jingle` asks for a sound rather than a song, at a given tempo (beats a minute) and in a given key. A sound is a music
task like a song: the task waits for it in the triggerer and keeps its tracks in `folder`. With `sound_loop=True` the
result can be repeated without a gap.
""",
):
    GenerateSoundsOperator(
        task_id="jingle",
        prompt="{{ params.prompt }}",
        model="{{ params.model }}",
        sound_tempo="{{ params.tempo }}",
        sound_key="{{ params.key }}",
        keep_at="{{ params.folder }}",
        deferrable=True,
    )
