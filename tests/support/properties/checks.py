"""What must hold of every error that a reader sees, and of every value that is kept."""

from __future__ import annotations

import json
import math
import unicodedata
from typing import Any

from airflow_provider_suno.exceptions import SunoError

LONGEST_MESSAGE = 6000
LONGEST_ID = 512


def check_error(error: SunoError, *, lines: bool = False) -> None:
    """
    Check that an error can be shown and stored as it is: bounded, and nothing in it forges a line of a log.

    :param lines: whether the message may have several lines, as the list of what is wrong with a request does.
    """
    message = error.message
    assert type(message) is str
    assert message.strip()
    assert str(error) == message
    assert len(message) <= LONGEST_MESSAGE, f"{len(message)} characters"
    check_plain(message.replace("\n  ", " ") if lines else message)
    assert error.code is None or (type(error.code) is int and abs(error.code) < 10**10), error.code
    after = error.retry_after
    assert after is None or (type(after) in (int, float) and math.isfinite(after) and after >= 0), after
    assert error.music_task_id is None or type(error.music_task_id) is str
    json.dumps([message, error.code, after, error.music_task_id], allow_nan=False).encode()


def check_plain(text: str) -> None:
    """Check that a text holds no control characters, no overrides of the direction, and nothing that is no text."""
    if text.isascii() and text.isprintable():
        return
    strange = {c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
    assert not strange, f"{strange} in {text!r}"


def check_storable(value: Any) -> None:
    """Check that a value goes through JSON unchanged, and into a database: no NaN, no NUL, no half characters."""
    text = json.dumps(value, allow_nan=False, ensure_ascii=False)
    text.encode()
    assert "\\u0000" not in text.replace("\\\\", "")  # a backslash of its own may stand before "u0000"
    assert json.loads(text) == value


def check_id(value: Any) -> None:
    """Check that an id is one: it can stand in a log, in a URL, and in a message."""
    assert type(value) is str
    assert value == value.strip() != ""
    assert len(value) <= LONGEST_ID
    check_plain(value)
