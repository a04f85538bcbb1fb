"""
The secrets that callbacks are checked against, by connection.

A token says which connection it belongs to before it is verified, so anybody can ask for any. What is found and what is
not found are both kept for a while, and look-ups of connections that are not known are limited, so that a flood of bad
tokens does not become a flood of look-ups.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from airflow_provider_suno.api.text import excerpt
from airflow_provider_suno.exceptions import SunoError
from airflow_provider_suno.hooks.connection import CallbackSettings, ConnectionSettings, read_connection

log = logging.getLogger(__name__)

_KEPT_FOR = 60.0
_MOST_KEPT = 1000
_LOOK_UPS_PER_SECOND = 5.0
_MOST_LOOK_UPS = 20.0
_NONE = CallbackSettings("")


class CallbackSecrets:
    """Look up the callback settings of connections, and keep them."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[float, CallbackSettings]] = OrderedDict()
        self._running: dict[str, asyncio.Future[CallbackSettings]] = {}
        self._allowed, self._allowed_at = _MOST_LOOK_UPS, time.monotonic()
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="suno-callback-secrets")

    async def of(self, suno_conn_id: str | None) -> CallbackSettings:
        """Return the settings of a connection; without secrets if it is not known, or has none."""
        if suno_conn_id is None:
            return _NONE
        now = time.monotonic()
        expires_at, kept = self._kept.get(suno_conn_id, (0.0, _NONE))
        if now < expires_at:
            return kept
        if suno_conn_id not in self._running:
            if not kept.secrets and not self._may_look_up(now):
                return _NONE
            look_up = asyncio.get_running_loop().run_in_executor(self._pool, partial(_settings_of, suno_conn_id))
            self._running[suno_conn_id] = look_up
        try:
            found = await asyncio.shield(self._running[suno_conn_id])
        finally:
            self._running.pop(suno_conn_id, None)
        self._kept[suno_conn_id] = (now + _KEPT_FOR, found)
        self._kept.move_to_end(suno_conn_id)
        while len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
        return found

    def _may_look_up(self, now: float) -> bool:
        """Return whether another unknown connection may be looked up now."""
        since = now - self._allowed_at
        self._allowed, self._allowed_at = min(_MOST_LOOK_UPS, self._allowed + since * _LOOK_UPS_PER_SECOND), now
        if self._allowed < 1:
            return False
        self._allowed -= 1
        return True


def _settings_of(suno_conn_id: str) -> CallbackSettings:
    try:
        return look_up(suno_conn_id).callbacks
    except SunoError as problem:
        log.warning("callbacks through connection %r cannot be checked: %s", suno_conn_id, problem)
    except Exception as problem:  # noqa: BLE001  # such as that there is no such connection: anybody can name any
        log.debug("connection %s cannot be read: %s", excerpt(suno_conn_id), excerpt(problem, 300))
    return _NONE


def look_up(suno_conn_id: str) -> ConnectionSettings:
    """Return the settings of a connection, as the API server knows it; for use in a thread."""
    from airflow.models.connection import Connection

    # No variable holds the connection: tracebacks keep locals alive, and it holds the key.
    return read_connection(*_with_extra(Connection.get_connection_from_secrets(suno_conn_id)))


def _with_extra(connection: object) -> tuple[object, dict[str, object]]:
    return connection, connection.extra_dejson  # type: ignore[attr-defined]
