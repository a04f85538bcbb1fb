"""Where the files come from that are uploaded."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_suno.api.request_fields import blank_is_none, checked_url
from airflow_provider_suno.api.shown import plain, shown
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
    chosen = check_method(source, method)
    return (_url(source.strip()) if _is_url(source) else _path(source)), chosen


def check_method(source: Any, method: Any) -> str:
    """
    Return how to upload; touches neither the disk nor the network.

    :param source: what to upload.
    :param method: one of ``METHODS``, or ``None`` to choose by the source.
    :raises SunoValidationError: when it is none, or does not fit the source.
    """
    method = blank_is_none(method)
    if method is not None and method not in METHODS:
        raise SunoValidationError(f"method: must be one of {METHODS}, got {shown(method)}.")
    if _is_url(source):
        if method not in (None, "url"):
            raise SunoValidationError(f"method: {method!r} sends a file, but the source is a URL: leave it to 'url'.")
        return "url"
    if method == "url":
        raise SunoValidationError(f"method: 'url' needs an http or https URL as the source, got {shown(source, 200)}.")
    return method or "stream"


def _is_url(source: Any) -> bool:
    return isinstance(source, str) and source.strip().lower().startswith(("http://", "https://"))


def _url(source: str) -> str:
    scheme, _, rest = source.partition(":")
    try:
        return checked_url(f"{scheme.lower()}:{rest}")
    except ValueError as problem:
        raise SunoValidationError(f"source: {problem}, got {shown(source, 200)}.") from None


def _path(source: Any) -> Readable:
    if isinstance(source, str) and source.strip():
        if "://" not in source:
            return _local(source)
        from airflow.providers.common.compat.sdk import ObjectStoragePath

        try:
            opened: Readable = ObjectStoragePath(source)
        except (ValueError, ImportError) as error:
            raise SunoValidationError(
                f"source: {shown(source, 200)} cannot be opened ({plain(str(error), 300)}).{STORAGE_HINT}"
            ) from error
        return opened
    if hasattr(source, "open") and hasattr(source, "stat"):
        return source  # type: ignore[no-any-return]
    if isinstance(source, os.PathLike):
        return _local(source)
    raise SunoValidationError(f"source: must be a path or a URL, got {shown(source)}.")


def _local(source: str | os.PathLike[str]) -> Path:
    try:
        return Path(source).expanduser()
    except (RuntimeError, TypeError) as error:  # nobody's home, bytes
        raise SunoValidationError(f"source: {shown(source, 200)} is no path ({plain(str(error), 300)}).") from error
