"""Foreign text in our messages: shortened, escaped, and without the key."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest

from airflow_provider_suno.api.text import excerpt, printable
from airflow_provider_suno.http.redaction import Mask

KEY = "sk-Very/secret+key=7"


def nested(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = [value]
    return value


def doubled(times: int) -> Any:
    """Return a small value, all of which would take 2**times characters to write down."""
    value: Any = nested(60)
    for _ in range(times):
        value = [value, value]
    return value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("song — 歌\u3000🎵", "song — 歌\u3000🎵"),
        ("one\nERROR forged", "one\\nERROR forged"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\u202eb", "a\\u202eb"),
        ("half \ud800", "half \\ud800"),
        ("x" * 99, "x" * 9 + "…"),
        ("\n" * 99, "\\n\\n\\n\\n\\…"),
    ],
)
def test_invisible_characters_are_escaped_and_long_texts_shortened(text: str, said: str) -> None:
    assert printable(text, 10 if len(text) > 50 else 100) == said


class Unspeakable:
    def __repr__(self) -> str:
        raise OSError("no words")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"a": "b\n"}, "{'a': 'b\\n'}"),
        ([b"b", ("t",), (1, 2), (), [], {}, {3}], "[b'b', ('t',), (1, 2), (), [], {}, {3}]"),
        (nested(5000), "[" * 99 + "…"),
        (doubled(50), "[" * 99 + "…"),
        (10**5000, "<int that cannot be shown>"),
        ([Unspeakable()], "[<Unspeakable that cannot be shown>]"),
    ],
    ids=["a dict", "each kind", "too deep", "too often the same", "too many digits", "its own fault"],
)
def test_any_value_can_be_shown(value: Any, said: str) -> None:
    assert excerpt(value) == said


def test_nesting_is_cut_at_a_hundred_levels() -> None:
    assert excerpt(nested(5000), 5000) == "[" * 101 + "…" + "]" * 101


@pytest.mark.parametrize(
    "echo",
    [
        KEY,
        quote(KEY, safe=""),
        "sk-Very%2fsecret%2bkey%3d7",
        quote(quote(KEY, safe="")),
        "".join(f"\\u{ord(character):04X}" for character in KEY),
        json.dumps(json.dumps(KEY)),
        KEY.replace("/", "\\/"),
        base64.b64encode(f"Bearer {KEY}".encode()).decode(),
        base64.urlsafe_b64encode(f"x: Bearer {KEY}".encode()).decode(),
        KEY.encode().hex(),
    ],
)
def test_the_key_is_hidden_in_each_form(echo: str) -> None:
    mask = Mask(KEY)
    for hidden in (mask.text(f"[{echo}]"), mask.body(f"[{echo}]".encode()).decode()):
        assert "***" in hidden
        assert len(hidden) < 40
        assert hidden[0] + hidden[-1] == "[]"
    assert b"***" in mask.body(echo.encode("utf-16-le"))


def test_nothing_else_is_hidden_and_the_mask_does_not_tell_the_key() -> None:
    mask = Mask(KEY)
    assert mask.text("a very secret key") == "a very secret key"
    assert KEY not in f"{mask!r} {vars(mask)!r}"
