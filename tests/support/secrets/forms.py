"""
The forms in which a key may be stored somewhere, and a search for all of them at once.

The provider masks the forms that libraries really write: the key as it is, quoted for URLs, escaped for JSON (whichever
characters the writer escapes), HTML or Python, escaped twice, in Base64 at each alignment, and in hexadecimal digits;
all that in any encoding that JSON may have. On purpose it does not mask mixtures that no library writes: zero bytes
between the letters, three levels of escapes, each letter escaped in a way of its own, a change of case. This
search finds some of those too, but the services of these tests do not send them.
"""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
import secrets
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from urllib.parse import quote

from cryptography.fernet import Fernet, InvalidToken

_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{64,}={0,2}")
_FERNET = re.compile(rb"gAAAAA[A-Za-z0-9_-]{80,}={0,2}")
_DEEPEST = 4


def new_key(mark: str) -> str:
    """
    Return a unique key with characters that URLs, JSON and HTML escape.

    :param mark: a part that tells it from other keys.
    """
    return f"sk-{mark}/{secrets.token_hex(12)}+{secrets.token_hex(6)}&="


def forms_of(key: str) -> dict[str, list[str]]:
    """
    Return the spellings of a key, by the name of the form.

    A key behind ``Bearer `` or ``user:`` has the same base64 as one of the three alignments here.

    :param key: the key.
    """
    percent = quote(key, safe="")
    escaped = "".join(char if char.isalnum() else f"\\u{ord(char):04x}" for char in key)
    return {
        "raw": [key],
        "a part of it": [key[: len(key) // 2], key[len(key) // 2 :], *re.findall(r"[A-Za-z0-9]{12,}", key)],
        "reversed": [key[::-1]],
        "percent-encoded": [percent, percent.lower(), "".join(f"%{ord(char):02X}" for char in key)],
        "JSON-escaped": [
            json.dumps(key)[1:-1],
            key.replace("/", "\\/"),
            escaped,
            escaped.replace("\\", "\\\\"),
            "".join(f"\\u{ord(char):04x}" for char in key),
        ],
        "HTML-escaped": [html.escape(key), html.escape(key).replace("/", "&#x2F;").replace("+", "&#43;")],
        "base64": [spelled for offset in range(3) for spelled in _aligned(key.encode(), offset)],
        "hex": [key.encode().hex(), key.encode().hex().upper()],
        "UTF-16": [key.encode("utf-16-le").decode("latin-1")],
    }


def _aligned(secret: bytes, offset: int) -> Iterator[str]:
    """Yield the base64 of a secret behind ``offset`` other bytes, without the digits that depend on its neighbours."""
    text = base64.b64encode(bytes(offset) + secret).decode()
    surely = text[-(-offset * 8 // 6) : (offset + len(secret)) * 8 // 6]
    yield surely
    yield surely.replace("+", "-").replace("/", "_")


class Seeker:
    """
    Find keys in bytes, also inside what is compressed, encoded or encrypted there.

    :param keys: the keys by their names.
    :param fernet_key: opens what Airflow has encrypted.
    """

    def __init__(self, keys: Mapping[str, str], fernet_key: str | None = None) -> None:
        self._forms = {
            spelled.encode("latin-1"): (name, form)
            for name, key in keys.items()
            for form, spellings in reversed(forms_of(key).items())
            for spelled in spellings
        }
        longest_first = sorted(self._forms, key=len, reverse=True)
        self._pattern = re.compile(b"|".join(map(re.escape, longest_first)))
        self._fernet = Fernet(fernet_key) if fernet_key else None

    def find(self, data: bytes | str) -> set[tuple[str, str]]:
        """
        Return what is found: the name of the key and the form.

        :param data: where to look; text in any encoding.
        """
        raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
        return set(self._find(raw, _DEEPEST))

    def _find(self, raw: bytes, depth: int) -> Iterator[tuple[str, str]]:
        yield from (self._forms[found] for found in self._pattern.findall(raw))
        if depth:
            for kind, inner in self._opened(raw):
                yield from ((name, f"{form}, {kind}") for name, form in self._find(inner, depth - 1))

    def _opened(self, raw: bytes) -> Iterator[tuple[str, bytes]]:
        if raw[:2] in (b"x\x01", b"x\x9c", b"x\xda"):
            with suppress(zlib.error):
                yield "compressed", zlib.decompressobj().decompress(raw)
        for token in _FERNET.findall(raw) if self._fernet else ():
            try:
                yield "encrypted", self._fernet.decrypt(token)  # type: ignore[union-attr]
            except InvalidToken:
                continue
        for text in set(_BASE64.findall(raw)):
            try:
                inner = base64.urlsafe_b64decode(text.replace(b"+", b"-").replace(b"/", b"_") + b"==")
            except (binascii.Error, ValueError):
                continue
            if inner[:2] in (b"x\x01", b"x\x9c", b"x\xda") or inner[:1] in b"{[":
                yield "in base64", inner
