"""The key is in no result, error or repr, whichever way the service repeats it."""

from __future__ import annotations

import base64
import html
import json
import re
import string
import traceback
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus, unquote

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_suno.api.endpoints.music_requests import GenerateMusicRequest
from airflow_provider_suno.api.endpoints.persona import GeneratePersonaRequest
from airflow_provider_suno.exceptions import SunoError
from airflow_provider_suno.http.client import SunoClient
from airflow_provider_suno.http.settings import BearerAuth
from tests.support.figures import figures
from tests.support.jobs import music
from tests.support.properties.chaos import Chaos, chaos
from tests.support.properties.checks import check_error, check_storable
from tests.support.properties.effort import hostile_replies
from tests.support.properties.true_replies import true_envelopes, true_records
from tests.support.properties.wire import client_that_receives

KEY = "sk-very-secret-key"
AUTH = BearerAuth(KEY)
ASKED = true_records()[0]["taskId"]
MUSIC = GenerateMusicRequest.build({"model": "V5", "prompt": "rain"})
PERSONA = GeneratePersonaRequest.build({"music_task_id": ASKED, "audio_id": "a", "name": "n", "description": "d"})
CALLS: list[Callable[[SunoClient], Any]] = [
    lambda client: client.get_credits(),
    lambda client: client.get_record(music(ASKED), resend=False),
    lambda client: client.submit(MUSIC),
    lambda client: client.generate_persona(PERSONA),
    lambda client: client.upload_url("https://files.example/a.mp3", "folder", None),
]
CHARACTERS = string.ascii_letters + string.digits + "-_.~+/=:%&#\"'"  # no service makes keys with backslashes
# The prefix keeps it from being an ordinary word.
KEYS = st.text(st.sampled_from(CHARACTERS), min_size=4, max_size=60).map(lambda rest: f"sK-7{rest}")
ECHOES: dict[str, Callable[[str], str]] = {
    "raw": str,
    "quoted": lambda key: quote(key, safe=""),
    "quoted in a path": quote,
    "quoted in a form": quote_plus,
    "quoted in lower case": lambda key: re.sub("%..", lambda code: code[0].lower(), quote(key, safe="")),
    "quoted twice": lambda key: quote(quote(key, safe=""), safe=""),
    "JSON": lambda key: json.dumps(key)[1:-1],
    "JSON of PHP": lambda key: json.dumps(key)[1:-1].replace("/", "\\/"),
    "escaped": lambda key: "".join(f"\\u{ord(c):04x}" for c in key),
    "escaped in capitals": lambda key: "".join(f"\\u{ord(c):04X}" for c in key),
    "split": lambda key: "".join(f"\\u{ord(c):04x}" if n % 3 else json.dumps(c)[1:-1] for n, c in enumerate(key)),
    "JSON in JSON": lambda key: json.dumps(json.dumps(key)[1:-1])[1:-1],
    "HTML": html.escape,
    "base64": lambda key: base64.b64encode(key.encode()).decode(),
    "the header in base64": lambda key: base64.b64encode(f"Authorization: Bearer {key}!".encode()).decode(),
    "the header in base64 for URLs": lambda key: base64.urlsafe_b64encode(f"Bearer {key}".encode()).decode(),
    "hexadecimal": lambda key: key.encode().hex(),
    "hexadecimal in capitals": lambda key: key.encode().hex().upper(),
}


def readings(text: str) -> Iterator[str]:
    """Yield a text as it is, and unescaped once and twice."""
    for _ in range(3):
        yield text.lower()
        unescaped = re.sub(r"\\+u00([0-9a-fA-F]{2})", lambda match: chr(int(match[1], 16)), text)
        text = html.unescape(unquote(re.sub(r"\\(.)", r"\1", unescaped)))


def reveals(text: str, key: str) -> bool:
    """Return whether a text contains the key in a readable form."""
    whole = [key, key.encode().hex(), *(repr(key)[1:-1], json.dumps(key)[1:-1])]
    if any(form.lower() in reading for reading in readings(text) for form in whole):
        return True
    in_base64 = (base64.b64encode(b"x" * before + key.encode()).decode()[4:-4] for before in range(3))
    return any(form in text or form.translate(str.maketrans("+/", "-_")) in text for form in in_base64)


