"""Convert the service's loosely typed values; each function returns ``None`` for a value that it cannot read."""

from __future__ import annotations

import math
import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pendulum

LONGEST_ID = 255
LONGEST_STATUS = 100
"""Characters; ids and statuses appear in log lines and messages."""

_EPOCH_MILLISECONDS_FROM = 1e11
_LARGEST_CODE = 10**9
_LONGEST_TIME = 64
_NOT_STORABLE = "[\x00\ud800-\udfff]"
"""Characters that UTF-8 or a database rejects."""

_MISSING_NAMES = ("None", "null", "undefined")
_MISSING_FILE = r"(?i)((none|null|undefined)([_-]\d+)?)?(\.\w*)?$|forbidden\.\w*$"
"""Placeholders that programs write into a URL when a name is missing."""


def readable_id(value: Any) -> str | None:
    """Return an id, stripped; ``None`` if it is too long or unprintable for a URL and a log."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**LONGEST_ID:
        value = str(value)
    if not isinstance(value, str):
        return None
    value = value.strip()
    return value if value.isprintable() and 0 < len(value) <= LONGEST_ID else None


def is_code(value: Any) -> bool:
    """Return whether a value can be a code of the service, known or not."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < _LARGEST_CODE


def text_of(value: Any) -> str | None:
    """Return a text that can be stored; a list of texts is joined by commas."""
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        value = ", ".join(value)
    if isinstance(value, str):
        return re.sub(_NOT_STORABLE, "\ufffd", value) if value.strip() else None
    return None if number_of(value) is None else str(value)


def url_of(value: Any) -> str | None:
    """Return an http(s) URL, stripped."""
    if not isinstance(value, str) or not re.match(r"https?://[^\s/]", value.strip(), re.IGNORECASE):
        return None
    return value.strip() if value.strip().isprintable() else None


def media_url_of(value: Any) -> str | None:
    """Return the URL of an audio file or a picture; ``None`` for a placeholder."""
    url = url_of(value)
    try:
        parts = urlsplit(url or "")
    except ValueError:
        return None
    path = parts.path.rstrip("/")
    file = path.rpartition("/")[2]
    if path.lower().endswith("/api/forbidden"):
        return None
    if file:
        return None if re.match(_MISSING_FILE, file) else url
    names = [value for _, value in parse_qsl(parts.query)]
    return None if not names or any(name in _MISSING_NAMES for name in names) else url


def number_of(value: Any) -> float | None:
    """Return a finite number; text is converted."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def seconds_of(value: Any) -> float | None:
    """Return a duration in seconds."""
    number = number_of(value)
    return number if number is not None and number >= 0 else None


def code_of(value: Any) -> int | None:
    """Return a code of the service."""
    number = whole_number_of(value)
    return number if number and is_code(number) else None


def whole_number_of(value: Any) -> int | None:
    """Return a number, rounded towards zero."""
    number = number_of(value)
    return None if number is None else int(number)


def time_of(value: Any) -> pendulum.DateTime | None:
    """Return a point in time, given as epoch seconds, epoch milliseconds or ISO 8601."""
    if isinstance(value, pendulum.DateTime):
        return value
    number = number_of(value)
    try:
        if number is not None:
            return pendulum.from_timestamp(number / 1000 if number >= _EPOCH_MILLISECONDS_FROM else number)
        if isinstance(value, str) and len(value) <= _LONGEST_TIME:
            parsed = pendulum.parse(value)
            return parsed if isinstance(parsed, pendulum.DateTime) else None
    except (ValueError, OverflowError, OSError, TypeError):
        pass
    return None
