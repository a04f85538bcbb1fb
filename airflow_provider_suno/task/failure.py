"""Turn this provider's errors into Airflow's, and decide whether Airflow retries."""

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
    Return whether a retry after a failed wait could not help, or might pay for a second job.

    A task that submitted the job itself may submit another one when the record says that this one failed, since failed
    jobs are refunded. Not when a part of the job can be used: then it may have been charged. A job that the user gave
    by its id is never submitted again, nor one whose record does not say how it ended.

    :param outcome: how the wait ended.
    :param submitted_here: whether this task submitted the job.
    """
    error = outcome.error
    if error is None or error.fatal or not isinstance(error, SunoJobFailedError):
        return error is not None and error.fatal
    return not (submitted_here and outcome.is_refunded)


def raise_for_airflow(error: SunoError, *, fatal: bool | None = None) -> NoReturn:
    """
    Raise an error, as an ``AirflowFailException`` with the same message when Airflow must not retry.

    :param fatal: whether Airflow must not retry; ``None`` leaves it to the error.
    """
    if error.fatal if fatal is None else fatal:
        raise fatal_for_airflow(error)
    raise error


def fatal_for_airflow(error: SunoError) -> AirflowFailException:
    """
    Return the exception that fails a task without a retry, with the same message.

    Its cause is a copy of the error with its attributes (``message``, ``code``, …), but without text or traceback, so
    that the task's log does not show the message twice, with this provider's frames in between.
    """
    cause = copy(error)
    cause.args = ()
    fatal = AirflowFailException(str(error))
    fatal.__cause__ = cause
    return fatal


def with_errors_for_airflow(method: Callable[P, T]) -> Callable[P, T]:
    """
    Let a fatal :class:`SunoError` leave an operator's method as the exception that Airflow does not retry.

    It is raised outside the ``except`` block, so that the task's log shows the message without this provider's frames.
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
def fatal_after_payment(*, journaled: bool, id_argument: Callable[[], str]) -> Iterator[None]:
    """
    Without a journal, make every error after a paid call fatal, since a retry would pay again.

    The error of a failed job passes: its credits are refunded.

    :param journaled: whether a retry would find the job in the journal.
    :param id_argument: returns the argument that resumes the job, such as ``music_task_id='…'``.
    """
    try:
        yield
    except (TaskDeferred, AirflowFailException, SunoJobFailedError):
        raise
    except BaseException as error:
        if journaled:
            raise
        argument = id_argument()
        hint = "" if argument in str(error) else f" Set {argument} to resume the job; nothing is charged again."
        raise SunoError(
            f"{str(error) or repr(error)}{hint} The job is paid for, so Airflow does not retry: that would pay again.",
            fatal=True,
        ) from error
