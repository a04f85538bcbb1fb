"""Put into a message what others wrote: cut to a length, and with nothing in it that could forge a line of a log."""

from __future__ import annotations

import unicodedata
from typing import Any

_STRANGE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Control characters, overrides of the direction and the like, halves of characters, ends of lines."""


def shown(value: Any, limit: int = 100) -> str:
    """
    Return a value as code would write it.

    :param limit: the most characters.
    """
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001  # it is nested too deep, has too many digits, or a class of its own
        text = f"<{type(value).__name__} that cannot be shown>"
    return plain(text, limit)


def plain(text: str, limit: int) -> str:
    """
    Return a text as it is, but for what does not show: that is escaped.

    :param limit: the most characters.
    """
    text = text[: limit + 1]
    if not (text.isascii() and text.isprintable()):
        text = "".join(map(_escaped, text))
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _escaped(character: str) -> str:
    if unicodedata.category(character) in _STRANGE:
        return character.encode("unicode_escape").decode()
    return character
