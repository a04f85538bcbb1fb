"""Hide secrets in replies and error messages before anybody reads them."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from urllib.parse import quote, quote_plus, unquote

from pydantic import SecretStr

HIDDEN = "***"

_SHORTEST_MASKED = 6
_USER_IN_URL = re.compile(r"(?<=//)\S*@")
_NEEDLESS_ESCAPE = re.compile(r"\\(?:u00[2-7][0-9a-fA-F]|[/\\])")
"""Escapes in JSON that Python does not write, and ``\\\\``, whose second half begins no escape."""

_ESCAPES: tuple[Callable[[str], str], ...] = (
    quote,
    quote_plus,
    lambda text: quote(text, safe=""),
    lambda text: json.dumps(text)[1:-1],
    lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    lambda text: ascii(f"{text}'\"")[1:-4],  # with both quotes in it, Python escapes the single one
    html.escape,
)


class Mask:
    """
    Replace secrets by ``***``: as they are, quoted for URLs, escaped for JSON, HTML or Python, twice escaped, in Base64
    (also as part of a longer text) and in hexadecimal digits.

    Secrets shorter than six characters are left alone, since they also occur within ordinary words.

    :param secrets: what to hide.
    """

    def __init__(self, *secrets: str) -> None:
        texts = (secret.encode("utf-8", "ignore").decode() for secret in secrets)  # drops lone surrogates
        forms = {form for text in texts if len(text) >= _SHORTEST_MASKED for form in _forms_of(text)}
        self._forms = tuple(map(SecretStr, sorted(forms, key=len, reverse=True)))

    def text(self, text: str) -> str:
        """Return a text without the secrets."""
        masked = self._replaced(text)
        if "\\" not in masked:
            return masked
        # Writers of JSON differ in what they escape. Python's spelling is the one that is searched for.
        respelled = _NEEDLESS_ESCAPE.sub(lambda escape: _as_python_escapes(escape[0]), masked)
        found = self._replaced(respelled)
        return masked if found == respelled else found

    def body(self, body: bytes) -> bytes:
        """Return a reply's body without the secrets; it is in UTF-8 if one was found."""
        text = body.decode(json.detect_encoding(body), "replace")
        masked = self.text(text)
        return body if masked == text else masked.encode()

    def _replaced(self, text: str) -> str:
        for form in self._forms:
            text = text.replace(form.get_secret_value(), HIDDEN)
        return text


def without_users(text: str, urls: Iterable[str] = ()) -> str:
    """Hide users and passwords: in all URLs of the text, and anywhere in it those of the given URLs, valid or not."""
    users = {url.rpartition("@")[0].rpartition("://")[2] for url in urls} - {""}
    for user in users:
        for spelled in (user, unquote(user)):
            text = text.replace(f"{spelled}@", f"{HIDDEN}@")
    passwords = (unquote(user.partition(":")[2]) for user in users)
    return _USER_IN_URL.sub(f"{HIDDEN}@", Mask(*passwords).text(text))


def _forms_of(secret: str) -> set[str]:
    once = {secret, *(escape(secret) for escape in _ESCAPES)}
    spelled = once | {escape(form) for form in once for escape in _ESCAPES}
    in_lower_case = {re.sub("%..", lambda code: code[0].lower(), form) for form in spelled}
    digits = secret.encode().hex()
    return {*spelled, *in_lower_case, digits, digits.upper(), *_in_base64(secret.encode())}


def _in_base64(secret: bytes) -> Iterator[str]:
    """Yield the digits that a secret alone decides, for each place it may have among groups of three bytes."""
    for before in range(3):
        digits = base64.b64encode(bytes(before) + secret).decode().rstrip("=")
        sure = digits[-(-8 * before // 6) : (before + len(secret)) * 8 // 6]
        yield sure
        yield sure.replace("+", "-").replace("/", "_")


@cache
def _as_python_escapes(escape: str) -> str:
    return json.dumps(json.loads(f'"{escape}"'))[1:-1]
