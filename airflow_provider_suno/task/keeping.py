"""Keep the files of a finished job as part of a task: fetch them, push what was kept, and tell the task's outlets."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from airflow_provider_suno.exceptions import SunoDownloadError, SunoValidationError

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_suno.api.jobs import JobKind
    from airflow_provider_suno.api.record import JobRecord
    from airflow_provider_suno.hooks.keep_options import KeptFile
    from airflow_provider_suno.hooks.storage import Folder
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
    return _keep(context, hook, partial(hook.download, music_task, **options), destination, parameter, way_on)


def keep_result(
    context: Context, hook: SunoHook, kind: JobKind, record: JobRecord, destination: Any, *, way_on: str
) -> list[KeptFile]:
    """Keep the files of a finished job of any kind, given its record, as :func:`keep_music` does it."""
    return _keep(context, hook, partial(hook.keep_files, record, kind=kind.name), destination, "keep_at", way_on)


def keep_usable_part(context: Context, hook: SunoHook, outcome: Outcome, destination: Any) -> None:
    """Keep the usable files of a failed job, if there are any; only log trouble, since the job's error follows."""
    if outcome.record is None:
        return
    job = outcome.job
    by_hand = f"SunoHook.keep_files with {job.id!r} and kind={job.kind.name!r}"
    if job.kind.name == "music":
        by_hand = f"A DownloadMusicOperator with {job.as_parameter}"
    way_on = f"{by_hand} keeps them; nothing is charged for that."
    try:
        keep_result(context, hook, job.kind, outcome.record, destination, way_on=way_on)
    except Exception as problem:  # noqa: BLE001  # whatever it is, the job's error says more
        hook.log.warning("the usable files of %s could not be kept: %s", job, problem)


def _keep(
    context: Context,
    hook: SunoHook,
    keep: Callable[[Folder], list[KeptFile]],
    destination: Any,
    parameter: str,
    way_on: str,
) -> list[KeptFile]:
    from airflow_provider_suno.hooks.storage import open_folder
    from airflow_provider_suno.lineage.files import add_to_alias_events
    from airflow_provider_suno.lineage.openlineage import song_uri
    from airflow_provider_suno.lineage.outlets import add_to_outlet_events
    from airflow_provider_suno.links.pushing import push_kept_link

    try:
        files = keep(open_folder(destination, parameter))
    except (SunoDownloadError, SunoValidationError) as error:
        error.message = f"{error.message} {way_on}".rstrip()
        error.args = (error.message,)
        raise
    used = [song_uri(hook.suno_conn_id, found) for found in {file.music_task_id for file in files} if found]
    task: Any = context.get("task")
    if task is not None:  # a user's own unit test may leave it out
        task.add_lineage(used=used, made=[file.uri for file in files])
    listed = [file.to_dict() for file in files]
    context["ti"].xcom_push(key=FILES_KEY, value=listed)
    push_kept_link(context, listed, hook.log)
    if files:
        made_by = files[0].made_by
        add_to_outlet_events(context, {**made_by, "files": [file.uri for file in files]}, hook.log)
        try:
            add_to_alias_events(context, made_by, listed)
        except Exception as problem:  # noqa: BLE001  # the files are kept, and nothing is mended by failing
            hook.log.warning("the kept files are no assets of this task's alias: %r", problem)
    return files
