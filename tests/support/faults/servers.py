"""Servers that do what the simulator, which speaks HTTP, cannot: TLS and sockets gone wrong, and replies of no kind."""

from __future__ import annotations

import gzip
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any
from unittest.mock import patch

import requests
import trustme

from airflow_provider_suno.simulator.embedding import RunningSimulator
from tests.support.generating import GENERATE, GENERATE_PERSONA

HOST = "127.0.0.1"
BEHIND_A_PROXY = "http://api.example"
DRIP = 0.2
LONG = 60.0
"""Seconds that a server keeps up what it does: a client that waits for the end of it fails its test."""

Connection = dict[str, Any]
Server = Callable[[RunningSimulator, Path], AbstractContextManager[Connection]]
Spoil = Callable[["Line", bytes], None]


@dataclass(frozen=True)
class Line:
    """
    One accepted connection.

    :param sock: what the caller's bytes come by, decrypted.
    :param raw: the TCP connection itself.
    """

    sock: socket.socket
    raw: socket.socket

    def send(self, data: bytes) -> None:
        """Send, encrypted if the connection is."""
        self.sock.sendall(data)

    def drip(self, data: bytes) -> None:
        """Send the same again and again."""
        give_up_at = time.monotonic() + LONG
        while time.monotonic() < give_up_at:
            self.sock.sendall(data)
            time.sleep(DRIP)

    def reset(self) -> None:
        """End the connection by a TCP reset."""
        self.raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.raw.close()
        self.sock.close()

    def cut(self) -> None:
        """End the connection without a word of TLS."""
        self.raw.shutdown(socket.SHUT_RDWR)


@contextmanager
def accepting(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """Serve each connection to a free port in a thread of its own, and yield the port."""
    listener = socket.create_server((HOST, 0))

    def converse(sock: socket.socket) -> None:
        with sock, suppress(OSError):
            serve(sock)

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=converse, args=(listener.accept()[0],), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


@contextmanager
def relay(
    sim: RunningSimulator, spoil: Spoil | None = None, tls: ssl.SSLContext | None = None, *, tunnel: bool = False
) -> Iterator[int]:
    """
    Stand before the simulator, which accepts and charges what comes by; spoil its reply to the first submission.

    :param spoil: what goes out in place of that reply; the true one is handed to it.
    :param tls: what to encrypt with.
    :param tunnel: whether to be a proxy that is asked for a tunnel first.
    """
    spoils = [] if spoil is None else [spoil]

    def serve(sock: socket.socket) -> None:
        raw = sock.dup()
        if tunnel:
            _request(sock)
            sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with raw, tls.wrap_socket(sock, server_side=True) if tls else sock as plain:
            line = Line(plain, raw)
            method, path, headers, body = _request(plain)
            path = path.removeprefix(BEHIND_A_PROXY)
            reply = _forward(sim, method, path, headers, body)
            if spoils and path in (GENERATE, GENERATE_PERSONA):
                spoils.pop()(line, reply)
            else:
                line.send(reply)

    with accepting(serve) as port:
        yield port


def _request(sock: socket.socket) -> tuple[str, str, dict[str, str], bytes]:
    with sock.makefile("rb") as stream:
        method, path, _ = stream.readline().decode().split()
        headers = {}
        while (line := stream.readline()).strip():
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        return method, path, headers, stream.read(int(headers.get("content-length", 0)))


def _forward(sim: RunningSimulator, method: str, path: str, headers: dict[str, str], body: bytes) -> bytes:
    kept = {name: headers[name] for name in ("authorization", "user-agent", "content-type") if name in headers}
    reply = requests.request(method, sim.url + path, headers=kept, data=body, timeout=10)
    status = f"HTTP/1.1 {reply.status_code} {HTTPStatus(reply.status_code).phrase}"
    return f"{status}\r\nContent-Length: {len(reply.content)}\r\nConnection: close\r\n\r\n".encode() + reply.content


def before(spoil: Spoil) -> Server:
    """Return a relay that spoils the reply to a submission."""

    @contextmanager
    def server(sim: RunningSimulator, _: Path) -> Iterator[Connection]:
        with relay(sim, spoil) as port:
            yield {"host": f"http://{HOST}:{port}"}

    return server


def by_proxy(spoil: Spoil) -> Server:
    """Return a proxy that hands all on, and spoils the reply to a submission."""

    @contextmanager
    def server(sim: RunningSimulator, _: Path) -> Iterator[Connection]:
        with relay(sim, spoil) as port:
            yield {"host": BEHIND_A_PROXY, "extra": {"proxies": f"http://{HOST}:{port}"}}

    return server


def over_tls(
    spoil: Spoil | None = None,
    name: str = HOST,
    age: timedelta = timedelta(0),
    *,
    trusted: bool = True,
    tunnel: bool = False,
) -> Server:
    """
    Return a relay behind TLS.

    :param spoil: how it spoils the reply to a submission.
    :param name: whose certificate it shows.
    :param age: since when that has expired.
    :param trusted: whether the connection's ``verify`` knows who signed it.
    :param tunnel: whether a proxy leads there.
    """

    @contextmanager
    def server(sim: RunningSimulator, folder: Path) -> Iterator[Connection]:
        authority = trustme.CA()
        ends = datetime.now(UTC) + timedelta(hours=1) - age
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name, not_before=ends - timedelta(days=2), not_after=ends).configure_cert(context)
        bundle = folder / "authority.pem"
        authority.cert_pem.write_to_path(str(bundle))
        extra = {"verify": str(bundle)} if trusted else {}
        with relay(sim, spoil, context, tunnel=tunnel) as port:
            proxy = {"proxies": f"http://{HOST}:{port}"} if tunnel else {}
            yield {"host": f"https://{HOST}:{port}", "extra": {**extra, **proxy}}

    return server


