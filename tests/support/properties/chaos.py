"""What a broken or hostile service may send: cheap enough for a million of it, and the same again from one number."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

from hypothesis import strategies as st

TEXTS = [
    "", " ", "\t\n", "\x00", "a\x00b", "\x1b[31mred\x1b[0m", "two\nlines", "one\r\nERROR - forged", "\u202eevil",
    "\ud800", "x\udfff", "\ufeff", "\u2028", "\x85", "e\u0301\u0301\u0301", "🎵", "null", "None", "NaN", "-0", "true",
    "[]", "{}", '"', '{"sunoData": [{"id": NaN}]}', '[{"id": "a", "audioUrl": "https://x/a.mp3"}]', "[" * 3000,
    '{"a":'* 3000, "9" * 5000, "1e400", "-1", "0", "200", "1_000", "٣", "V3_5", "v" + "9" * 5000, "%s %(x)s {0}",
    "../../etc/passwd", "now", "2026-10-01T10:00:00Z", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59",
    "P1Y", "2026-01-01/2027-01-01", "2026-W01-1", "24:00", "12:61", "http://[", "https://", "javascript:alert(1)",
    "x" * 20_000, "SUCCESS", "FIRST_SUCCESS", "PENDING", "CALLBACK_EXCEPTION", "SENSITIVE_WORD_ERROR", "X_FAILED",
    "PENDING\nERROR", "too many requests", "credit",
]  # fmt: skip
NUMBERS = [
    0, 1, -1, 2, 200, 400, 401, 408, 413, 429, 455, 500, 531, 599, 799, 2**31, 2**53 + 1, 2**63, -(2**64), 10**18,
    10**400, -(10**4000), 0.0, -0.0, 0.1, 200.0, 1e-320, 1e11, 1.7e308, -1.7e308, 1790000000, 1790000000000,
    253402300800, -62135596801, float("nan"), float("inf"), float("-inf"),
]  # fmt: skip
NAMES = [
    "code", "msg", "data", "taskId", "task_id", "music_task_id", "status", "response", "sunoData", "tracks", "param",
    "id", "audioId", "audio_id", "audioUrl", "audio_url", "duration", "createTime", "errorCode", "errorMessage",
    "personaId", "downloadUrl", "fileUrl", "url", "fileSize", "uploadedAt", "success", "type", "model", "modelName",
    "successFlag", "stems", "originData", "vocalUrl", "lyrics", "lyricsData", "text", "title", "images", "midiData",
    "instruments", "notes", "videoUrl", "audioWavUrl", "validateInfo", "voiceId", "alignedWords", "word", "startS",
    "endS", "result", "errorMsg", "isAvailable", "", "\ud800", "x",
]  # fmt: skip
STATUSES = [
    200, 200, 200, 201, 204, 301, 302, 307, 308, 304, 400, 401, 402, 403, 404, 405, 408, 409, 413, 422, 429, 430, 451,
    455, 500, 502, 503, 504, 524, 100, 299, 600, 999,
]  # fmt: skip
HEADERS = ["Retry-After", "retry-after", "Date", "Location", "Content-Type", "X-Request-Id"]
HEADER_VALUES = [
    "", "0", "7", "-3", "1e9", "1e400", "nan", "inf", "-inf", "1_0", "soon", "9" * 400, "32 Foo 99999", "0 0 0 0 0",
    ",", " \t", "Wed", "Wed, 21 Oct 2026 07:28:00 GMT", "Wed, 21 Oct 2026 07:28:00 -0000", "x" * 900, "٣",
    "Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 +2359", "Wed, 21 Oct 2026 25:61:61 GMT", "\xff\xfe",
    "https://elsewhere/", "http://[", "Wed, 21 Oct 99999999999999999999 07:28:00 GMT",
    "Wed, 21 Oct 2026 07:28:00 +99999999999999999",
]  # fmt: skip


class Chaos:
    """Make hostile things out of a number."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.random = Random(seed)

    def __repr__(self) -> str:
        return f"Chaos({self.seed})"

    def likely(self, chance: float) -> bool:
        return self.random.random() < chance

    def text(self) -> str:
        pick = self.random.choice(TEXTS)
        if self.likely(0.2):
            pick += "".join(chr(self.random.randrange(0x110000)) for _ in range(self.random.randrange(6)))
        return pick

    def number(self) -> int | float:
        pick: int | float = self.random.choice(NUMBERS)
        return pick if self.likely(0.7) else self.random.randrange(-1000, 10**6)

    def value(self, depth: int = 3) -> Any:
        """Return any JSON value; a few are not even JSON."""
        kinds: list[Callable[[], Any]] = [self.text, self.number, lambda: self.random.choice([None, True, False])]
        if depth:
            kinds += [lambda: self.array(depth - 1), lambda: self.object(depth - 1)]
        if self.likely(0.01):
            return self.nested(self.random.choice([50, 400, 900, 960]))
        return self.random.choice(kinds)()

    def array(self, depth: int = 2) -> list[Any]:
        return [self.value(depth) for _ in range(self.random.randrange(4))]

    def object(self, depth: int = 2) -> dict[str, Any]:
        return {self.random.choice(NAMES): self.value(depth) for _ in range(self.random.randrange(5))}

    def nested(self, depth: int) -> Any:
        value: Any = "x"
        as_object = self.likely(0.5)
        for _ in range(depth):
            value = {"a": value} if as_object else [value]
        return value

    def envelope(self) -> dict[str, Any]:
        return {
            "code": self.random.choice([200, self.number(), self.value(1)]),
            "msg": self.value(),
            "data": self.value(),
        }

    def mutated(self, value: Any, changes: int | None = None) -> Any:
        """Return a true value with a few things changed, each at a place of its own."""
        for _ in range(self.random.choice([1, 1, 2, 3, 5]) if changes is None else changes):
            value = self._changed(value)
        return value

    def _changed(self, value: Any) -> Any:
        if isinstance(value, dict) and value and self.likely(0.9):
            name = self.random.choice(list(value))
            rest = {key: old for key, old in value.items() if key != name}
            turn = self.random.random()
            if turn < 0.1:
                return rest
            if turn < 0.2:
                return {**rest, self.random.choice(NAMES): value[name]}
            if turn < 0.3:
                return {**value, self.random.choice(NAMES): self.value()}
            return {**rest, name: self._changed(value[name])}
        if isinstance(value, list) and value and self.likely(0.9):
            place = self.random.randrange(len(value))
            return [
                *value[:place],
                *(self._changed(value[place]) for _ in range(self.random.randrange(3))),
                *value[place + 1 :],
            ]
        turn = self.random.random()
        if turn < 0.1:
            return json.dumps(value)
        if turn < 0.2:
            return [value]
        if turn < 0.3 and isinstance(value, str):
            place = self.random.randrange(len(value) + 1)
            return value[:place] + self.text() + value[place:]
        return self.value()

    def written(self, value: Any) -> bytes:
        """Return a value as the bytes of a body, perhaps in a strange form, perhaps damaged."""
        text = json.dumps(value, ensure_ascii=self.likely(0.5))
        turn = self.random.random()
        if turn < 0.05:
            text = text.replace(
                ":", f': {self.random.choice(["1e400", "-1e400", "9" * 5000, "01", "Infinity"])}, "x":', 1
            )
        elif turn < 0.1:
            text = text.replace("{", '{"code": 200, "data": {"taskId": "other"}, ', 1)
        elif turn < 0.12:
            text = self.random.choice("[{") * self.random.choice([100_000, 2000]) + text
        encoding = self.random.choice(["utf-8"] * 12 + ["utf-8-sig", "utf-16", "utf-16-le", "utf-32", "utf-7"])
        body = text.encode(encoding, "surrogatepass" if "-7" not in encoding else "replace")
        return self.damaged(body) if self.likely(0.25) else body

    def damaged(self, body: bytes) -> bytes:
        place = self.random.randrange(len(body) + 1)
        return self.random.choice(
            [
                body[:place],
                body[place:],
                body[:place] + self.random.randbytes(self.random.randrange(1, 9)) + body[place + 1 :],
                body + b"\x00",
                body + body,
                b"\n  " + body,
                b")]}',\n" + body,
            ]
        )

    def status(self) -> int:
        return self.random.choice(STATUSES)

    def headers(self) -> dict[str, str]:
        return {
            self.random.choice(HEADERS): self.random.choice(HEADER_VALUES)
            for _ in range(self.random.choice([0, 0, 1, 2, 3]))
        }


def chaos() -> st.SearchStrategy[Chaos]:
    return st.integers(0, 2**63).map(Chaos)


def texts() -> st.SearchStrategy[str]:
    """Return any text, with what is no text at all: halves of surrogate pairs."""
    return st.sampled_from(TEXTS) | st.text(st.characters(exclude_categories=()), max_size=12)


def values() -> st.SearchStrategy[Any]:
    """Return any JSON value, in a form that shrinks."""
    leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(NUMBERS) | texts()
    names = st.sampled_from(NAMES) | texts()
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4), max_leaves=8
    )
