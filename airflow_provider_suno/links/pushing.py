"""Push the links of a task instance, as soon as they are known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_suno.links.kept_file import kept_file_url
from airflow_provider_suno.links.suno import AudioLink, CoverLink, KeptFileLink, LogLink, SunoLink, VideoLink

if TYPE_CHECKING:
    from airflow_provider_suno.api.media_types import Content
    from airflow_provider_suno.api.record import JobRecord

_OF_CONTENT: Mapping[Content, type[SunoLink]] = {"audio": AudioLink, "picture": CoverLink, "video": VideoLink}


def push_log_link(context: Any, page: str | None, log: Any) -> None:
    """Push the link to the page of the service that lists the account's jobs, if the host has one."""
    _push(context, LogLink, page, log)


def push_record_links(context: Any, record: JobRecord, log: Any) -> None:
    """Push the links to what a job has made: to the first track and its cover, or to the first file of each kind."""
    from airflow_provider_suno.api.endpoints.music import MusicTask

    if isinstance(record, MusicTask):
        for track in record.tracks[:1]:
            push_track_links(context, track, log)
        return
    found: dict[Content, str] = {}
    for file in record.files():
        found.setdefault(file.content, file.url)
    for content, url in found.items():
        _push(context, _OF_CONTENT[content], url, log)


def push_track_links(context: Any, track: Any, log: Any) -> None:
    """Push the links to a track and to its cover."""
    _push(context, AudioLink, track.audio_url, log)
    _push(context, CoverLink, track.image_url or track.source_image_url, log)


def push_file_link(context: Any, url: str | None, log: Any) -> None:
    """Push the link to an audio file."""
    _push(context, AudioLink, url, log)


def push_kept_link(context: Any, files: Iterable[Mapping[str, Any]], log: Any) -> None:
    """
    Push the link to the first kept file, an audio file if there is one, where a browser shows it.

    :param files: what the XCom ``files`` holds.
    """
    ordered = sorted(enumerate(files), key=lambda numbered: not str(numbered[1]["media_type"]).startswith("audio/"))
    for index, file in ordered[:1]:
        ti = context["ti"]
        try:
            url = kept_file_url(
                file["uri"],
                dag_id=ti.dag_id,
                run_id=ti.run_id,
                task_id=ti.task_id,
                map_index=-1 if ti.map_index is None else ti.map_index,
                index=index,
            )
        except Exception as problem:  # noqa: BLE001  # as in _push
            log.warning("no link to the kept file %s: %r", file["uri"], problem)
        else:
            _push(context, KeptFileLink, url, log)


def _push(context: Any, link: type[SunoLink], url: str | None, log: Any) -> None:
    """Push a link; only log trouble, since what it leads to is paid for."""
    if not url:
        return
    try:
        _push_as_it_is(context["ti"], link().xcom_key, url)
    except Exception as problem:  # noqa: BLE001
        log.warning("the link %r could not be pushed: %r", link.name, problem)


def _push_as_it_is(ti: Any, key: str, url: str) -> None:
    """Push an XCom past a custom backend: the UI reads links from Airflow's own database."""
    from airflow.sdk.bases.xcom import BaseXCom
    from airflow.sdk.execution_time.xcom import XCom

    if XCom is BaseXCom:
        ti.xcom_push(key=key, value=url)
        return
    map_index = -1 if ti.map_index is None else ti.map_index
    place = {"dag_id": ti.dag_id, "run_id": ti.run_id, "task_id": ti.task_id, "map_index": map_index}
    XCom._set_xcom_in_db(key=key, value=url, **place)
