"""The credentials of an account in the triggerer: when to look up its connection, and whose waits a bad key ends."""

from __future__ import annotations

import logging
import math
import time
from enum import Enum, auto

from airflow_provider_suno.api.jobs import JobRef
from airflow_provider_suno.exceptions import SunoError, SunoValidationError
from airflow_provider_suno.hooks.connection import ConnectionSettings
from airflow_provider_suno.polling import limits
from airflow_provider_suno.triggers.account import (
    AccountReader,
    UnknownConnectionError,
    account_settings,
    unexpected_failure,
)

log = logging.getLogger(__name__)


class KeyRefusal(Enum):
    """Which waits a refusal of the key ends."""

    IGNORED = auto()
    ENDS_THIS_WAIT = auto()
    ENDS_ALL_WAITS = auto()


class Credentials:
    """
    The account and its key, for all who wait on it.

    A refusal of the key may be a stray one, or the key was rotated. So the first refusal only makes the poller look up
    the connection again. If the connection still holds the same key, a refusal for a second job without an answer in
    between shows that the key is bad: all waits end. A second refusal for the same job ends the waits for that job.

    :param suno_conn_id: the connection.
    """

    def __init__(self, suno_conn_id: str) -> None:
        self._suno_conn_id = suno_conn_id
        self._account: AccountReader | None = None
        self._must_look_up = False
        self._looked_up_at = -math.inf
        """When the connection was last read."""
        self._refused_at: dict[JobRef, float] = {}
        """When the first refused poll of each job was sent; forgotten when the key is accepted for that job."""
        self._refused_since_answer: set[JobRef] = set()
        self.next_look_up_at = -math.inf
        """When the connection may be looked up, on a clock that never goes back."""
        self._unknown_since: float | None = None

    @property
    def account(self) -> AccountReader | None:
        """The account, unless the connection has to be looked up first."""
        return None if self._must_look_up else self._account

    async def look_up(self) -> ConnectionSettings | SunoError:
        """Look up the connection; only a :class:`SunoUnavailableError` may pass."""
        try:
            settings = await account_settings(self._suno_conn_id)
            if self._account is None or self._account.client.settings != settings.client:
                self.close()
                self._account = AccountReader(settings)
            self._must_look_up = False
            self._unknown_since = None
            self._looked_up_at = time.monotonic()
        except UnknownConnectionError as error:
            self._unknown_since = self._unknown_since or time.monotonic()
            grace_is_over = time.monotonic() - self._unknown_since >= limits.DEFAULT.unknown_connection_grace
            return SunoValidationError(error.message) if grace_is_over else error
        except SunoError as error:
            return error
        except Exception as error:
            log.exception("The look-up of the connection %s failed unexpectedly", self._suno_conn_id)
            return unexpected_failure(f"The look-up of the connection {self._suno_conn_id!r}", error)
        finally:
            self.next_look_up_at = time.monotonic() + limits.DEFAULT.shortest_gap
        return settings

    def answered(self, job: JobRef) -> None:
        """Note that the key was accepted for a job."""
        self._refused_at.pop(job, None)
        self._refused_since_answer.clear()

    def forget(self, job: JobRef) -> None:
        """Forget a job that nobody waits for any more."""
        self._refused_at.pop(job, None)
        self._refused_since_answer.discard(job)

    def key_was_refused(self, job: JobRef, account: AccountReader, sent_at: float) -> KeyRefusal:
        """
        Note a refusal of the key, and return which waits it ends.

        :param account: the account that polled the job.
        :param sent_at: when it did, on a clock that never goes back.
        """
        if account is not self._account:
            return KeyRefusal.IGNORED  # the key was rotated since
        with_this_key = {each for each, at in self._refused_at.items() if at <= self._looked_up_at}
        self._refused_at.setdefault(job, sent_at)
        self._refused_since_answer.add(job)
        if sent_at <= self._looked_up_at:
            return KeyRefusal.IGNORED
        if (with_this_key & self._refused_since_answer) - {job}:
            self._must_look_up = True  # for the next waiter
            self._forget_refusals()
            return KeyRefusal.ENDS_ALL_WAITS
        if job in with_this_key:
            return KeyRefusal.ENDS_THIS_WAIT
        self._must_look_up = True
        return KeyRefusal.IGNORED

    def close(self) -> None:
        """Close the account; polls in flight end by themselves."""
        self._must_look_up = False
        self._unknown_since = None
        self._forget_refusals()
        account, self._account = self._account, None
        if account is not None:
            account.close()

    def _forget_refusals(self) -> None:
        self._refused_at.clear()
        self._refused_since_answer.clear()
