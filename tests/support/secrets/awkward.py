"""A service that fails in many ways, and repeats the key of each request wherever it can."""

from __future__ import annotations

import base64
import html
import json
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import quote

SLOW = 0.6
"""Seconds until the case ``slow`` replies: longer than the ``timeout`` of the tests' connections."""

LATE = "late-"
"""Prefix of a case: submissions are accepted, and the first read of a record says that it is pending."""


@dataclass(frozen=True)
class Seen:
    """A request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def __bytes__(self) -> bytes:
        return f"{self.method} {self.path} {dict(self.headers)}".encode() + self.body


@dataclass(frozen=True)
class Answer:
    """The reply of a case: a status, headers and a body, or raw bytes instead."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None


def _echo(key: str) -> str:
    """Return a text that repeats the key in several forms."""
    basic = base64.b64encode(f"user:{key}".encode()).decode()
    return (
        f"your request had 'Authorization: Bearer {key}', ?key={quote(key, safe='')}, <{html.escape(key)}>, "
        f"Basic {basic}, {key.encode().hex()}"
    )


def _envelope(key: str, code: int, data: Any = None, status: int = 200, **headers: str) -> Answer:
    body = json.dumps({"code": code, "msg": _echo(key), "data": data}).encode()
    return Answer(status, body, {"X-Request": _echo(key), **{k.replace("_", "-"): v for k, v in headers.items()}})


def _code(code: int, status: int = 200, **headers: str) -> Callable[[str], Answer]:
    return lambda key: _envelope(key, code, status=status, **headers)


def _data(make: Callable[[str], Any]) -> Callable[[str], Answer]:
    return lambda key: _envelope(key, 200, make(_echo(key)))


def _record(status: str, **more: Any) -> Callable[[str], Answer]:
    def make(echo: str) -> dict[str, Any]:
        tracks = [{"id": f"audio-{n}", "title": echo, "audioUrl": "http://127.0.0.1:9/a.mp3"} for n in range(2)]
        response = {"sunoData": tracks} if status == "SUCCESS" else None
        return {"status": status, "response": response, "errorMessage": echo, **more}

    return _data(make)


def _escaped(key: str) -> Answer:
    written = "".join(f"\\u{ord(char):04x}" for char in key)
    return Answer(200, f'{{"code": 401, "msg": "no such key: {written}"}}'.encode())


def _in_utf16(key: str) -> Answer:
    return Answer(200, json.dumps({"code": 401, "msg": _echo(key)}).encode("utf-16"))


def _page(status: int, **headers: str) -> Callable[[str], Answer]:
    def make(key: str) -> Answer:
        echoed = {name.replace("_", "-"): value.replace("{key}", key) for name, value in headers.items()}
        page = f"<html><body>cloudflare 1010: {_echo(key)} \\/ {json.dumps(key)} {key.replace('/', chr(92) + '/')}"
        return Answer(status, page.encode(), echoed)

    return make


def _raw(head: str, body: str = "") -> Callable[[str], Answer]:
    return lambda key: Answer(raw=(head.replace("{key}", key) + "\r\n\r\n" + body.replace("{key}", key)).encode())


CASES: dict[str, Callable[[str], Answer]] = {
    "key_refused": _code(401),
    "key_refused_by_status": _code(401, 401, WWW_Authenticate='Basic realm="files", Digest nonce="1", Negotiate'),
    "key_refused_escaped": _escaped,
    "key_refused_in_utf16": _in_utf16,
    "edge_refused": _page(403),
    "auth_page": _page(401, WWW_Authenticate="Negotiate"),
    "no_credits": _code(402),
    "no_credits_429": lambda key: Answer(200, json.dumps({"code": 429, "msg": f"no credit for {key}"}).encode()),
    "words_rejected": _code(400),
    "field_refused": _code(422),
    "unknown": _code(404),
    "exists": _code(409),
    "media_unavailable": _code(451),
    "too_fast": _code(429, Retry_After="900"),
    "maintenance": _code(455, Retry_After="900"),
    "broken": _code(500),
    "odd_code": _code(999),
    "gateway_page": _page(502, Retry_After="900"),
    "redirected": _page(302, Location="https://elsewhere.invalid/?key={key}"),
    "garbage": lambda key: Answer(200, b"\x1f\x8b" + _echo(key).encode()),
    "empty": lambda _key: Answer(200),
    "no_id": _data(lambda echo: {"job": echo}),
    "data_is_text": _data(lambda echo: echo),
    "data_is_a_list": _data(lambda echo: [echo]),
    "record_rejected": _record("SENSITIVE_WORD_ERROR"),
    "record_failed": _record("GENERATE_AUDIO_FAILED", errorCode=500),
    "record_finished": _record("SUCCESS"),
    "record_pending": _record("PENDING"),
    "truncated": _raw("HTTP/1.1 200 OK\r\nContent-Length: 9999", '{"code": 200, "msg": "{key}'),
    "dropped": _raw(""),
    "bad_status_line": _raw("HTTP/1.1 {key} {key}"),
    "bad_chunk": _raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked", "{key}\r\n{key}\r\n"),
    "badly_packed": _raw("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 60", "{key}{key}{key}{key}"),
    "bad_length": _raw("HTTP/1.1 200 OK\r\nContent-Length: {key}", "{key}"),
    "slow": _code(500),
}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Ignore clients that closed the connection."""


class AwkwardService:
    """
    Listen on the loopback interface; the first part of a path says what goes wrong.

    :param tls: serves HTTPS.
    :param cases: the replies by name.
    """

    def __init__(
        self, tls: ssl.SSLContext | None = None, cases: Mapping[str, Callable[[str], Answer]] | None = None
    ) -> None:
        self.seen: list[Seen] = []
        self.cases = CASES if cases is None else cases
        self._server = _Server(("127.0.0.1", 0), _handler_of(self))
        self._scheme = "https" if tls else "http"
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def url(self, case: str, host: str = "127.0.0.1") -> str:
        """Return the base URL of a case."""
        return f"{self._scheme}://{host}:{self.port}/{case}"

    def answer(self, seen: Seen) -> Answer:
        """Return the reply to a request."""
        case = seen.path.split("/")[1]
        key = seen.headers.get("Authorization", "").removeprefix("Bearer ")
        if case.startswith(LATE):
            case = case.removeprefix(LATE)
            if seen.method == "POST":
                return _envelope(key, 200, {"taskId": f"job-{case}-{len(self.seen)}"})
            if sum(earlier.path == seen.path for earlier in self.seen) == 1:
                return CASES["record_pending"](key)
        if case == "slow":
            time.sleep(SLOW)
        return self.cases[case](key)


def _handler_of(service: AwkwardService) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _reply(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            seen = Seen(self.command, self.path, dict(self.headers), body)
            service.seen.append(seen)
            answer = service.answer(seen)
            if answer.raw is not None:
                self.wfile.write(answer.raw if answer.raw.strip() else b"")
                return
            self.send_response(answer.status)
            for name, value in {**answer.headers, "Content-Length": str(len(answer.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        do_GET = do_POST = _reply  # noqa: N815

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    return Handler
