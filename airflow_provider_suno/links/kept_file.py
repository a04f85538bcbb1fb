"""Where a browser shows a kept file."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

_AMAZONS_OWN = re.compile(r"https://s3(\.(?!us-gov-)[a-z0-9-]+)?\.amazonaws\.com")
_GOOGLES_OWN = "https://storage.googleapis.com/"


def kept_file_url(uri: str, *, dag_id: str, run_id: str, task_id: str, map_index: int) -> str | None:
    """
    Return the page that shows a kept file to a person, ``None`` where none is known.

    Of a file in Amazon S3 or Google Cloud Storage it is the page of their consoles. A server that only speaks the same
    protocol has no such page.

    :param uri: the file, as the XCom ``files`` names it.
    :param dag_id: of the task instance that has kept it.
    :param run_id: of the task instance.
    :param task_id: of the task instance.
    :param map_index: of the task instance; -1 if it is not mapped.
    """
    del dag_id, run_id, task_id, map_index
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
