"""Put into a message what others wrote: cut to a length, and with nothing in it that could forge a line of a log."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

_DEEPEST = 100
"""Lists within lists: nobody reads more of them in a message."""

_STRANGE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Control characters, overrides of the direction and the like, halves of characters, ends of lines."""


def shown(value: Any, limit: int = 100) -> str:
    """
    Return a value as code would write it.

    :param limit: the most characters.
    """
    text = None
    with suppress(Exception):  # it has too many digits, or a class of its own
        if not _is_nested_too_deep(value):
            text = repr(value)
    return plain(f"<{type(value).__name__} that cannot be shown>" if text is None else text, limit)


def _is_nested_too_deep(value: Any) -> bool:
    """Return whether ``repr`` may not get to the end of it: how deep it goes differs by Python version."""
    level = [value]
    for _ in range(_DEEPEST):
        inner = [item for outer in level for item in _items(outer)]
        level = list({id(item): item for item in inner}.values())
        if not level:
            return False
    return True


def _items(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    return value if isinstance(value, (list, tuple, set, frozenset)) else ()


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
