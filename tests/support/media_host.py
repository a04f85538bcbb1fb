"""A media host that behaves as badly as it is told to, over real sockets."""

from __future__ import annotations

import gzip
import hashlib
import random
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Behaviour = Callable[["Exchange"], None]
"""Answers one request."""


def sound(size: int, seed: int = 0) -> bytes:
    """Return bytes that begin like an MP3 file."""
    return b"\xff\xfb\x90\x00" + random.Random(seed).randbytes(size - 4)


def wave(size: int, seed: int = 0) -> bytes:
    """Return bytes that begin like a WAV file."""
    return b"RIFF" + struct.pack("<I", size - 8) + b"WAVEfmt " + random.Random(seed).randbytes(size - 16)


def film(size: int = 20_000, brand: bytes = b"isom") -> bytes:
    """Return bytes that begin like an MP4 file."""
    return b"\0\0\0\x20ftyp" + brand + random.Random(0).randbytes(size - 12)


def picture(size: int = 20_000) -> bytes:
    """Return bytes that begin like a PNG file."""
    return b"\x89PNG\r\n\x1a\n" + random.Random(0).randbytes(size - 8)


class Exchange(BaseHTTPRequestHandler):
    """One connection to the host."""

    protocol_version = "HTTP/1.1"
    host: MediaHost

    def do_GET(self) -> None:
        self.host.requests.append(dict(self.headers))
        try:
            with self.host.lock:
                behaviour = self.host.script.pop(0) if self.host.script else self.host.usual
            behaviour(self)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        pass

    @property
    def content(self) -> bytes:
        return self.host.files.get(self.path.partition("?")[0], b"")

    def head(self, status: int, headers: dict[str, Any]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, str(value))
        self.end_headers()

    def hang_up(self) -> None:
        """Close the connection with a reset, as a host does that dies."""
        self.close_connection = True
        with suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.shutdown(socket.SHUT_RDWR)


def _span(exchange: Exchange) -> tuple[int, dict[str, Any]]:
    """Return where the body begins, and the headers, as ``Range`` and ``If-Range`` ask."""
    content, headers = exchange.content, exchange.headers
    etag = f'"{hashlib.md5(content).hexdigest()}"'
    asked = re.fullmatch(r"bytes=(\d+)-", headers.get("Range", ""))
    if asked is None or headers.get("If-Range") != etag:
        return 0, {"ETag": etag, "Content-Length": len(content)}
    start = int(asked[1])
    span = f"bytes {start}-{len(content) - 1}/{len(content)}"
    return start, {"ETag": etag, "Content-Length": len(content) - start, "Content-Range": span}


def serve(exchange: Exchange) -> None:
    """Serve the file, or the rest of it."""
    if exchange.path.partition("?")[0] not in exchange.host.files:
        answer(404)(exchange)
        return
    start, headers = _span(exchange)
    if exchange.headers.get("If-None-Match") == headers["ETag"]:
        exchange.head(304, {"ETag": headers["ETag"]})
        return
    exchange.head(206 if "Content-Range" in headers else 200, {"Content-Type": "audio/mpeg", **headers})
    exchange.wfile.write(exchange.content[start:])


def cut(share: float) -> Behaviour:
    """Serve a share of what is left, then break the connection."""

    def behave(exchange: Exchange) -> None:
        start, headers = _span(exchange)
        exchange.head(206 if "Content-Range" in headers else 200, headers)
        left = exchange.content[start:]
        exchange.wfile.write(left[: int(len(left) * share)])
        exchange.wfile.flush()
        time.sleep(0.01)
        exchange.hang_up()

    return behave


def cut_without_ranges(share: float) -> Behaviour:
    """Serve a share of the whole file whatever was asked for, then break the connection."""

    def behave(exchange: Exchange) -> None:
        exchange.head(200, {"Content-Length": len(exchange.content)})
        exchange.wfile.write(exchange.content[: int(len(exchange.content) * share)])
        exchange.wfile.flush()
        time.sleep(0.01)
        exchange.hang_up()

    return behave


def answer(status: int, body: bytes = b"", **headers: Any) -> Behaviour:
    """Answer with a status and a body."""

    def behave(exchange: Exchange) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        exchange.head(status, {"Content-Length": len(body), **named})
        exchange.wfile.write(body)

    return behave


def redirect(to: str) -> Behaviour:
    """Redirect to a URL."""
    return answer(302, Location=to)


def compressed(exchange: Exchange) -> None:
    """Serve the file compressed, which nobody asked for."""
    body = gzip.compress(exchange.content)
    exchange.head(200, {"Content-Encoding": "gzip", "Content-Length": len(body), "ETag": '"gz"'})
    exchange.wfile.write(body)


def chunked(exchange: Exchange) -> None:
    """Serve the file without telling its length."""
    exchange.head(200, {"Transfer-Encoding": "chunked"})
    for start in range(0, len(exchange.content), 10_000):
        block = exchange.content[start : start + 10_000]
        exchange.wfile.write(f"{len(block):x}\r\n".encode() + block + b"\r\n")
    exchange.wfile.write(b"0\r\n\r\n")


def claims(length: int) -> Behaviour:
    """Serve the file with a wrong length, without validators, and close."""

    def behave(exchange: Exchange) -> None:
        exchange.head(200, {"Content-Length": length})
        exchange.wfile.write(exchange.content)
        exchange.close_connection = True

    return behave


def endless(exchange: Exchange) -> None:
    """Serve for ever."""
    exchange.head(200, {"Connection": "close"})
    exchange.close_connection = True
    block = sound(64 * 1024)
    while not exchange.host.closing:
        exchange.wfile.write(block)


def drip(exchange: Exchange) -> None:
    """Serve a byte at a time."""
    _, headers = _span(exchange)
    exchange.head(200, headers)
    for byte in exchange.content:
        if exchange.host.closing:
            return
        exchange.wfile.write(bytes([byte]))
        exchange.wfile.flush()
        time.sleep(0.02)


def slow_headers(exchange: Exchange) -> None:
    """Send the headers a byte at a time."""
    for byte in b"HTTP/1.1 200 OK\r\nX-Padding: " + b"x" * 500:
        if exchange.host.closing:
            return
        exchange.wfile.write(bytes([byte]))
        exchange.wfile.flush()
        time.sleep(0.1)
    exchange.close_connection = True


def slowly(seconds: float) -> Behaviour:
    """Serve the file in ten parts, over some seconds."""

    def behave(exchange: Exchange) -> None:
        start, headers = _span(exchange)
        exchange.head(206 if "Content-Range" in headers else 200, headers)
        left = exchange.content[start:]
        size = len(left) // 10 + 1
        for at in range(0, len(left), size):
            exchange.wfile.write(left[at : at + size])
            exchange.wfile.flush()
            time.sleep(seconds / 10)

    return behave


@dataclass
class MediaHost:
    """
    The host: its files by path, what it does with the next requests, and the headers of those it got.

    :param usual: what it does when the script is over.
    """

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    script: list[Behaviour] = field(default_factory=list)
    requests: list[dict[str, str]] = field(default_factory=list)
    usual: Behaviour = serve
    closing: bool = False
    lock: Any = field(default_factory=threading.Lock)

    def add(self, path: str, content: bytes) -> str:
        """Add a file, and return its URL."""
        self.files[path] = content
        return self.url + path


@contextmanager
def media_host() -> Iterator[MediaHost]:
    """Run a host until the ``with`` block ends."""
    host = MediaHost()
    handler = type("_Exchange", (Exchange,), {"host": host})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        host.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield host
        finally:
            host.closing = True
            server.shutdown()