def everything_of(error: BaseException) -> str:
    """Return all text of an error and of its causes and contexts."""
    seen: list[BaseException] = []
    left: list[BaseException | None] = [error]
    while left:
        current = left.pop()
        if current is not None and current not in seen:
            seen.append(current)
            left += [current.__cause__, current.__context__]
    told = [f"{shown!s} {shown!r} {vars(shown)} {shown.args}" for shown in seen]
    return "\n".join([*told, *traceback.format_exception(error)])


def check_secret(reply: bytes, key: str, auth: BearerAuth, call: Callable[[SunoClient], Any]) -> None:
    """Check that neither the result nor the error of a call contains the key."""
    figures["replies tried"] += 1
    with client_that_receives(reply, auth) as client:
        try:
            value = call(client)
        except SunoError as error:
            check_error(error)
            told = everything_of(error)
            assert not reveals(told, key), told[:500]
        else:
            kept = value.to_dict() if hasattr(value, "to_dict") else str(value)
            check_storable(kept)
            assert not reveals(f"{value!r} {kept} {json.dumps(kept)}", key), value
        assert not reveals(f"{client.settings!r} {vars(client)!r} {vars(client.settings.auth)!r}", key)


def _http(status: str, headers: dict[str, str], body: bytes) -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1", "replace") + body


def _echoing(made: Chaos, echo: str) -> bytes:
    """Return a reply that repeats the key somewhere."""
    envelope = json.dumps(made.mutated(made.random.choice(true_envelopes()), changes=made.random.randrange(2)))
    places = [match.start() for match in re.finditer(r'(?<=[a-z])"', envelope)]
    place = made.random.choice(places) if places else 0
    body = (envelope[:place] + echo + envelope[place:]).encode("utf-8", "replace")
    status, headers = str(made.status()), made.headers()
    turn = made.random.random()
    if turn < 0.1:
        headers["Location"] = f"https://elsewhere/?key={echo}"
        status = "302 Found"
    elif turn < 0.2:
        status = f"{echo} 200"
    elif turn < 0.3:
        status = f"401 Unauthorized {echo}"
    elif turn < 0.35:
        headers["Transfer-Encoding"] = "chunked"
        body = f"{echo}\r\n".encode() + body
    elif turn < 0.4:
        headers[made.random.choice(["Content-Encoding", "Content-Length", "Retry-After", "Set-Cookie"])] = echo
    elif turn < 0.45:
        body = echo.encode(made.random.choice(["utf-16", "utf-32", "utf-16-be"]))
    elif turn < 0.5:
        told = json.dumps({"code": made.random.choice([401, 500, 799]), "msg": ""})[:-2] + echo + '"}'
        body = told.encode(made.random.choice(["utf-8", "utf-16", "utf-16-le", "utf-32-be"]))
    return _http(status, headers, body)


@hostile_replies(0.06, batch=8)
@given(chaos(), KEYS, st.sampled_from(sorted(ECHOES)))
def test_no_echo_of_the_key_comes_through(made: Chaos, key: str, form: str) -> None:
    auth = BearerAuth(key)
    for _ in range(8):
        check_secret(_echoing(made, ECHOES[form](key)), key, auth, made.random.choice(CALLS))


@hostile_replies(0.03, batch=8)
@given(chaos())
def test_any_bytes_on_the_wire(made: Chaos) -> None:
    for _ in range(8):
        envelope = made.written(made.mutated(made.random.choice(true_envelopes())))
        reply = _http(f"{made.status()} OK", {**made.headers(), **_framing(made)}, envelope)
        reply = made.damaged(reply) if made.likely(0.5) else reply
        check_secret(reply, KEY, AUTH, made.random.choice(CALLS))


def _framing(made: Chaos) -> dict[str, str]:
    """Return headers that say how the body is to be read."""
    names = ["Transfer-Encoding", "Content-Encoding", "Content-Length", "Connection", "Set-Cookie"]
    values = [
        "chunked",
        "gzip",
        "deflate",
        "br",
        "zstd",
        "0",
        "10",
        "-1",
        "99999",
        "close",
        "a=b; expires=never",
        "\xff",
        "x,y",
    ]
    return {made.random.choice(names): made.random.choice(values) for _ in range(made.random.choice([0, 0, 1, 2]))}


@hostile_replies(0.01, batch=1)
@given(st.text(max_size=40), KEYS)
def test_text_without_the_key_is_unchanged(text: str, key: str) -> None:
    figures["replies tried"] += 1
    auth = BearerAuth("a key that occurs in nothing")
    assert auth.mask.body(text.encode()) == text.encode()
    assert auth.mask.text(text) == text
    assert not reveals(BearerAuth(key).mask.text(f"{text}{key}{text}"), key)
