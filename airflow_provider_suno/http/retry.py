"""Decide which failed calls may be sent again, and after how long."""

from __future__ import annotations

from enum import StrEnum

from airflow_provider_suno.exceptions import (
    SunoConflictError,
    SunoError,
    SunoLostReplyError,
    SunoMaintenanceError,
    SunoRateLimitError,
)

LONGEST_SERVER_DELAY = 60.0
"""Seconds: a longer server-directed delay is not slept in a worker; the error carries it to Airflow."""

PATIENCE = 120.0
"""Seconds: how long one call waits in all for a rate limit or a maintenance to pass."""

FIRST_GAP = 1.0
"""Seconds before the second send; doubled before each one after it."""

LONGEST_GAP = 10.0
"""Seconds: over so many a service counts new music tasks, so in each of them there is room for some who wait."""

RESUBMIT_GAP = 60.0
"""Seconds before a submission whose reply is lost is made anew: what broke the one would mostly break the next."""

_SENDS: dict[type[SunoError], int] = {SunoMaintenanceError: 5, SunoRateLimitError: 60}
_SENDS_OTHERWISE = 4


class Call(StrEnum):
    """What a call does at the service, which decides whether it may be sent again."""

    READ = "read"
    """Changes nothing: may be sent again freely."""

    UPLOAD = "upload"
    """Puts a file under a name of its own, free of charge: may be sent again freely."""

    SUBMIT = "submit"
    """Costs credits: sent again only when the service surely refused it."""

    PERSONA = "persona"
    """Makes one persona per track, ever: its own guard, so in doubt it is sent once more."""


def may_have_happened(call: Call, error: SunoError) -> bool:
    """Return whether a call that failed like this may have done its work all the same."""
    return call in (Call.SUBMIT, Call.PERSONA) and not error.refused


def delay_before_next_send(
    call: Call, error: SunoError, *, sends: int, doubts: int, waited: float, jitter: float
) -> float | None:
    """
    Return the seconds to wait before sending again; ``None`` when it must not, or need not, be sent again.

    :param call: what the call does.
    :param error: how the last send failed.
    :param sends: how many sends there were.
    :param doubts: how many of them may have happened all the same.
    :param waited: seconds slept between them so far.
    :param jitter: a random number from 0 to 1, so that many callers do not send in step.
    """
    if error.fatal:
        return None
    if may_have_happened(call, error) and not (call is Call.PERSONA and doubts == 1):
        return None
    if sends >= _SENDS.get(type(error), _SENDS_OTHERWISE):
        return None
    asked = error.retry_after or 0.0
    if asked > LONGEST_SERVER_DELAY:
        return None
    # No sooner than asked, and no sooner than without: "Retry-After: 0" would only add to the storm, and many who are
    # all told the same few seconds would have used up their sends before it is over.
    least = asked * (1 + 0.25 * jitter)
    own = min(LONGEST_GAP, FIRST_GAP * 2.0 ** min(sends - 1, 10)) * (0.5 + jitter)
    left = PATIENCE - waited
    # The last gap is cut short rather than left out: when it ends, most others are through.
    return max(least, min(own, left)) if left >= max(least, FIRST_GAP) else None


def final_error(call: Call, error: SunoError, *, doubts: int, sent: str) -> SunoError:
    """
    Return what a call that is not sent again failed with, once earlier doubts are counted in.

    :param call: what the call does.
    :param error: how the last send failed.
    :param doubts: how many sends may have happened all the same.
    :param sent: says what was sent where and when, for the message.
    """
    if not doubts:
        return error
    if call is Call.PERSONA and isinstance(error, SunoConflictError):
        conflict = SunoConflictError(
            f"Our own lost request made the persona: the reply to an earlier send did not arrive, and {sent}, was told "
            f"that the track has a persona now. The API cannot read its id back: look for it on the "
            f"service's own pages, or make a persona of another track. ({error.message})",
            code=error.code,
        )
        conflict.after_doubt = True
        return conflict
    if call is Call.PERSONA and error.refused:
        return type(error)(
            f"{error.message} The reply to an earlier send is lost, so the persona may exist all the same.",
            code=error.code,
            retry_after=error.retry_after,
        )
    return lost_reply(call, sent, error.message, code=error.code, retry_after=error.retry_after)


def delay_before_resubmission(lost: SunoError) -> float:
    """
    Return the seconds to wait before a submission is made anew by the user's policy.

    :param lost: what became of the one before.
    """
    return min(max(RESUBMIT_GAP, lost.retry_after or 0.0), PATIENCE)


def lost_reply(
    call: Call,
    sent: str,
    why: str,
    *,
    code: int | None = None,
    retry_after: float | None = None,
    id_parameter: str = "music_task_id",
) -> SunoLostReplyError:
    """
    Return the error of a call whose answer is lost: what may have come of it, and the ways on.

    :param call: what the call does.
    :param sent: says what was sent where and when.
    :param why: why there is no answer, as a sentence.
    :param code: the answer's code, if it has one.
    :param retry_after: seconds that the answer asked to wait.
    :param id_parameter: the parameter that takes the id of such a job.
    """
    what, risk, way_on = "job", "may exist and be charged", f" by {id_parameter}=..."
    if call is Call.PERSONA:
        what, risk, way_on = "persona", "may exist", ""
    return SunoLostReplyError(
        f"The reply to {sent} is lost: {why} The {what} {risk}. Look at the service's own log page: if the {what} is "
        f"there, go on with it{way_on}; if not, clear the task to submit it anew.",
        code=code,
        retry_after=retry_after,
    )
