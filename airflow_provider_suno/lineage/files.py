"""Tell Airflow's lineage which files were kept, and of which job."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from airflow.providers.common.compat.sdk import Asset, AssetAlias

from airflow_provider_suno.lineage.openlineage import song_uri


def asset_uri(uri: str) -> str:
    """
    Return the URI of a kept file as an asset's: ASCII, and without the storage's connection.

    :param uri: as ``ObjectStoragePath`` takes it, such as ``s3://aws_default@bucket/a song.mp3``.
    """
    parts = urlsplit(uri.partition("#")[0].partition("?")[0])
    address = uri.removeprefix(f"{parts.scheme}://").removeprefix(f"{parts.netloc.rpartition('@')[0]}@")
    return f"{parts.scheme}://{quote(address, safe='/:@')}"


def report_to_collector(hook: Any, music_task_id: str | None, uris: Iterable[str]) -> None:
    """Report kept files as outputs, and their music task as an input, to the collector of hook-level lineage."""
    from airflow.providers.common.compat.lineage.hook import get_hook_lineage_collector

    collector = get_hook_lineage_collector()  # type: ignore[no-untyped-call]
    if music_task_id is not None:
        collector.add_input_asset(context=hook, uri=song_uri(hook.suno_conn_id, music_task_id))
    for uri in uris:
        collector.add_output_asset(context=hook, uri=asset_uri(uri))


def add_to_alias_events(context: Any, made_by: Mapping[str, Any], files: Iterable[Mapping[str, Any]]) -> None:
    """
    Make each kept file an asset with an event of its own, for each alias in the task's ``outlets``.

    :param made_by: what names the job that has made them.
    """
    listed = list(files)
    for alias in context["task"].outlets:
        if isinstance(alias, AssetAlias):
            for file in listed:
                extra = {**made_by, **file}
                context["outlet_events"][alias].add(Asset(asset_uri(file["uri"])), extra=extra)
