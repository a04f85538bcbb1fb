"""
The assets of the Suno API: ``suno://CONNECTION/music`` and ``suno://CONNECTION/personas``.

A Dag that is scheduled on ``music("suno_default")`` starts when a song is finished: by a task that waits for it and has
that asset in its ``outlets``, or by a callback about a job that no task waits for. (A task that does not wait raises
the event of its ``outlets`` when it has submitted, since Airflow does that at the success of any task.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import SplitResult, quote

if TYPE_CHECKING:
    from airflow.sdk import Asset

    from airflow_provider_suno.api.endpoints.music import MusicTask, Track
    from airflow_provider_suno.api.jobs import JobRef
    from airflow_provider_suno.api.record import JobRecord

SCHEME = "suno"
_NOUNS = ("music", "personas")


def music(suno_conn_id: str = "suno_default") -> Asset:
    """
    Return the asset of an account's finished songs.

    The ``extra`` of its events: ``music_task_id``, ``audio_ids``, ``titles``, ``audio_urls`` (lists, one item for each
    track), ``persona_id`` and, if they were kept, ``files`` (URIs).

    :param suno_conn_id: the connection, which stands for the account.
    """
    return create_asset(suno_conn_id=suno_conn_id, noun="music")


def personas(suno_conn_id: str = "suno_default") -> Asset:
    """
    Return the asset of an account's personas; the ``extra`` of its events has ``persona_id`` and ``audio_ids``.

    :param suno_conn_id: the connection, which stands for the account.
    """
    return create_asset(suno_conn_id=suno_conn_id, noun="personas")


def music_extra(record: MusicTask, tracks: Sequence[Track]) -> dict[str, Any]:
    """Return the ``extra`` of an event about finished tracks."""
    return {
        "music_task_id": record.music_task_id,
        "audio_ids": [track.audio_id for track in tracks],
        "titles": [track.title for track in tracks],
        "audio_urls": [track.audio_url for track in tracks],
        "persona_id": record.persona_id,
    }


def job_extra(job: JobRef, record: JobRecord) -> dict[str, Any]:
    """Return the ``extra`` of an event about a finished job, given the record that is delivered."""
    if job.kind.name == "music":
        music_task = cast("MusicTask", record)
        return music_extra(music_task, music_task.playable)
    return {"kind": job.kind.name, "job_id": job.id}


def persona_extra(persona: Mapping[str, Any]) -> dict[str, Any]:
    """Return the ``extra`` of an event about a persona."""
    return {
        "persona_id": persona["persona_id"],
        "music_task_id": persona.get("music_task_id"),
        "audio_ids": [persona.get("audio_id")],
    }


def music_uri(suno_conn_id: str) -> str:
    """Return the URI of :func:`music`."""
    return _uri(suno_conn_id, "music")


def create_asset(*, suno_conn_id: str, noun: str, extra: dict[str, Any] | None = None) -> Asset:
    """
    Return an asset by the parts of its URI; Airflow calls it for this scheme.

    :param noun: ``music`` or ``personas``.
    """
    from airflow.providers.common.compat.sdk import Asset

    if noun not in _NOUNS:
        raise ValueError(f"noun: must be one of {_NOUNS}, got {noun!r}")
    return Asset(uri=_uri(suno_conn_id, noun), extra=extra or {})


def _uri(suno_conn_id: str, noun: str) -> str:
    return f"{SCHEME}://{quote(suno_conn_id, safe='')}/{noun}"


def sanitize_uri(uri: SplitResult) -> SplitResult:
    """
    Return a ``suno://`` URI in its normal form; Airflow calls it for each such asset.

    :raises ValueError: when it names no connection, or neither ``music`` nor ``personas``.
    """
    noun, _, item = uri.path.strip("/").partition("/")
    if not uri.netloc or noun not in _NOUNS:
        raise ValueError(
            f"a suno:// URI is suno://CONNECTION/music or suno://CONNECTION/personas, not {uri.geturl()!r}"
        )
    if uri.query or uri.fragment:
        raise ValueError("a suno:// URI has neither a query nor a fragment")
    return uri._replace(path=f"/{noun}/{item}" if item else f"/{noun}")


def convert_asset_to_openlineage(asset: Asset, lineage_context: Any) -> Any:  # noqa: ARG001  # Airflow's signature
    """Return the OpenLineage dataset of a ``suno://`` asset; Airflow calls it for this scheme."""
    from airflow.providers.common.compat.openlineage.facet import Dataset

    address, _, name = asset.uri.removeprefix(f"{SCHEME}://").partition("/")
    return Dataset(namespace=f"{SCHEME}://{address}", name=name)
