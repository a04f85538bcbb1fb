"""Take the API key out of what the service sends, should it repeat it, in whichever form that is likely."""

from __future__ import annotations

import base64
import html
import json
import re

from pydantic import SecretStr

MASK = "***"

_ZEROS = r"\x00{0,3}"
"""Stand after each character in UTF-16 and UTF-32."""

_BASE64_FOR_URLS = {"+": "[+-]", "/": "[/_]"}


class KeyMask:
    """
    Replace a key by ``***``, in either case of its letters: as it is, escaped as in JSON (at any depth), URLs and HTML,
    in UTF-16 and UTF-32, and as hexadecimal or Base64 digits, also of a part of more.

    :param key: printable ASCII characters.
    """

    def __init__(self, key: str) -> None:
        self._key = SecretStr(key)

    def hide(self, text: str) -> str:
        """Return a text without the key."""
        return re.sub(self._pattern(), MASK, text)

    def hide_in_bytes(self, body: bytes) -> bytes:
        """Return bytes without the key, such as those of a body; JSON in another encoding comes back in UTF-8."""
        encoding = json.detect_encoding(body)
        if not encoding.startswith("utf-8"):
            body = body.decode(encoding, "replace").encode()
        return re.sub(self._pattern().encode(), MASK.encode(), body)

    def _pattern(self) -> str:
        """Return it anew each time, since it tells the key; ``re`` remembers what it made of it."""
        key = self._key.get_secret_value()
        return "|".join([_spelled(key), *_encoded(key)])


def _spelled(key: str) -> str:
    """Return a pattern of a key whose characters may be written in several ways."""
    return "".join(map(_character, re.sub(r"\\+", r"\\", key)))


def _character(character: str) -> str:
    codes = "|".join({_hexadecimal(case) for case in _cases(character)})
    decimals = "|".join(str(ord(case)) for case in _cases(character))
    # Each way begins with a literal character, which lets the search skip what cannot be one.
    # JSON in a text in JSON doubles its backslashes each time.
    plainly = [re.escape(case) for case in _cases(character)]
    ways = [
        *plainly,
        rf"\\\\{{0,15}}(?:u00(?:{codes})|x(?:{codes})|{'|'.join(plainly)})",
        rf"%(?:25){{0,3}}(?:{codes})",
        rf"&#(?:0{{0,5}}(?:{decimals})|[xX]0{{0,5}}(?:{codes}));?",
    ]
    if html.escape(character) != character:
        ways.append(re.escape(html.escape(character)))
    return f"(?:{'|'.join(ways)}){_ZEROS}"


def _cases(character: str) -> list[str]:
    return sorted({character.lower(), character.upper()})


def _hexadecimal(character: str) -> str:
    return "".join(map(_digit, f"{ord(character):02x}"))


def _digit(digit: str) -> str:
    return f"[{digit}{digit.upper()}]" if digit.isalpha() else digit


def _encoded(key: str) -> list[str]:
    """Return patterns of a key in Base64, whose edges mix with what else is encoded, and as hexadecimal digits."""
    found = [[_digit(digit) for digit in key.encode().hex()]]
    for before in range(3):
        whole = base64.b64encode(b"\x00" * before + key.encode()).decode().rstrip("=")
        sure = whole[-(-8 * before // 6) : (before + len(key)) * 8 // 6]
        found.append([_BASE64_FOR_URLS.get(digit, digit) for digit in sure])
    return [_ZEROS.join(digits) for digits in found]
