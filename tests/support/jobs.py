"""Jobs by their ids, for tests."""

from __future__ import annotations

from airflow_provider_suno.api.endpoints.music import KIND as MUSIC
from airflow_provider_suno.api.jobs import JobRef

__all__ = ["MUSIC", "music"]


def music(music_task_id: str) -> JobRef:
    """Return a music task."""
    return JobRef(MUSIC, music_task_id)
