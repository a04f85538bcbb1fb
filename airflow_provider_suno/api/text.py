"""Quote foreign text in messages: shortened, and escaped so that it cannot forge log lines."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Any

_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories: control and format characters, surrogates, line and paragraph separators."""

_DEEPEST = 100
"""Levels of nesting that are shown."""


def excerpt(value: Any, limit: int = 100) -> str:
    """
    Return the ``repr`` of a value, shortened; no more of a large or deep value is read than is shown.

    :param limit: the most characters.
    """
    text = ""
    for part in _written(value, limit):
        text += part
        if len(text) > limit:
            break
    return printable(text, limit)


def _written(value: Any, limit: int, depth: int = 0) -> Iterator[str]:
    """Yield the ``repr`` of a value piece by piece."""
    kind = type(value)
    if depth > _DEEPEST:
        yield "…"
    elif kind is dict:
        yield "{"
        for index, (key, item) in enumerate(value.items()):
            yield ", " if index else ""
            yield from _written(key, limit, depth + 1)
            yield ": "
            yield from _written(item, limit, depth + 1)
        yield "}"
    elif kind in (list, tuple):
        yield "[" if kind is list else "("
        for index, item in enumerate(value):
            yield ", " if index else ""
            yield from _written(item, limit, depth + 1)
        yield "]" if kind is list else ",)" if len(value) == 1 else ")"
    else:
        try:
            yield repr(value[: limit + 1] if kind in (str, bytes) else value)
        except Exception:  # noqa: BLE001  # such as an int with too many digits
            yield f"<{kind.__name__} that cannot be shown>"


def printable(text: str, limit: int) -> str:
    """
    Return a text, shortened, with invisible characters escaped.

    :param limit: the most characters.
    """
    text = text[: limit + 1]
    if not (text.isascii() and text.isprintable()):
        text = "".join(map(_escaped, text))
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _escaped(character: str) -> str:
    if unicodedata.category(character) in _INVISIBLE:
        return character.encode("unicode_escape").decode()
    return character
