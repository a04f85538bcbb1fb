"""
The secrets that callbacks are checked against, by connection.

A token says which connection it belongs to before it is verified, so anybody can ask for any. What is found and what is
not found are both kept for a while, and look-ups of connections that are not known are limited, so that a flood of bad
tokens does not become a flood of look-ups.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from airflow.providers.common.compat.sdk import AirflowNotFoundException

from airflow_provider_suno.api.text import excerpt
from airflow_provider_suno.exceptions import SunoError
from airflow_provider_suno.hooks.connection import CallbackSettings, ConnectionSettings, read_connection

log = logging.getLogger(__name__)

_KEPT_FOR = 60.0
_MOST_KEPT = 1000
_LOOK_UPS_PER_SECOND = 5.0
_MOST_LOOK_UPS = 20.0
_NONE = CallbackSettings("")
_ID = re.compile(r"[\w#!()\-.:/\\]{1,200}")
"""What Airflow takes for the id of a connection."""


class NotLookedUpError(Exception):
    """The connection could not be looked up for now: the service is to send the callback again."""


class CallbackSecrets:
    """Look up the callback settings of connections, and keep them."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[float, CallbackSettings]] = OrderedDict()
        self._running: dict[str, asyncio.Future[CallbackSettings]] = {}
        self._allowed, self._allowed_at = _MOST_LOOK_UPS, time.monotonic()
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="suno-callback-secrets")

    async def of(self, suno_conn_id: str | None) -> CallbackSettings:
        """
        Return the settings of a connection; without secrets if it is not known, or has none.

        :raises NotLookedUpError: when that cannot be told for now.
        """
        if suno_conn_id is None or not _ID.fullmatch(suno_conn_id):
            return _NONE
        now = time.monotonic()
        expires_at, kept = self._kept.get(suno_conn_id, (0.0, _NONE))
        if now < expires_at:
            return kept
        if suno_conn_id not in self._running:
            if not kept.secrets and not self._may_look_up(now):
                raise NotLookedUpError
            look_up = asyncio.get_running_loop().run_in_executor(self._pool, partial(_settings_of, suno_conn_id))
            self._running[suno_conn_id] = look_up
        try:
            found = await asyncio.shield(self._running[suno_conn_id])
        except NotLookedUpError:
            if kept.secrets:
                return kept
            raise
        finally:
            self._running.pop(suno_conn_id, None)
        self._kept[suno_conn_id] = (now + _KEPT_FOR, found)
        self._kept.move_to_end(suno_conn_id)
        while len(self._kept) > _MOST_KEPT:
            self._forget_one()
        return found

    def _forget_one(self) -> None:
        """Forget the connection that was looked up first, one without secrets if there is any."""
        without = (conn_id for conn_id, (_, settings) in self._kept.items() if not settings.secrets)
        del self._kept[next(without, next(iter(self._kept)))]

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
    except (AirflowNotFoundException, LookupError):  # anybody can name any connection
        return _NONE
    except SunoError as problem:
        log.warning("callbacks through connection %r cannot be checked: %s", suno_conn_id, problem)
        return _NONE
    except Exception as problem:
        log.warning("connection %r cannot be read for now: %s", suno_conn_id, excerpt(problem, 300))
        raise NotLookedUpError from problem


def look_up(suno_conn_id: str) -> ConnectionSettings:
    """
    Return the settings of a connection, as the API server knows it; for use in a thread.

    :raises LookupError: when it is not one of this provider.
    """
    from airflow.models.connection import Connection

    # No variable holds the connection: tracebacks keep locals alive, and it holds the key.
    return read_connection(*_with_extra(Connection.get_connection_from_secrets(suno_conn_id)))


def _with_extra(connection: object) -> tuple[object, dict[str, object]]:
    if connection.conn_type != "suno":  # type: ignore[attr-defined]
        raise LookupError("not a connection of this provider")
    return connection, connection.extra_dejson  # type: ignore[attr-defined]
