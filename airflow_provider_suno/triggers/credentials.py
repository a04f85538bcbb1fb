"""The way to an account: its connection, looked up when somebody waits, and again when its key is refused."""

from __future__ import annotations

import logging
import math
import time
from enum import Enum, auto

from airflow_provider_suno.api.jobs import JobRef
from airflow_provider_suno.exceptions import SunoError, SunoValidationError
from airflow_provider_suno.hooks.connection import ConnectionSettings
from airflow_provider_suno.polling.wait import SHORTEST_GAP
from airflow_provider_suno.triggers.account import (
    AccountReader,
    UnknownConnectionError,
    account_settings,
    unexpected_failure,
)

log = logging.getLogger(__name__)

_UNKNOWN_GRACE = 60.0
"""Seconds for which a connection may be unknown: Airflow says so, too, when it could not be asked."""


class KeyRefusal(Enum):
    """Whose wait a refusal of the key ends."""

    IGNORED = auto()
    ENDS_THIS_WAIT = auto()
    ENDS_ALL_WAITS = auto()


class Credentials:
    """
    Reach an account for all who wait on it.

    A refusal of the key may be a stray one, or the key was rotated: so the connection is looked up again. If it still
    holds the same key, that is known to be refused once it is refused for two music tasks without an answer in between;
    a second refusal of the same one, with or without, is that one's own.

    :param suno_conn_id: the connection.
    """

    def __init__(self, suno_conn_id: str) -> None:
        self._suno_conn_id = suno_conn_id
        self._account: AccountReader | None = None
        self._in_doubt = False
        self._looked_up_at = -math.inf
        """When the connection last told the key that is in use."""
        self._refused_at: dict[JobRef, float] = {}
        """When the look began for which the key was first refused, by music task, until it is good for that one."""
        self._refused_since_answer: set[JobRef] = set()
        self.look_up_from = -math.inf
        """When the connection may be looked up, on a clock that never goes back."""
        self._unknown_since: float | None = None

    @property
    def account(self) -> AccountReader | None:
        """The account, unless the connection has to be looked up first."""
        return None if self._in_doubt else self._account

    async def look_up(self) -> ConnectionSettings | SunoError:
        """Look the connection up; trouble that may pass is a :class:`SunoUnavailableError`, all other is final."""
        try:
            settings = await account_settings(self._suno_conn_id)
            self._reach(settings)
        except UnknownConnectionError as error:
            self._unknown_since = self._unknown_since or time.monotonic()
            grace_is_over = time.monotonic() - self._unknown_since >= _UNKNOWN_GRACE
            return SunoValidationError(error.message) if grace_is_over else error
        except SunoError as error:
            return error
        except Exception as error:
            log.exception("The look-up of the connection %s broke", self._suno_conn_id)
            return unexpected_failure(f"The look-up of the connection {self._suno_conn_id!r}", error)
        finally:
            self.look_up_from = time.monotonic() + SHORTEST_GAP
        return settings

    def answered(self, job: JobRef) -> None:
        """Note that the key was good for a music task."""
        self._refused_at.pop(job, None)
        self._refused_since_answer.clear()

    def forget(self, job: JobRef) -> None:
        """Note that nobody waits for a music task any more."""
        self._refused_at.pop(job, None)
        self._refused_since_answer.discard(job)

    def key_was_refused(self, job: JobRef, account: AccountReader, sent_at: float) -> KeyRefusal:
        """
        Note that the key was refused, and tell whose wait that ends.

        :param job: what was looked at.
        :param account: by which account.
        :param sent_at: when, on a clock that never goes back.
        """
        if account is not self._account:
            return KeyRefusal.IGNORED  # it was the key of yesterday
        with_this_key = {each for each, at in self._refused_at.items() if at <= self._looked_up_at}
        self._refused_at.setdefault(job, sent_at)
        self._refused_since_answer.add(job)
        if sent_at <= self._looked_up_at:
            return KeyRefusal.IGNORED
        if (with_this_key & self._refused_since_answer) - {job}:
            self._in_doubt = True  # for whoever comes after them
            self._forget_refusals()
            return KeyRefusal.ENDS_ALL_WAITS
        if job in with_this_key:
            return KeyRefusal.ENDS_THIS_WAIT
        self._in_doubt = True
        return KeyRefusal.IGNORED

    def close(self) -> None:
        """Let go of the account; what is on its way ends by itself."""
        self._in_doubt = False
        self._unknown_since = None
        self._forget_refusals()
        account, self._account = self._account, None
        if account is not None:
            account.close()

    def _reach(self, settings: ConnectionSettings) -> None:
        if self._account is None or self._account.client.settings != settings.client:
            self.close()
            self._account = AccountReader(settings)
        self._in_doubt = False
        self._unknown_since = None
        self._looked_up_at = time.monotonic()

    def _forget_refusals(self) -> None:
        self._refused_at.clear()
        self._refused_since_answer.clear()