def in_the_handshake(serve: Callable[[Line], None]) -> Server:
    """Return a server that accepts a connection, and does this in place of a TLS handshake."""

    @contextmanager
    def server(_: RunningSimulator, __: Path) -> Iterator[Connection]:
        with accepting(lambda sock: serve(Line(sock, sock))) as port:
            yield {"host": f"https://{HOST}:{port}"}

    return server


def hang_up_on_hello(line: Line) -> None:
    line.sock.recv(64 * 1024)


def reset_on_hello(line: Line) -> None:
    line.sock.recv(1)
    line.reset()


def say_nothing(line: Line) -> None:
    line.sock.settimeout(LONG)
    while line.sock.recv(64 * 1024):
        pass


def hang_up(line: Line, _: bytes) -> None:
    line.cut()


def reset(line: Line, _: bytes) -> None:
    line.reset()


def tls_alert_to_plain_http(line: Line, _: bytes) -> None:
    line.send(b"\x15\x03\x01\x00\x02\x02\x46")


def text_amid_tls(line: Line, _: bytes) -> None:
    line.raw.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def cut_amid_tls(line: Line, reply: bytes) -> None:
    line.send(reply[:-20])
    line.cut()


def reset_amid_tls(line: Line, reply: bytes) -> None:
    line.send(reply[:-20])
    time.sleep(0.05)
    line.reset()


def redirect_to_no_address(line: Line, _: bytes) -> None:
    line.send(b"HTTP/1.1 302 Found\r\nLocation: http://[\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def redirect_that_drips(line: Line, _: bytes) -> None:
    line.send(b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n\r\n")
    line.drip(b".")


def continue_for_ever(line: Line, _: bytes) -> None:
    line.drip(b"HTTP/1.1 100 Continue\r\n\r\n")


def two_lengths(line: Line, reply: bytes) -> None:
    line.send(reply.replace(b"Content-Length: ", b"Content-Length: 1\r\nContent-Length: "))


def bomb(line: Line, _: bytes) -> None:
    body = gzip.compress(bytes(100_000_000))
    line.send(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


@contextmanager
def nobody(_: RunningSimulator, __: Path) -> Iterator[Connection]:
    """Nobody listens on the port."""
    with socket.socket() as reserved:
        reserved.bind((HOST, 0))
        yield {"host": f"http://{HOST}:{reserved.getsockname()[1]}"}


@contextmanager
def full_queue(_: RunningSimulator, __: Path) -> Iterator[Connection]:
    """Somebody listens who never accepts, and the system takes no further connection for it."""
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind((HOST, 0))
        listener.listen(0)
        for waiting in (first, second):
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        time.sleep(0.05)
        yield {"host": f"http://{HOST}:{listener.getsockname()[1]}"}


@contextmanager
def never_accepting(_: RunningSimulator, __: Path) -> Iterator[Connection]:
    """Somebody listens who never accepts; the system makes the connections, and keeps what is sent."""
    with socket.create_server((HOST, 0), backlog=64) as listener:
        yield {"host": f"http://{HOST}:{listener.getsockname()[1]}"}


@contextmanager
def plain_http(sim: RunningSimulator, _: Path) -> Iterator[Connection]:
    """The simulator itself, asked for TLS."""
    yield {"host": sim.url.replace("http:", "https:")}


@contextmanager
def no_such_host(_: RunningSimulator, __: Path) -> Iterator[Connection]:
    """A host that no name server knows."""
    yield {"host": "https://no-such-host.invalid"}


@contextmanager
def no_host_at_all(_: RunningSimulator, __: Path) -> Iterator[Connection]:
    """A host that cannot be one."""
    yield {"host": "https://api..invalid"}


@contextmanager
def silent_name_server(_: RunningSimulator, __: Path) -> Iterator[Connection]:
    """A name server that does not answer: the system's resolver asks for a while, then says so."""
    resolve = socket.getaddrinfo

    def ask(host: Any, *args: Any, **kwargs: Any) -> Any:
        if host != "api.example":
            return resolve(host, *args, **kwargs)
        time.sleep(0.2)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    with patch("socket.getaddrinfo", ask):
        yield {"host": "https://api.example"}


@contextmanager
def no_proxy(sim: RunningSimulator, _: Path) -> Iterator[Connection]:
    """The simulator, behind a proxy that is not there."""
    with nobody(sim, _) as nowhere:
        yield {"host": sim.url, "extra": {"proxies": nowhere["host"]}}


@contextmanager
def unwilling_proxy(_: RunningSimulator, __: Path) -> Iterator[Connection]:
    """A proxy that wants to know who is asking."""

    def refuse(sock: socket.socket) -> None:
        _request(sock)
        sock.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")

    with accepting(refuse) as port:
        yield {"host": "https://api.example", "extra": {"proxies": f"http://{HOST}:{port}"}}


@contextmanager
def dripping_proxy(_: RunningSimulator, __: Path) -> Iterator[Connection]:
    """A proxy that never comes to the end of its consent."""

    def drip(sock: socket.socket) -> None:
        _request(sock)
        Line(sock, sock).drip(b"H")

    with accepting(drip) as port:
        yield {"host": "https://api.example", "extra": {"proxies": f"http://{HOST}:{port}"}}
