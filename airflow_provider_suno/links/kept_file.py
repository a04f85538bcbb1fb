"""Where a browser shows a kept file, or plays it."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from airflow_provider_suno.links.addresses import kept_file_path
from airflow_provider_suno.links.base_path import base_path
from airflow_provider_suno.links.player_roots import NotPermittedError, permitted_address, read_roots

_AMAZONS_OWN = re.compile(r"https://s3(\.(?!us-gov-)[a-z0-9-]+)?\.amazonaws\.com")
_GOOGLES_OWN = "https://storage.googleapis.com/"


def kept_file_url(
    uri: str, *, dag_id: str, run_id: str, task_id: str, map_index: int = -1, index: int = 0
) -> str | None:
    """
    Return where a browser shows a kept file or plays it, ``None`` where that is not known.

    A file below ``[suno] player_roots`` is played by the music player's route. The setting has to be known to the
    worker, too. Of any other file in Amazon S3 or Google Cloud Storage it is the page of their consoles.

    :param uri: the file, as the XCom ``files`` names it.
    :param dag_id: of the task instance that has kept it.
    :param run_id: of the task instance.
    :param task_id: of the task instance.
    :param map_index: of the task instance; -1 if it is not mapped.
    :param index: the file's number in the XCom ``files``, counted from 0.
    """
    if _is_served(uri):
        # Without a host: the player is where the UI is that shows the link.
        return base_path() + kept_file_path(dag_id, run_id, task_id, map_index, index)
    return _page_in_a_console(uri)


def _is_served(uri: str) -> bool:
    from airflow.configuration import conf
    from airflow.plugins_manager import AirflowPlugin

    if not hasattr(AirflowPlugin, "react_apps"):
        return False  # before Airflow 3.1 there is no player, and a click would not be logged in at its route
    roots = read_roots(conf.get("suno", "player_roots", fallback="") or "")
    try:
        return bool(roots and permitted_address(uri, roots))
    except NotPermittedError:
        return False


def _page_in_a_console(uri: str) -> str | None:
    """Return the page of the store's own console; a server that only speaks the same protocol has none."""
    scheme, _, address = uri.partition("://")
    place, _, key = address.partition("/")
    bucket = place.rpartition("@")[2]
    if scheme in ("s3", "s3a") and _AMAZONS_OWN.fullmatch(_s3_address(uri)):
        return f"https://s3.console.aws.amazon.com/s3/object/{quote(bucket)}?prefix={quote(key, safe='')}"
    if scheme in ("gs", "gcs") and _gcs_address(uri).startswith(_GOOGLES_OWN):
        return f"https://console.cloud.google.com/storage/browser/_details/{quote(bucket)}/{quote(key)}"
    return None


def _s3_address(uri: str) -> str:
    """Return the address that the client sends to, which may be in its options, the environment or a file."""
    client = getattr(_files(uri), "_s3", None)
    return str(getattr(getattr(client, "meta", None), "endpoint_url", ""))


def _gcs_address(uri: str) -> str:
    return str(getattr(_files(uri), "base", ""))


def _files(uri: str) -> Any:
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    return ObjectStoragePath(uri).fs
