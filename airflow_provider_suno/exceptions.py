"""What can go wrong with the Suno API: one class for each thing a reader would do next.

The classes know nothing of Airflow. Whether Airflow should try again is the attribute :attr:`SunoError.fatal`;
:mod:`airflow_provider_suno.task.failure` turns it into Airflow's own exceptions.
"""

from __future__ import annotations


class SunoError(Exception):
    """
    Be the root of every error of this provider.

    :param message: what happened and what to do next; holds the service's own ``msg`` verbatim.
    :param code: the envelope's ``code``, else the HTTP status; ``None`` when nothing was received.
    :param music_task_id: the music task it is about, when known.
    :param job_id: the job it is about, of any kind, when known.
    :param retry_after: seconds that the service asked to wait.
    :param fatal: whether this very error is fatal, where its class does not tell.
    :param refused: whether this very one is a sure refusal, where its class does not tell.
    """

    fatal: bool = False
    """True when trying the same again cannot help: Airflow fails the task at once, whatever ``retries`` says."""

    refused: bool = False
    """True when the service surely did not take the request: nothing was started, nothing is charged."""

    may_pass: bool = False
    """True when it fails new requests; a running wait may outlive it."""

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
        """Survive pickling with the keyword-only attributes."""
        return (type(self), (self.message,), self.__dict__)


class SunoAuthError(SunoError):
    """The API key is missing, wrong or not allowed: mend the connection."""

    fatal = True
    refused = True


class SunoInsufficientCreditsError(SunoError):
    """The account has no credits left, or its key has reached a cap: top up."""

    fatal = True
    refused = True


class SunoNotFoundError(SunoError):
    """The path or the id is not known to the service: check the base URL or the id."""

    fatal = True
    refused = True


class SunoConflictError(SunoError):
    """
    It exists already (a persona of this track): use the one there is.

    :param after_doubt: an earlier send of our own was lost and probably made it.
    """

    fatal = True
    refused = True
    after_doubt = False


class SunoValidationError(SunoError):
    """A field is not what the API takes: mend the request. Raised before sending wherever that is possible."""

    fatal = True
    refused = True


class SunoMediaUnavailableError(SunoError):
    """The service could not fetch the source media: check its URL."""

    fatal = True
    refused = True


class SunoRateLimitError(SunoError):
    """Too many requests at once for longer than the hook waits: try later, or use a pool."""

    refused = True


class SunoMaintenanceError(SunoError):
    """The service is under maintenance for longer than the hook waits: try later."""

    refused = True


class SunoUnavailableError(SunoError):
    """
    The service answered nothing usable, or could not be reached: try later.

    :attr:`refused` is set on the instance when the connection was never made.
    """


class SunoProtocolError(SunoError):
    """A reply is not what the API promises: look at the first bytes in the message (wrong host, a proxy's page?)."""


class SunoLostReplyError(SunoError):
    """A submit may have been charged, but its answer never arrived or makes no sense: look before paying again."""

    fatal = True


class SunoJournalError(SunoError):
    """What earlier tries submitted cannot be read or written down: try later, since to submit blindly may pay twice."""


class SunoMusicTaskNotFinishedError(SunoError):
    """A persona was asked of a music task that is still running: wait for it first."""


class SunoJobFailedError(SunoError):
    """The job ended badly; its credits are given back."""


class SunoMusicTaskFailedError(SunoJobFailedError):
    """The music task ended badly; its credits are given back."""


class SunoContentRejectedError(SunoError):
    """The music task was refused for its words or its audio: change them."""

    fatal = True


class SunoJobTimeoutError(SunoError):
    """Our deadline passed while the job was still running; it goes on at the service."""


class SunoMusicTaskTimeoutError(SunoJobTimeoutError):
    """Our deadline passed while the music task was still running; it goes on at the service."""
