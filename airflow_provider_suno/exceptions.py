"""Errors of the Suno API: one class for each thing a user would do next.

They are independent of Airflow. :attr:`SunoError.fatal` says whether Airflow should retry;
:mod:`airflow_provider_suno.task.failure` turns it into Airflow's own exceptions.
"""

from __future__ import annotations

from typing import Any


class SunoError(Exception):
    """
    Root class of all errors of this provider.

    :param message: what happened and what to do next; includes the service's own ``msg``.
    :param code: the envelope's ``code``, else the HTTP status; ``None`` when there was no reply.
    :param music_task_id: the music task it is about, when known.
    :param job_id: the job it is about, of any kind, when known.
    :param retry_after: seconds that the service asked to wait.
    :param fatal: overrides the class's :attr:`fatal`.
    :param refused: overrides the class's :attr:`refused`.
    """

    fatal: bool = False
    """Whether a retry cannot help: Airflow then fails the task at once, whatever ``retries`` says."""

    refused: bool = False
    """Whether the service surely did not accept the request: nothing was started, nothing is charged."""

    may_pass: bool = False
    """Whether it fails new requests only; a running wait may outlive it."""

    in_envelope: bool = False
    """Whether the API's own envelope told it, not only an HTTP status."""

    data: Any = None
    """The ``data`` of a reply that refuses, if it has any."""

    def __init__(
        self,
        message: str,
        *,
        code: int | None = None,
        music_task_id: str | None = None,
        job_id: str | None = None,
        retry_after: float | None = None,
        fatal: bool | None = None,
        refused: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.music_task_id = music_task_id
        self.job_id = job_id or music_task_id
        self.retry_after = retry_after
        if fatal is not None:
            self.fatal = fatal
        if refused is not None:
            self.refused = refused

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the attributes too: they are keyword-only, so the message alone would be kept."""
        return (type(self), (self.message,), self.__dict__)


class SunoAuthError(SunoError):
    """The API key is missing, wrong or not allowed: correct the connection."""

    fatal = True
    refused = True


class SunoInsufficientCreditsError(SunoError):
    """The account has no credits left, or the key has reached its limit: top up."""

    fatal = True
    refused = True


class SunoNotFoundError(SunoError):
    """The service does not know the path or the id: check the base URL or the id."""

    fatal = True
    refused = True


class SunoConflictError(SunoError):
    """
    It exists already (such as the persona of this track): use the existing one.

    :ivar after_lost_reply: whether an earlier request of ours, whose reply was lost, probably made it.
    """

    fatal = True
    refused = True
    after_lost_reply = False


class SunoValidationError(SunoError):
    """The request has a wrong field: correct it. Raised before anything is sent wherever that is possible."""

    fatal = True
    refused = True


class SunoMediaUnavailableError(SunoError):
    """The service could not fetch the source media: check its URL."""

    fatal = True
    refused = True


class SunoRateLimitError(SunoError):
    """The rate limit was exceeded for longer than the hook waits: try later, or use a pool."""

    refused = True


class SunoMaintenanceError(SunoError):
    """The service is under maintenance for longer than the hook waits: try later."""

    refused = True


class SunoUnavailableError(SunoError):
    """
    The service could not be reached or sent no usable reply: try later.

    :attr:`refused` is set when there was no connection, so nothing was sent.
    """


class SunoProtocolError(SunoError):
    """A reply does not follow the API: the message shows its first bytes (a wrong host, a proxy's page?)."""


class SunoDownloadError(SunoError):
    """A finished file could not be fetched or kept: try later. The job is paid for; fetching its files is free."""


class SunoFileGoneError(SunoDownloadError):
    """The media host no longer has the file, or its link has expired: ask for the record again, or recover it."""


class SunoLostReplyError(SunoError):
    """A submission may have been charged, but its reply was lost or unusable: check before paying again."""

    fatal = True


class SunoJournalError(SunoError):
    """The record of earlier submissions cannot be read or written: try later, since submitting now may pay twice."""


class SunoJobNotFinishedError(SunoError):
    """The job is still running: wait for it before its files are kept."""


class SunoMusicTaskNotFinishedError(SunoJobNotFinishedError):
    """The music task is still running: wait for it before making a persona or an extension of it."""


class SunoJobFailedError(SunoError):
    """The job failed; the service refunds its credits."""


class SunoMusicTaskFailedError(SunoJobFailedError):
    """The music task failed; the service refunds its credits."""


class SunoContentRejectedError(SunoError):
    """The service rejected the music task for its words or its audio: change them."""

    fatal = True


class SunoJobTimeoutError(SunoError):
    """The wait timed out; the job continues at the service."""


class SunoMusicTaskTimeoutError(SunoJobTimeoutError):
    """The wait timed out; the music task continues at the service."""
