"""Hide secrets in what others have written, before anybody reads it."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote

HIDDEN = "***"

_SHORTEST_MASKED = 6
_UNRESERVED = re.compile(r"[A-Za-z0-9_.~-]")
_ENTITIES = {'"': "quot", "&": "amp", "'": "apos", "<": "lt", ">": "gt"}
_ESCAPED = re.compile(r"\\u00(?!22|5[cC])([2-7][0-9a-fA-F])")
_USER_IN_URL = re.compile(r"(?<=//)\S*@")
_WIDE_ENCODINGS = ("utf-16", "utf-32")


class Mask:
    """
    Hide secrets, as they are and as URLs, JSON, HTML, base64 and hexadecimal digits write them.

    What is shorter than six characters is left alone: it would be found in the midst of words.

    :param secrets: what to hide.
    """

    def __init__(self, *secrets: str) -> None:
        spellings = [spelled for secret in secrets if len(secret) >= _SHORTEST_MASKED for spelled in _spellings(secret)]
        self._pattern = re.compile("|".join(spellings)) if spellings else None

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def text(self, text: str) -> str:
        """Return a text without the secrets."""
        if self._pattern is None:
            return text
        if "\\u00" in text:
            plain = _ESCAPED.sub(lambda digits: chr(int(digits[1], 16)), text)
            text = plain if self._pattern.search(plain) else text
        return self._pattern.sub(HIDDEN, text)

    def body(self, body: bytes) -> bytes:
        """Return a body of any type without the secrets."""
        if b"\0" in body[:4]:
            body = _narrow(body)
        return self.text(body.decode("latin-1")).encode("latin-1")


def without_users(text: str, urls: Iterable[str] = ()) -> str:
    """
    Return a text in which no URL names a user and a password.

    :param text: the text.
    :param urls: URLs that may stand in it, however odd they are; their passwords are hidden in any form.
    """
    users = {url.rpartition("@")[0].rpartition("://")[2] for url in urls} - {""}
    for user in users:
        for spelled in (user, unquote(user)):
            text = text.replace(f"{spelled}@", f"{HIDDEN}@")
    passwords = (unquote(user.partition(":")[2]) for user in users)
    return _USER_IN_URL.sub(f"{HIDDEN}@", Mask(*passwords).text(text))


def _narrow(body: bytes) -> bytes:
    """Return in UTF-8 what is JSON in a wider encoding, which Python's reader takes as well."""
    encoding = json.detect_encoding(body)
    return body.decode(encoding, "replace").encode() if encoding.startswith(_WIDE_ENCODINGS) else body


def _spellings(secret: str) -> Iterator[str]:
    """Yield patterns of the forms in which a service or a library repeats a secret."""
    yield "".join(map(_character, secret))
    octets = secret.encode()
    yield f"(?i:{octets.hex()})"
    for before in range(3):
        # Behind any prefix, such as "user:", it has one of three forms; the digits at its ends are not its alone.
        digits = base64.b64encode(bytes(before) + octets).decode()
        its_own = digits[-(-before * 8 // 6) : (before + len(octets)) * 8 // 6]
        yield its_own.replace("+", "[+-]").replace("/", "[/_]")


def _character(character: str) -> str:
    """Return the pattern of one character in a URL, JSON or HTML."""
    if _UNRESERVED.match(character):
        return re.escape(character)
    code = ord(character)
    forms = [
        rf"\\*{re.escape(character)}",
        rf"\\+u{code:04x}",
        f"%(?:25)?{code:02x}",
        f"&#0*{code};",
        f"&#x0*{code:x};",
    ]
    if character in _ENTITIES:
        forms.append(f"&{_ENTITIES[character]};")
    return f"(?i:{'|'.join(forms)})"
