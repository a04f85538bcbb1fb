"""
HTTP sessions whose requests always end, and whose errors tell when nothing was sent.

The read timeout of ``requests`` holds for each byte, so a server that sends a byte at a time can hold the caller for
ever. ``requests`` parses the target of a redirect even when nobody follows it. And only the text of its errors tells
whether the request was sent. It also merges settings of the environment and the session into each request, a quarter
of a poll's processor time: here the environment is asked once per host, and the session has no settings.
"""

from __future__ import annotations

import io
import socket
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from http.client import HTTPResponse
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from pydantic import Secret
from requests.adapters import DEFAULT_POOLSIZE, HTTPAdapter

WHOLE_REPLY = 2
"""How many times the read timeout a whole reply may take, its headers included."""

_NOTHING_SENT = "The connection was not made yet: nothing was sent."


class SlowReplyError(TimeoutError):
    """Bytes arrive, but the whole reply takes too long."""


def never_sent(error: Exception) -> Exception:
    """Return an error with a note that it was raised before the request was sent."""
    error.add_note(_NOTHING_SENT)
    return error


def was_never_sent(error: BaseException) -> bool:
    """
    Return whether an error was raised before the request was sent, that is, while connecting.

    Its class does not tell: urllib3 raises a ``ProxyError`` even when a proxy breaks off after the request.
    """
    return _NOTHING_SENT in getattr(error, "__notes__", ())


class BoundedSession(requests.Session):
    """
    Send requests whose replies end in time, and follow no redirect.

    Requests are sent as they are: without headers, cookies, hooks, ``auth`` or ``params`` of the session, and without
    ``.netrc``.

    :param connections: how many are kept open to each host.
    """

    def __init__(self, connections: int = DEFAULT_POOLSIZE) -> None:
        super().__init__()
        self._bounds = _Bounds()
        for scheme in ("https://", "http://"):
            self.mount(scheme, _BoundedAdapter(self._bounds, pool_maxsize=connections))

    def send_within(self, seconds: float) -> None:
        """Set how many seconds sending may go without progress; by default as many as connecting may take."""
        self._bounds.send_timeout = seconds

    def break_off(self) -> None:
        """End the requests that are running, and let no other connect; works from a signal handler."""
        self._bounds.broken_off = True
        for connection in list(self._bounds.connections):
            with suppress(AttributeError, OSError):  # it has no socket yet, or a closed one
                connection.sock.shutdown(socket.SHUT_RDWR)

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        """Prepare a request as it is."""
        return request.prepare()

    @cached_property
    def _environments(self) -> Secret[dict[Any, Any]]:
        """Settings merged with those of the environment; secret, since proxies' URLs may hold passwords."""
        return Secret({})

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        """Return the settings with those of the environment, such as ``HTTPS_PROXY``, which is asked once per host."""
        known = self._environments.get_secret_value()
        key = (*urlsplit(url)[:2], *sorted(proxies.items()), stream, verify, cert)
        if key not in known:
            known[key] = super().merge_environment_settings(url, proxies, stream, verify, cert)
        return known[key]

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002
        """Return ``None``: this API never redirects, so a redirect is an error like any other."""
        return


@dataclass
class _Bounds:
    """What a session's connections have to keep to."""

    connections: weakref.WeakSet[Any] = field(default_factory=weakref.WeakSet)
    broken_off: bool = False
    send_timeout: float | None = None
    whole_reply: bool = True
    """Whether a whole reply has to end within :data:`WHOLE_REPLY` times the read timeout."""
    connect: Callable[..., socket.socket] | None = None
    """Makes the socket of a direct connection, from its host, its port, the timeout and urllib3's options."""


class _BoundedAdapter(HTTPAdapter):
    def __init__(self, bounds: _Bounds, **kwargs: Any) -> None:
        self._bounds = bounds
        super().__init__(**kwargs)

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        """Return the pool for a request, direct or through a proxy, whose connections are bounded ones."""
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        pool.ConnectionCls = _bounded(pool.ConnectionCls)
        pool.conn_kw["bounds"] = self._bounds
        return pool


@lru_cache
def _bounded(connection_class: Any) -> Any:
    if issubclass(connection_class, _BoundedConnection):
        return connection_class
    return type(connection_class.__name__, (_BoundedConnection, connection_class), {})


class _BoundedConnection:
    """Bound the replies of a connection class, and note on its errors when nothing was sent."""

    class _Reply(HTTPResponse):
        def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
            super().__init__(sock, *args, **kwargs)
            self._reader = _BoundedReader(self.fp.detach(), sock)
            self.fp = io.BufferedReader(self._reader)

    class _ReplyWithFile(_Reply):
        def begin(self) -> None:
            super().begin()
            self._reader.end_bound()  # the headers are in; the file may take as long as it needs

    response_class = _Reply

    def __init__(self, *args: Any, bounds: _Bounds, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._bounds = bounds
        if not bounds.whole_reply:
            self.response_class = self._ReplyWithFile
        bounds.connections.add(self)

    def _new_conn(self) -> socket.socket:
        """Make the socket; through a proxy as urllib3 does it, since the proxy connects to the host."""
        connection: Any = self
        if self._bounds.connect is None or connection.proxy is not None:
            return super()._new_conn()  # type: ignore[misc, no-any-return]
        options = {"source_address": connection.source_address, "socket_options": connection.socket_options}
        try:
            return self._bounds.connect(connection._dns_host, connection.port, connection.timeout, **options)
        except socket.gaierror as error:
            raise urllib3.exceptions.NameResolutionError(connection.host, connection, error) from error
        except TimeoutError as error:
            raise urllib3.exceptions.ConnectTimeoutError(connection, "connecting took too long") from error
        except OSError as error:
            raise urllib3.exceptions.NewConnectionError(connection, f"no connection: {error}") from error

    def connect(self) -> None:
        """Connect, through the proxy and the TLS handshake if there are any."""
        try:
            super().connect()  # type: ignore[misc]
            if self._bounds.send_timeout is not None:
                self.sock.settimeout(self._bounds.send_timeout)  # type: ignore[attr-defined]
            if self._bounds.broken_off:
                raise ConnectionAbortedError("the task was killed while it connected")
        except Exception as error:
            never_sent(error)
            raise


class _BoundedReader(io.RawIOBase):
    """Read a reply: each byte within the socket's timeout, the whole within :data:`WHOLE_REPLY` times that."""

    def __init__(self, source: io.RawIOBase, sock: socket.socket) -> None:
        super().__init__()
        self._source = source
        self._sock = sock
        self._timeout = sock.gettimeout()
        self._began = time.monotonic()
        self._is_bounded = True

    def end_bound(self) -> None:
        """Let what is left of the reply take as long as it needs."""
        self._is_bounded = False
        self._sock.settimeout(self._timeout)

    def readinto(self, buffer: Any, /) -> int | None:
        if self._timeout is None or not self._is_bounded:
            return self._source.readinto(buffer)
        left = self._began + WHOLE_REPLY * self._timeout - time.monotonic()
        if left <= 0:
            raise self._too_slow()
        self._sock.settimeout(min(self._timeout, left))
        try:
            return self._source.readinto(buffer)
        except TimeoutError as timeout:
            raise (self._too_slow() if left < self._timeout else timeout) from None

    def _too_slow(self) -> SlowReplyError:
        return SlowReplyError(f"its reply took longer than {time.monotonic() - self._began:.3g} s")

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._source.fileno()

    def close(self) -> None:
        self._source.close()
        super().close()
