"""The boundary where this provider's errors become Airflow's: the one place that stops Airflow's retries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_suno.exceptions import SunoError, SunoMusicTaskFailedError

if TYPE_CHECKING:
    from airflow_provider_suno.api.outcomes import Outcome


def raise_for_airflow(error: SunoError, *, fatal: bool | None = None) -> NoReturn:
    """
    Raise an error so that Airflow retries it, or does not.

    :param error: what went wrong; it becomes the cause of what is raised.
    :param fatal: whether Airflow must not retry; ``None`` leaves it to the error's class.
    :raises AirflowFailException: with the same message, when it must not.
    """
    if error.fatal if fatal is None else fatal:
        raise AirflowFailException(str(error)) from error
    raise error


@contextmanager
def suno_errors_for_airflow() -> Iterator[None]:
    """Let no :class:`SunoError` out but in the form that Airflow treats rightly."""
    try:
        yield
    except SunoError as error:
        raise_for_airflow(error)


def record_will_not_change(outcome: Outcome, *, submitted_here: bool) -> bool:
    """
    Return whether the job ended badly in a way that looking at it again cannot change.

    A try that submitted the job itself may submit another one when the record says that this one failed. A job that
    was handed in, or whose fate the record leaves open, is not submitted again.
    """
    return isinstance(outcome.error, SunoMusicTaskFailedError) and not (submitted_here and outcome.record_failed)
