"""
HTTP sessions that always come to an end, and that know when nothing can have been sent.

``requests`` leaves three things open that matter where a request costs money. Its read timeout holds for each byte, so
a server that drips holds the caller for ever. A reply that redirects is read whole and its address taken apart even
when nobody wants to follow it. And only the words of an error tell whether it came before the request was sent.

And for each request it asks the environment for proxies and merges what the session has of its own, which takes a
quarter of a look's processor time; here the environment is asked once, and a session has nothing of its own.
"""

from __future__ import annotations

import io
import socket
import time
import weakref
from contextlib import suppress
from functools import lru_cache
from http.client import HTTPResponse
from typing import Any
from urllib.parse import urlsplit

import requests
from pydantic import Secret
from requests.adapters import DEFAULT_POOLSIZE, HTTPAdapter

WHOLE_REPLY = 2
"""A whole reply, its head included, may take as many times the read timeout."""

_NOTHING_SENT = "The connection was not made yet: nothing was sent."


class SlowReplyError(TimeoutError):
    """Bytes come, but the reply as a whole takes too long."""


def never_sent(error: Exception) -> Exception:
    """Return an error with the note that it was raised before the request could leave."""
    error.add_note(_NOTHING_SENT)
    return error


def was_never_sent(error: BaseException) -> bool:
    """
    Return whether an error was raised before the request could leave: while the connection was made.

    Its class does not tell: urllib3 also blames the proxy when that breaks off after the request.
    """
    return _NOTHING_SENT in getattr(error, "__notes__", ())


class BoundedSession(requests.Session):
    """
    Send requests whose replies end in time, and follow no redirect.

    A request goes as it is: headers, cookies, hooks, ``auth`` and ``params`` of the session are not added, nor those
    of ``netrc``.

    :param connections: how many are kept open to a host.
    """

    def __init__(self, connections: int = DEFAULT_POOLSIZE) -> None:
        super().__init__()
        # URLs of proxies may hold passwords.
        self._environments: dict[Secret[Any], Secret[Any]] = {}
        self._connections = _Connections()
        for scheme in ("https://", "http://"):
            self.mount(scheme, _BoundedAdapter(self._connections, pool_maxsize=connections))

    def send_within(self, seconds: float) -> None:
        """
        Let a body take its time: by default what bounds the making of a connection bounds each step of sending, too.

        :param seconds: without progress.
        """
        self._connections.send_timeout = seconds

    def break_off(self) -> None:
        """End the requests under way, and let none begin: from a signal handler too."""
        self._connections.break_off()

    def __setstate__(self, state: Any) -> None:
        """Become a copy."""
        super().__setstate__(state)  # type: ignore[misc]  # which the stubs do not know
        self._environments = {}

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        """Prepare a request as it is."""
        return request.prepare()

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        """Return what the environment, such as ``HTTPS_PROXY``, adds to the settings; it is asked once for a host."""
        asked = Secret((*urlsplit(url)[:2], *sorted(proxies.items()), stream, verify, cert))
        if asked not in self._environments:
            self._environments[asked] = Secret(super().merge_environment_settings(url, proxies, stream, verify, cert))
        return self._environments[asked].get_secret_value()

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002
        """Return nothing: this API never redirects, and such a reply is an error like any other."""
        return


class _Connections:
    """The connections of a session."""

    def __init__(self) -> None:
        self._all: weakref.WeakSet[Any] = weakref.WeakSet()
        self.broken_off = False
        self.send_timeout: float | None = None

    def add(self, connection: Any) -> None:
        self._all.add(connection)

    def break_off(self) -> None:
        self.broken_off = True
        for connection in list(self._all):
            with suppress(AttributeError, OSError):  # it has no socket yet, or none any more
                connection.sock.shutdown(socket.SHUT_RDWR)


class _BoundedAdapter(HTTPAdapter):
    def __init__(self, connections: _Connections, **kwargs: Any) -> None:
        self._connections = connections
        super().__init__(**kwargs)

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        """Return the pool for a request; whether direct or by a proxy, let its connections be bounded ones."""
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        pool.ConnectionCls = _bounded(pool.ConnectionCls)
        pool.conn_kw["connections"] = self._connections
        return pool


@lru_cache
def _bounded(connection_class: Any) -> Any:
    if issubclass(connection_class, _BoundedConnection):
        return connection_class
    return type(connection_class.__name__, (_BoundedConnection, connection_class), {})


class _BoundedConnection:
    """Add to a connection class that replies end, and that errors say when nothing was sent."""

    class _Reply(HTTPResponse):
        def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
            super().__init__(sock, *args, **kwargs)
            self.fp = io.BufferedReader(_BoundedReader(self.fp.detach(), sock))

    response_class = _Reply

    def __init__(self, *args: Any, connections: _Connections, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._connections = connections
        connections.add(self)

    def connect(self) -> None:
        """Connect, through the proxy and the TLS handshake if there are any."""
        try:
            super().connect()  # type: ignore[misc]
            if self._connections.send_timeout is not None:
                self.sock.settimeout(self._connections.send_timeout)  # type: ignore[attr-defined]
            if self._connections.broken_off:
                raise ConnectionAbortedError("the task was ended meanwhile")
        except Exception as error:
            never_sent(error)
            raise


class _BoundedReader(io.RawIOBase):
    """
    Read a reply from a socket, each byte within the socket's timeout, and all of them within a multiple of it.

    :param source: what reads the socket.
    :param sock: the socket.
    """

    def __init__(self, source: io.RawIOBase, sock: socket.socket) -> None:
        super().__init__()
        self._source = source
        self._sock = sock
        self._patience = sock.gettimeout()
        self._began = time.monotonic()

    def readinto(self, buffer: Any, /) -> int | None:
        """Read what is there."""
        if self._patience is None:
            return self._source.readinto(buffer)
        left = self._began + WHOLE_REPLY * self._patience - time.monotonic()
        if left <= 0:
            raise self._too_slow()
        self._sock.settimeout(min(self._patience, left))
        try:
            return self._source.readinto(buffer)
        except TimeoutError as timeout:
            raise (self._too_slow() if left < self._patience else timeout) from None

    def _too_slow(self) -> SlowReplyError:
        return SlowReplyError(f"its reply took longer than {time.monotonic() - self._began:.3g} s")

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def fileno(self) -> int:
        """Return the socket's."""
        return self._source.fileno()

    def close(self) -> None:
        """Let go of the socket."""
        self._source.close()
        super().close()
