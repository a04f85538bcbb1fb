"""The boundary where this provider's errors become Airflow's: the one place that decides whether Airflow retries."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from typing import TYPE_CHECKING, NoReturn, ParamSpec, TypeVar

from airflow.providers.common.compat.sdk import AirflowFailException, TaskDeferred

from airflow_provider_suno.exceptions import SunoError, SunoJobFailedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_suno.polling.outcome import Outcome

P = ParamSpec("P")
T = TypeVar("T")


def retry_is_useless(outcome: Outcome, *, submitted_here: bool) -> bool:
    """
    Return whether a retry after a wait that ended badly could not help, or would pay for a second job.

    A task that submitted the job itself may submit another one when the record says that this one failed, as its
    credits come back. Not when a part of it can be used: then it may be charged. A job that was handed in, or whose
    end the record leaves open, is not submitted again, and its record will not change.

    :param outcome: how the wait ended.
    :param submitted_here: whether this task submitted the job.
    """
    error = outcome.error
    if error is None or error.fatal or not isinstance(error, SunoJobFailedError):
        return error is not None and error.fatal
    return not (submitted_here and outcome.record_failed and outcome.record is None)


def raise_for_airflow(error: SunoError, *, fatal: bool | None = None) -> NoReturn:
    """
    Raise an error so that Airflow retries it, or does not.

    :param error: what went wrong.
    :param fatal: whether Airflow must not retry; ``None`` leaves it to the error.
    :raises AirflowFailException: with the same message, when it must not.
    """
    if error.fatal if fatal is None else fatal:
        raise fatal_for_airflow(error)
    raise error


def fatal_for_airflow(error: SunoError) -> AirflowFailException:
    """
    Return the exception that fails a task without a retry, with the same message.

    Its cause is a copy of the error, with all that the error knows (``message``, ``code``, …), but without a text or a
    traceback of its own: else the task's log would show the message twice, with our own frames in between.
    """
    cause = copy(error)
    cause.args = ()
    fatal = AirflowFailException(str(error))
    fatal.__cause__ = cause
    return fatal


def with_errors_for_airflow(method: Callable[P, T]) -> Callable[P, T]:
    """
    Decorate a method of an operator: a fatal :class:`SunoError` leaves it as the exception that Airflow does not retry.

    Raised anew here, so that the task's log shows the message and not the frames of this provider.
    """

    @functools.wraps(method)
    def with_errors_for_airflow(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return method(*args, **kwargs)
        except SunoError as error:
            if not error.fatal:
                raise
            fatal = fatal_for_airflow(error)
        raise fatal

    return with_errors_for_airflow


@contextmanager
def fatal_after_payment(*, journaled: bool, way_on: Callable[[], str]) -> Iterator[None]:
    """
    Without a journal, let no error after a paid call lead to a retry, which would pay again.

    What the record says of a failed job passes: its credits are given back.

    :param journaled: whether a retry would find the job in the journal.
    :param way_on: says how to go on with what was paid for.
    """
    try:
        yield
    except (TaskDeferred, AirflowFailException, SunoJobFailedError):
        raise
    except BaseException as error:
        if journaled:
            raise
        hint = way_on()
        goes_on = "" if hint in str(error) else f" It goes on at the service: {hint} takes it up."
        raise SunoError(
            f"{str(error) or repr(error)}{goes_on} It is paid for, and a retry would pay again, so there is none.",
            fatal=True,
        ) from error
