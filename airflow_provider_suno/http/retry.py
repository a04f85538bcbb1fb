"""Decide which failed calls may be sent again, and after how long."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from airflow_provider_suno.exceptions import (
    SunoConflictError,
    SunoError,
    SunoLostReplyError,
    SunoMaintenanceError,
    SunoRateLimitError,
)


@dataclass(frozen=True)
class RetryLimits:
    """How long the process that makes a call goes on trying; beyond that, Airflow's retries take over."""

    patience: float = 120.0
    """Seconds that one call waits in all for a rate limit or a maintenance to pass."""

    longest_server_delay: float = 60.0
    """Seconds: a longer delay that the service asks for is left to Airflow, to which the error carries it."""

    first_gap: float = 1.0
    """Seconds before the second send; doubled before each one after it."""

    longest_gap: float = 10.0
    """Seconds: services count new music tasks per 10 s, so each such window lets some of those who wait pass."""

    resubmit_gap: float = 60.0
    """Seconds before a submission whose reply is lost is made again: a shorter outage would often lose both."""


RETRY_LIMITS = RetryLimits()
"""The default of every account."""

_SENDS: dict[type[SunoError], int] = {SunoMaintenanceError: 5, SunoRateLimitError: 60}
_SENDS_OTHERWISE = 4


class Call(StrEnum):
    """What a call does at the service, which decides whether it may be sent again."""

    READ = "read"
    """Changes nothing: may be sent again."""

    UPLOAD = "upload"
    """Stores a file under a path of its own, free of charge: may be sent again."""

    SUBMIT = "submit"
    """Costs credits: sent again only when the service surely refused it."""

    PERSONA = "persona"
    """Makes a persona. A track can have only one, so after one lost reply it is sent once more."""


def may_have_happened(call: Call, error: SunoError) -> bool:
    """Return whether the service may have carried out a call that failed with this error."""
    return call in (Call.SUBMIT, Call.PERSONA) and not error.refused


def delay_before_next_send(
    call: Call,
    error: SunoError,
    *,
    sends: int,
    lost_replies: int,
    waited: float,
    jitter: float,
    limits: RetryLimits = RETRY_LIMITS,
) -> float | None:
    """
    Return the seconds to wait before sending again; ``None`` when it must not, or need not, be sent again.

    :param sends: how many sends there were.
    :param lost_replies: after how many of them the service may have carried the call out.
    :param waited: seconds waited between them so far.
    :param jitter: a random number from 0 to 1, so that many callers do not send in step.
    :param limits: how long to go on.
    """
    asked = error.retry_after or 0.0
    may_pay_twice = may_have_happened(call, error) and not (call is Call.PERSONA and lost_replies == 1)
    enough = sends >= _SENDS.get(type(error), _SENDS_OTHERWISE) or asked > limits.longest_server_delay
    if error.fatal or may_pay_twice or enough:
        return None
    # Never sooner than the backoff either: "Retry-After: 0" would add to the load, and callers who are all given the
    # same few seconds would use up their sends before the rate limit lets them through.
    least = asked * (1 + 0.25 * jitter)
    backoff = min(limits.longest_gap, limits.first_gap * 2.0 ** min(sends - 1, 10)) * (0.5 + jitter)
    left = limits.patience - waited
    # Shorten the last gap instead of leaving it out: by its end most other callers are through.
    return max(least, min(backoff, left)) if left >= max(least, limits.first_gap) else None


def final_error(call: Call, error: SunoError, *, lost_replies: int, sent: str, id_parameter: str | None) -> SunoError:
    """
    Return the error of a call that is not sent again, which also tells of earlier sends whose replies were lost.

    :param lost_replies: after how many sends the service may have carried the call out.
    :param sent: what was sent where and when, for the message.
    :param id_parameter: the parameter that takes the id of such a job; ``None`` when the answer is no job.
    """
    if not lost_replies:
        return error
    if call is Call.PERSONA and isinstance(error, SunoConflictError):
        conflict = SunoConflictError(
            f"Our own lost request made the persona: the reply to an earlier send did not arrive, and {sent}, was "
            f"answered that the track has a persona. The API cannot read its id back: look for it on the service's "
            f"own pages, or make a persona of another track. ({error.message})",
            code=error.code,
        )
        conflict.after_lost_reply = True
        return conflict
    if call is Call.PERSONA and error.refused:
        message = f"{error.message} The reply to an earlier send is lost, so the persona may exist all the same."
        return type(error)(message, code=error.code, retry_after=error.retry_after)
    code, retry_after = error.code, error.retry_after
    return lost_reply(call, sent, error.message, id_parameter=id_parameter, code=code, retry_after=retry_after)


def delay_before_resubmission(lost: SunoError) -> float:
    """Return the seconds to wait before ``on_lost_reply="resubmit"`` makes a submission again."""
    return min(max(RETRY_LIMITS.resubmit_gap, lost.retry_after or 0.0), RETRY_LIMITS.patience)


def lost_reply(
    call: Call,
    sent: str,
    why: str,
    *,
    id_parameter: str | None,
    code: int | None = None,
    retry_after: float | None = None,
) -> SunoLostReplyError:
    """
    Return the error of a call whose reply is lost: what may exist or be charged, and what to do.

    :param sent: what was sent where and when.
    :param why: why there is no reply, as a sentence.
    :param id_parameter: the parameter that takes the id of such a job; ``None`` when the answer is no job.
    """
    if id_parameter is None and call is Call.SUBMIT:
        message = (
            f"The reply to {sent} is lost: {why} The request may have been carried out and charged. Its answer cannot "
            "be read again: clear the task to send it once more, which may pay twice."
        )
        return SunoLostReplyError(message, code=code, retry_after=retry_after)
    what, risk, way_on = "job", "may exist and be charged", f"set {id_parameter}=... to resume it at no charge"
    if call is Call.PERSONA:
        what, risk, way_on = "persona", "may exist", "use its id"
    message = (
        f"The reply to {sent} is lost: {why} The {what} {risk}. Look at the service's own log page: if the {what} is "
        f"there, {way_on}; if not, clear the task to submit it anew."
    )
    return SunoLostReplyError(message, code=code, retry_after=retry_after)
