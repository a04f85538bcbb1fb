"""Tell Airflow's lineage which files were kept, and of which music task."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, urlsplit

from airflow.providers.common.compat.sdk import Asset, AssetAlias
from airflow.sdk.definitions.asset import AssetRef


def asset_uri(uri: str) -> str:
    """
    Return the URI of a kept file as an asset's: ASCII, and without the storage's connection.

    :param uri: as ``ObjectStoragePath`` takes it, such as ``s3://aws_default@bucket/a song.mp3``.
    """
    parts = urlsplit(uri.partition("#")[0].partition("?")[0])
    address = uri.removeprefix(f"{parts.scheme}://").removeprefix(f"{parts.netloc.rpartition('@')[0]}@")
    return f"{parts.scheme}://{quote(address, safe='/:@')}"


def report_to_collector(hook: Any, music_task_id: str, uris: Iterable[str]) -> None:
    """Report a music task as an input and its kept files as outputs to the collector of hook-level lineage."""
    from airflow.providers.common.compat.lineage.hook import get_hook_lineage_collector

    collector = get_hook_lineage_collector()  # type: ignore[no-untyped-call]
    collector.add_input_asset(context=hook, uri=f"suno://{hook.suno_conn_id}/music/{quote(music_task_id)}")
    for uri in uris:
        collector.add_output_asset(context=hook, uri=asset_uri(uri))


def add_to_outlet_events(context: Any, music_task_id: str, files: Iterable[dict[str, Any]]) -> None:
    """
    Put kept files into the events of the task's outlets.

    The event of an asset carries them in ``extra``; for an asset alias, each file becomes an asset with an event.
    Other outlets have no events.
    """
    listed = list(files)
    for outlet in context["task"].outlets:
        if isinstance(outlet, AssetAlias):
            for file in listed:
                extra = {"music_task_id": music_task_id, **file}
                context["outlet_events"][outlet].add(Asset(asset_uri(file["uri"])), extra=extra)
        elif isinstance(outlet, (Asset, AssetRef)):
            uris = [file["uri"] for file in listed]
            context["outlet_events"][outlet].extra |= {"music_task_id": music_task_id, "files": uris}
