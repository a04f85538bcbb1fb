"""Check and open the sources of uploads; the defaults of downloads."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_suno.api.fields import blank_is_none, checked_url
from airflow_provider_suno.api.text import excerpt, printable
from airflow_provider_suno.exceptions import SunoValidationError

if TYPE_CHECKING:
    from airflow.sdk import ObjectStoragePath

    from airflow_provider_suno.http.uploads import Readable

    FileSource = str | os.PathLike[str] | ObjectStoragePath

DEFAULT_NAME = "{title}-{audio_id}"
"""The name of a kept file."""

MOST_BYTES = 500_000_000
"""The size at which a file is refused, unless the user says otherwise: some 45 minutes of WAV."""

METHODS = ("stream", "base64", "url")


def open_source(source: Any, method: str | None) -> tuple[str | Readable, str]:
    """
    Return the source (a URL that the service fetches, or a file to send) and the method.

    :param source: a path, an ``ObjectStoragePath`` or its URL, or an http(s) URL.
    :param method: one of ``METHODS``, or ``None`` to choose by the source.
    :raises SunoValidationError: when one of them is wrong, or they do not fit together.
    """
    method = check_method(method)
    url = check_source(source, method)
    return (_path(source), method or "stream") if url is None else (url, "url")


def check_texts(**texts: Any) -> None:
    """
    Check that parameters are printable text or ``None``.

    :raises SunoValidationError: names the first that is not.
    """
    for name, value in texts.items():
        if value is not None and not (isinstance(value, str) and value.strip().isprintable()):
            raise SunoValidationError(f"{name}: must be text, got {excerpt(value)}.")


def check_method(method: Any) -> str | None:
    """
    Return the method; ``None`` when the source decides.

    :raises SunoValidationError: when it is not one of ``METHODS``.
    """
    method = blank_is_none(method)
    if method is not None and method not in METHODS:
        raise SunoValidationError(f"method: must be one of {METHODS}, got {excerpt(method)}.")
    return None if method is None else str(method)


def check_source(source: Any, method: str | None) -> str | None:
    """
    Check a source without reading from the disk or the network.

    :param method: what :func:`check_method` returned.
    :return: its URL if the service fetches it, else ``None``.
    :raises SunoValidationError: when they do not fit together, or the source is neither a path nor a URL.
    """
    if isinstance(source, str) and source.strip().lower().startswith(("http://", "https://")):
        if method not in (None, "url"):
            raise SunoValidationError(f"method: {method!r} sends a file, but the source is a URL: use 'url'.")
        return _url(source.strip())
    if method == "url":
        raise SunoValidationError(f"method: 'url' needs an http or https URL as source, got {excerpt(source, 200)}.")
    if not (source.strip() if isinstance(source, str) else isinstance(source, os.PathLike) or _is_readable(source)):
        raise SunoValidationError(f"source: must be a path or a URL, got {excerpt(source)}.")
    return None


def _url(source: str) -> str:
    scheme, _, rest = source.partition(":")
    try:
        return checked_url(f"{scheme.lower()}:{rest}")
    except ValueError as problem:
        raise SunoValidationError(f"source: {problem}, got {excerpt(source, 200)}.") from None


def _path(source: Any) -> Readable:
    from airflow_provider_suno.http.uploads import STORAGE_HINT

    shown = excerpt(source, 200)
    try:
        if isinstance(source, str) and "://" in source:
            from airflow.providers.common.compat.sdk import ObjectStoragePath

            opened: Readable = ObjectStoragePath(source)
            return opened
        return source if _is_readable(source) else Path(source).expanduser()
    except (ValueError, ImportError) as error:
        reason = printable(str(error), 300)
        raise SunoValidationError(f"source: {shown} cannot be opened ({reason}).{STORAGE_HINT}") from error
    except (RuntimeError, TypeError) as error:  # an unknown user's home, or bytes
        raise SunoValidationError(f"source: {shown} is not a path ({printable(str(error), 300)}).") from error


def _is_readable(source: Any) -> bool:
    """Return whether it has ``open`` and ``stat``, as an ``ObjectStoragePath`` has."""
    return hasattr(source, "open") and hasattr(source, "stat")
