"""Secrets are masked in foreign text; the rest of it is unchanged."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote, quote_plus

import pytest

from airflow_provider_suno.http.redaction import Mask, without_users

KEY = "sk-3/ae7+Q&x='<"
MASK = Mask(KEY)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (f"no key {KEY}!", "no key ***!"),
        (f"?key={quote(KEY, safe='')}&x", "?key=***&x"),
        (f"?key={quote_plus(KEY)}", "?key=***"),
        (f"/{quote(KEY)}/", "/***/"),
        ("?key=sk-3%2fae7%2bQ%26x%3d%27%3c", "?key=***"),
        (f"?key={quote(quote(KEY, safe=''), safe='')}", "?key=***"),
        (f"<b>{html.escape(KEY)}</b>", "<b>***</b>"),
        (json.dumps({"page": html.escape(KEY)}), '{"page": "***"}'),
        (json.dumps(KEY), '"***"'),
        (json.dumps(json.dumps(KEY)), r'"\"***\""'),
        (json.dumps(KEY).replace("/", "\\/"), '"***"'),
        ("".join(f"\\u{ord(char):04X}" for char in KEY), "***"),
        (json.dumps(KEY).replace("&", "\\u0026").replace("<", "\\u003c"), '"***"'),
        (repr(f'"{KEY}'), "'\"***'"),
        (KEY.encode().hex(), "***"),
        (KEY.encode().hex().upper(), "***"),
        ("the music is 雨", "the music is 雨"),
        (r"C:\u0041 \n", r"C:\u0041 \n"),
    ],
)
def test_forms(said: str, shown: str) -> None:
    assert MASK.text(said) == shown


@pytest.mark.parametrize("before", ["", "u", "us", "user:", "Bearer "])
def test_base64_at_any_alignment(before: str) -> None:
    digits = base64.b64encode(f"{before}{KEY} and more".encode()).decode()
    for spelled in (digits, digits.replace("+", "-").replace("/", "_")):
        shown = MASK.text(spelled)
        assert shown.startswith(digits[: len(before)])
        assert len(shown.replace("***", "")) <= len(spelled) - len(KEY) * 8 // 6 + 2


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-be", "utf-32-le"])
def test_json_in_any_encoding(encoding: str) -> None:
    written = "".join(f"\\u{ord(char):04x}" for char in KEY)
    for text in (f'{{"msg": "{written}"}}', json.dumps({"msg": KEY})):
        assert json.loads(MASK.body(text.encode(encoding))) == {"msg": "***"}


@pytest.mark.parametrize("body", [b"", b"\x1f\x8b\0\xff", '{"title": "雨"}'.encode(), b'{"a": "\\u0041"}'])
def test_a_body_without_the_key_is_unchanged(body: bytes) -> None:
    assert MASK.body(body) == body


def test_short_secrets_are_not_masked() -> None:
    assert Mask("k", "", "a-key").text("take a-key") == "take a-key"
    assert Mask().body(b"anything") == b"anything"


def test_the_mask_does_not_show_the_key() -> None:
    assert KEY not in f"{MASK!r} {vars(MASK)!r}"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Failed to parse: http://user:pa/ss@proxy:1", "Failed to parse: http://***@proxy:1"),
        ("('user:secret word@proxy:1', 'x')", "('***@proxy:1', 'x')"),
        ("no 'secret word' here", "no '***' here"),
        ("https://h/path", "https://h/path"),
    ],
)
def test_users_in_urls(text: str, shown: str) -> None:
    assert without_users(text, ["http://user:secret%20word@proxy:1", "http://proxy:2", "*"]) == shown


@pytest.mark.parametrize("secret", ["00000ß", "pässwörd✓12", "kéy😀-secret"])
def test_a_secret_beyond_ascii(secret: str) -> None:
    mask = Mask(secret)
    said = [
        secret,
        quote(secret, safe=""),
        json.dumps(secret)[1:-1],
        json.dumps(json.dumps(secret))[3:-3],
        ascii(secret)[1:-1],
        secret.encode().hex(),
    ]
    assert [mask.text(f"({form})") for form in said] == ["(***)"] * len(said)
    assert mask.body(f"({secret})".encode()) == b"(***)"


def test_a_secret_with_a_lone_surrogate() -> None:
    assert Mask("sk-\ud800secret").text("sk-secret") == "***"
