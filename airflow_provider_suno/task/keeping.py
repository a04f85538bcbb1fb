"""Keep finished music as part of a task: fetch it, push what was kept, and tell the task's outlets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_suno.hooks.keep_options import KeptFile
    from airflow_provider_suno.hooks.suno import SunoHook

FILES_KEY = "files"
"""The XCom that lists the kept files."""


def keep_music(context: Context, hook: SunoHook, music_task: Any, destination: Any, **options: Any) -> list[KeptFile]:
    """
    Keep the tracks of a finished music task; push ``files``, and put them into the events of the task's outlets.

    :param music_task: its record, or its id.
    :param options: those of :meth:`~airflow_provider_suno.hooks.suno.SunoHook.download`.
    """
    from airflow_provider_suno.lineage.files import add_to_outlet_events

    files = hook.download(music_task, destination, **options)
    listed = [file.to_dict() for file in files]
    context["ti"].xcom_push(key=FILES_KEY, value=listed)
    if files:
        add_to_outlet_events(context, files[0].music_task_id, listed)
    return files
