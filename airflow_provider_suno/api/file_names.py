"""Names of kept files: from a template such as ``{title}-{audio_id}`` to a name that every store takes."""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Mapping
from typing import Any

from airflow_provider_suno.api.text import excerpt
from airflow_provider_suno.exceptions import SunoValidationError

NAME_FIELDS = ("title", "audio_id", "track", "music_task_id", "model", "model_name", "persona_id", "duration", "tags")
"""The fields that a template may have."""

_LONGEST_PART = 190
"""Bytes of one part of a path: file systems take 255, of which extensions and a temporary name need some."""

_LONGEST_VALUES = {"title": 100, "tags": 60}
_LONGEST_VALUE = 80
_REFUSED = re.compile(r'[\x00-\x1f\x7f-\x9f/\\:*?"<>|#%&{}$!\'@+`=~^\[\]]')
"""What a file system, an object store, a URL or a shell gives a meaning of its own."""

_RESERVED = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))}
)
"""Names that Windows keeps for devices."""


def check_name(template: Any) -> str:
    """
    Return a template of names.

    :raises SunoValidationError: when it is not text, has an unknown field, or leaves its folder.
    """
    if not isinstance(template, str) or not template.strip():
        raise SunoValidationError(f"name: must be text such as '{{title}}-{{audio_id}}', got {excerpt(template)}.")
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError as problem:
        raise SunoValidationError(f"name: {excerpt(template, 300)} is not a template: {problem}.") from None
    for _, field, spec, conversion in parts:
        if field is not None and (field not in NAME_FIELDS or spec or conversion):
            raise SunoValidationError(
                f"name: {excerpt('{' + field + '}')} is not a field of a name; use plain "
                f"{', '.join('{' + known + '}' for known in NAME_FIELDS)}."
            )
    folders = template.split("/")
    if template.startswith("/") or any(part.strip() in ("", ".", "..") for part in folders) or "\\" in template:
        raise SunoValidationError(f"name: {excerpt(template, 300)} must be a path within the destination.")
    return template


def file_name(template: str, fields: Mapping[str, Any]) -> str:
    """
    Return the name of a file without its extension, perhaps with folders before it.

    :param template: what :func:`check_name` returned; a ``/`` in it makes a folder, one in a field's value does not.
    :param fields: the values of :data:`NAME_FIELDS`; ``None`` becomes ``untitled`` or ``unknown``.
    """
    values = {name: _value(name, fields.get(name)) for name in NAME_FIELDS}
    return "/".join(_safe_part(part.format_map(values)) for part in template.split("/"))


def job_file_name(*words: str) -> str:
    """
    Return the name of a file that a job has made, without its extension.

    :param words: what it is named by, such as the job's id and what the file is among several.
    """
    return _safe_part("-".join(_value("job_id", word) for word in words))


def with_id(name: str, own_id: str) -> str:
    """Return a name that no other file has, by an id that no other file has."""
    folder, slash, last = name.rpartition("/")
    own = _shortened(_safe(own_id), _LONGEST_VALUE)
    return f"{folder}{slash}{_shortened(last, _LONGEST_PART - len(own.encode()) - 1)}-{own}"


def _value(name: str, value: Any) -> str:
    text = "" if value is None else f"{value:.0f}" if isinstance(value, float) else str(value)
    safe = _shortened(_safe(text), _LONGEST_VALUES.get(name, _LONGEST_VALUE))
    return safe or ("untitled" if name == "title" else "unknown")


def _safe(text: str) -> str:
    """Return a text without characters that mean something to a store; their places show as ``_``."""
    text = unicodedata.normalize("NFC", text.encode(errors="ignore").decode())
    text = "".join("" if unicodedata.category(character) in ("Cf", "Cn", "Co") else character for character in text)
    return re.sub(r"\s+", " ", _REFUSED.sub("_", text)).strip()


def _safe_part(part: str) -> str:
    part = _shortened(_safe(part), _LONGEST_PART).strip(" .")
    device = unicodedata.normalize("NFKC", part.partition(".")[0]).strip().lower()
    return f"_{part}" if not part or device in _RESERVED or part.startswith("-") else part


def _shortened(text: str, longest: int) -> str:
    """Return the first bytes of a text, cut between two characters."""
    return text.encode()[:longest].decode(errors="ignore").rstrip(" .")
