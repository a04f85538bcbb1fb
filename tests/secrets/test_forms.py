"""The search itself: it finds a key in every form, and nothing where there is none."""

from __future__ import annotations

import base64
import json
import zlib

import pytest
from cryptography.fernet import Fernet

from tests.support.secrets.forms import Seeker, forms_of, new_key

pytestmark = pytest.mark.secrets

KEY = new_key("forms")
FERNET_KEY = Fernet.generate_key().decode()
HIDDEN = {
    "a header": f"Authorization: Bearer {KEY}",
    "an URL": f"https://h/?key={KEY}",
    "a half quoted URL": f"https://h/?key={KEY.replace('/', '%2F').replace('+', '%2B')}",
    "JSON": json.dumps({"a": f'"{KEY}"'}),
    "JSON in JSON": json.dumps(json.dumps({"key": KEY})),
    "Basic authorization": base64.b64encode(f"user:{KEY}".encode()).decode(),
    "base64 of a header": base64.b64encode(f"Bearer {KEY}".encode()).decode(),
    "base64, one byte on": base64.b64encode(f"x{KEY}yz".encode()).decode(),
    "compressed": zlib.compress(KEY.encode()),
    "compressed, in base64": base64.b64encode(zlib.compress(json.dumps({"k": KEY, "x": list(range(99))}).encode())),
    "encrypted": b"token " + Fernet(FERNET_KEY).encrypt(KEY.encode()) + b" end",
    "its beginning": f"{KEY[: len(KEY) // 2]}…",
    "repr of bytes": repr(KEY.encode()),
    "UTF-16": KEY.encode("utf-16"),
}


@pytest.mark.parametrize("where", HIDDEN)
def test_it_is_found_in(where: str) -> None:
    assert Seeker({"key": KEY}, FERNET_KEY).find(HIDDEN[where])


@pytest.mark.parametrize("form", forms_of(KEY))
def test_each_spelling_is_found(form: str) -> None:
    for spelled in forms_of(KEY)[form]:
        assert Seeker({"key": KEY}).find(f"…{spelled}…")


def test_other_keys_are_told_apart() -> None:
    other = new_key("other")
    both = Seeker({"key": KEY, "other": other})
    assert both.find(f"x{other}y") == {("other", "raw")}
    assert both.find(f"{KEY} {other}") == {("key", "raw"), ("other", "raw")}


def test_nothing_is_found_where_there_is_none() -> None:
    text = json.dumps({name: new_key("forms") for name in HIDDEN}) + "x" * 10_000
    assert not Seeker({"key": KEY}, FERNET_KEY).find(text)
    assert not Seeker({"key": KEY}).find(HIDDEN["encrypted"])
