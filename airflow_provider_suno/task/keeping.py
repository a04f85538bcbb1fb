"""Keep finished music as part of a task: fetch it, push what was kept, and tell the task's outlets."""

from __future__ import annotations

import os
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from airflow_provider_suno.exceptions import SunoDownloadError, SunoValidationError

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_suno.hooks.keep_options import KeptFile
    from airflow_provider_suno.hooks.suno import SunoHook
    from airflow_provider_suno.polling.outcome import Outcome

FILES_KEY = "files"
"""The XCom that lists the kept files."""

FREE = "Fetching is free: retry or clear this task to keep what is missing."
"""The way on for a task that does not pay."""


def as_template(destination: Any) -> Any:
    """Return a local path as text, as a template field must be: Airflow 3.0 would call the path's own ``resolve``."""
    return os.fspath(destination) if isinstance(destination, PurePath) else destination


def keep_music(
    context: Context,
    hook: SunoHook,
    music_task: Any,
    destination: Any,
    *,
    parameter: str = "keep_at",
    way_on: str = FREE,
    **options: Any,
) -> list[KeptFile]:
    """
    Keep the tracks of a finished music task; push ``files``, and put them into the events of the task's outlets.

    :param music_task: its record, or its id.
    :param destination: where to keep them.
    :param parameter: what the task calls the destination.
    :param way_on: what to do when something could not be kept, for the error's message.
    :param options: those of :meth:`~airflow_provider_suno.hooks.suno.SunoHook.download`.
    """
    from airflow_provider_suno.hooks.storage import open_folder
    from airflow_provider_suno.lineage.files import add_to_alias_events
    from airflow_provider_suno.lineage.openlineage import song_uri
    from airflow_provider_suno.lineage.outlets import add_to_outlet_events

    try:
        files = hook.download(music_task, open_folder(destination, parameter), **options)
    except (SunoDownloadError, SunoValidationError) as error:
        error.message = f"{error.message} {way_on}".rstrip()
        error.args = (error.message,)
        raise
    used = [song_uri(hook.suno_conn_id, music_task_id) for music_task_id in {file.music_task_id for file in files}]
    task: Any = context.get("task")
    if task is not None:  # a user's own unit test may leave it out
        task.add_lineage(used=used, made=[file.uri for file in files])
    listed = [file.to_dict() for file in files]
    context["ti"].xcom_push(key=FILES_KEY, value=listed)
    if files:
        music_task_id = files[0].music_task_id
        extra = {"music_task_id": music_task_id, "files": [file.uri for file in files]}
        add_to_outlet_events(context, extra, hook.log)
        try:
            add_to_alias_events(context, music_task_id, listed)
        except Exception as problem:  # noqa: BLE001  # the music is kept, and nothing is mended by failing
            hook.log.warning("the kept files are no assets of this task's alias: %r", problem)
    return files


def keep_usable_part(context: Context, hook: SunoHook, outcome: Outcome, destination: Any) -> None:
    """Keep the playable tracks of a failed job, if there are any; only log trouble, since the job's error follows."""
    if outcome.record is None:
        return
    way_on = f"A DownloadMusicOperator with {outcome.job.as_parameter} keeps them; nothing is charged for that."
    try:
        keep_music(context, hook, outcome.record, destination, way_on=way_on)
    except Exception as problem:  # noqa: BLE001  # whatever it is, the job's error says more
        hook.log.warning("the playable tracks of %s could not be kept: %s", outcome.job, problem)
