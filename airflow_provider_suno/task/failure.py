"""The boundary where this provider's errors become Airflow's: the one place that stops Airflow's retries."""

from __future__ import annotations

import functools
from copy import copy
from typing import TYPE_CHECKING, NoReturn, ParamSpec, TypeVar

from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_suno.exceptions import SunoError, SunoMusicTaskFailedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_suno.polling.outcome import Outcome

P = ParamSpec("P")
T = TypeVar("T")


def raise_for_airflow(error: SunoError, *, fatal: bool | None = None) -> NoReturn:
    """
    Raise an error so that Airflow retries it, or does not.

    :param error: what went wrong.
    :param fatal: whether Airflow must not retry; ``None`` leaves it to the error's class.
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


def record_will_not_change(outcome: Outcome, *, submitted_here: bool) -> bool:
    """
    Return whether the job ended badly in a way that looking at it again cannot change.

    A try that submitted the job itself may submit another one when the record says that this one failed. A job that
    was handed in, or whose fate the record leaves open, is not submitted again.
    """
    return isinstance(outcome.error, SunoMusicTaskFailedError) and not (submitted_here and outcome.record_failed)
