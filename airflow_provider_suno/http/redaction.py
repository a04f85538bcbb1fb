"""Hide secrets in what others have written, before anybody reads it."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from functools import cached_property
from urllib.parse import unquote

from pydantic import Secret, SecretStr

HIDDEN = "***"

_SHORTEST_MASKED = 6
_USER_IN_URL = re.compile(r"(?<=//)\S*@")
_ZEROS = r"\x00{0,3}"
"""Stand after each character in UTF-16 and UTF-32."""

_PERCENT = "%(?:25){0,3}"
_ENTITIES = {'"': "quot", "&": "amp", "'": "apos", "<": "lt", ">": "gt"}
_BASE64_FOR_URLS = {"+": "[+-]", "/": "[/_]"}


class Mask:
    """
    Replace secrets by ``***``, in either case of their letters: as they are, escaped as in JSON (at any depth), URLs
    and HTML, in UTF-16 and UTF-32, and as hexadecimal or Base64 digits, also of a part of more.

    What is shorter than six characters is left alone: it would be found in the midst of words.

    :param secrets: what to hide.
    """

    def __init__(self, *secrets: str) -> None:
        texts = (secret.encode("utf-8", "ignore").decode() for secret in secrets)  # halves of characters are no text
        masked = (text for text in texts if len(text) >= _SHORTEST_MASKED)
        # Patterns tell the secrets, so they are kept like them.
        self._forms = tuple(SecretStr(form) for text in masked for form in _every_form(text))

    def text(self, text: str) -> str:
        """Return a text without the secrets."""
        for pattern in self._in_text:
            text = pattern.get_secret_value().sub(HIDDEN, text)
        return text

    def body(self, body: bytes) -> bytes:
        """Return bytes without the secrets, such as those of a reply; where one was in UTF-16 or so, in UTF-8."""
        encoding = json.detect_encoding(body)
        if not encoding.startswith("utf-8"):
            text = body.decode(encoding, "replace")
            masked = self.text(text)
            body = body if masked == text else masked.encode()
        for pattern in self._in_bytes:
            body = pattern.get_secret_value().sub(HIDDEN.encode(), body)
        return body

    # Compiled when first needed: that takes longer than many a reply.

    @cached_property
    def _in_text(self) -> tuple[Secret[re.Pattern[str]], ...]:
        return tuple(Secret(re.compile(form.get_secret_value())) for form in self._forms)

    @cached_property
    def _in_bytes(self) -> tuple[Secret[re.Pattern[bytes]], ...]:
        return tuple(Secret(re.compile(form.get_secret_value().encode())) for form in self._forms)


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


def _every_form(secret: str) -> list[str]:
    """
    Return patterns of a secret, one for each form in which it is hidden.

    One for all of them would take twice as long: only of a single form does ``re`` know what characters can begin it.
    """
    return [_spelled(secret), *_encoded(secret)]


def _spelled(key: str) -> str:
    """Return a pattern of a key whose characters may be written in several ways."""
    return "".join(map(_character, re.sub(r"\\+", r"\\", key)))


def _character(character: str) -> str:
    cases = _cases(character)
    decimals = "|".join(str(ord(case)) for case in cases)
    codes = "|".join(_hexadecimal(f"{ord(case):x}") for case in cases)
    escapes = "|".join(_escape(case) for case in cases)
    # Each way begins with a literal character, which lets the search skip what cannot be one.
    # JSON in a text in JSON doubles its backslashes each time.
    plainly = [re.escape(case) for case in cases]
    ways = [
        *plainly,
        rf"\\\\{{0,15}}(?:{escapes}|{'|'.join(plainly)})",
        *(_PERCENT + _PERCENT.join(_hexadecimal(f"{byte:02x}") for byte in case.encode()) for case in cases),
        rf"&#(?:0{{0,5}}(?:{decimals})|[xX]0{{0,5}}(?:{codes}));?",
    ]
    if character in _ENTITIES:
        ways.append(f"&{_ENTITIES[character]};")
    return f"(?:{'|'.join(ways)}){_ZEROS}"


def _cases(character: str) -> list[str]:
    """Return a character in either case; some have one that is two characters, which is another text."""
    return sorted({case for case in (character, character.lower(), character.upper()) if len(case) == 1})


def _escape(character: str) -> str:
    """Return the pattern of what follows the backslash of an escape, in JSON or in Python."""
    code = ord(character)
    if code > 0xFFFF:
        high, low = (f"{int.from_bytes(half, 'big'):04x}" for half in _halves(character))
        return rf"u{_hexadecimal(high)}\\{{1,16}}u{_hexadecimal(low)}|U{_hexadecimal(f'{code:08x}')}"
    short = f"|x{_hexadecimal(f'{code:02x}')}" if code < 0x100 else ""
    return f"u{_hexadecimal(f'{code:04x}')}{short}"


def _halves(character: str) -> tuple[bytes, bytes]:
    pair = character.encode("utf-16-be")
    return pair[:2], pair[2:]


def _hexadecimal(digits: str) -> str:
    return "".join(map(_digit, digits))


def _digit(digit: str) -> str:
    return f"[{digit}{digit.upper()}]" if digit.isalpha() else digit


def _encoded(key: str) -> list[str]:
    """Return patterns of a key in Base64, whose edges mix with what else is encoded, and as hexadecimal digits."""
    data = key.encode()
    found = [[_digit(digit) for digit in data.hex()]]
    for before in range(3):
        whole = base64.b64encode(b"\x00" * before + data).decode().rstrip("=")
        sure = whole[-(-8 * before // 6) : (before + len(data)) * 8 // 6]
        found.append([_BASE64_FOR_URLS.get(digit, digit) for digit in sure])
    return [_ZEROS.join(digits) for digits in found]
