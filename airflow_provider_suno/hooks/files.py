"""Where the files come from that are uploaded."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_suno.api.request_fields import blank_is_none
from airflow_provider_suno.exceptions import SunoValidationError
from airflow_provider_suno.upload import STORAGE_HINT, Readable

if TYPE_CHECKING:
    from airflow.sdk import ObjectStoragePath

    FileSource = str | os.PathLike[str] | ObjectStoragePath

METHODS = ("stream", "base64", "url")


def open_source(source: Any, method: str | None) -> tuple[str | Readable, str]:
    """
    Return what to upload (a URL that the service fetches, or a file to send) and how.

    :param source: a path, an ``ObjectStoragePath`` or its URL, or an http(s) URL.
    :param method: one of ``METHODS``, or ``None`` to choose by the source.
    :raises SunoValidationError: when the two do not fit, or the source is none of these.
    """
    method = blank_is_none(method)
    if method is not None and method not in METHODS:
        raise SunoValidationError(f"method: must be one of {METHODS}, got {method!r:.100}.")
    if isinstance(source, str) and source.strip().lower().startswith(("http://", "https://")):
        if method not in (None, "url"):
            raise SunoValidationError(f"method: {method!r} sends a file, but the source is a URL: leave it to 'url'.")
        return source.strip(), "url"
    if method == "url":
        raise SunoValidationError(f"method: 'url' needs an http or https URL as the source, got {source!r:.200}.")
    return _path(source), method or "stream"


def _path(source: Any) -> Readable:
    if isinstance(source, str) and source.strip():
        if "://" not in source:
            return Path(source).expanduser()
        from airflow.providers.common.compat.sdk import ObjectStoragePath

        try:
            opened: Readable = ObjectStoragePath(source)
        except (ValueError, ImportError) as error:
            raise SunoValidationError(f"source: {source!r:.200} cannot be opened ({error}).{STORAGE_HINT}") from error
        return opened
    if hasattr(source, "open") and hasattr(source, "stat"):
        return source  # type: ignore[no-any-return]
    if isinstance(source, os.PathLike):
        return Path(source)
    raise SunoValidationError(f"source: must be a path or a URL, got {source!r:.100}.")
