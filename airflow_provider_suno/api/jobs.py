"""
Job kinds as data: what differs between music, WAV conversions, MIDI and the others.

A job is started by one call and finishes later. Its kind says where its record is read, how the record is judged and
how long the job usually takes. The kind ``NAME`` is the value ``KIND`` of ``api/endpoints/NAME.py``; it is loaded when
it is first needed, so that a Dag file does not pay for records that it never reads.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

from airflow_provider_suno.exceptions import SunoError, SunoJobFailedError, SunoJobTimeoutError, SunoValidationError

if TYPE_CHECKING:
    from airflow_provider_suno.api.record import JobRecord

Until = Literal["all", "first"]
"""What is waited for: the whole result, or the ``first`` part of it (a track) that can be used."""

E = TypeVar("E", bound=SunoError)


class JobState(StrEnum):
    """What a record says of its job."""

    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"


@dataclass(frozen=True)
class Verdict:
    """
    What a record says of its job.

    :param state: running, finished or failed.
    :param record: what is handed on: of a finished job the record, cut to what was asked for; of a failed one the part
        that can be used all the same, if there is any.
    :param error: why the job failed; on a running one, why the record cannot be right, which counts as a failed poll.
    :param error_if_it_stays: on a running one, the error that ends the wait when the record stays so for 10 minutes.
    :param remarks: what is odd, in words.
    """

    state: JobState
    record: JobRecord | None = None
    error: SunoError | None = None
    error_if_it_stays: SunoError | None = None
    remarks: tuple[str, ...] = ()


RUNNING = Verdict(JobState.RUNNING)


@dataclass(frozen=True, eq=False)
class JobKind:
    """
    What differs between jobs.

    :param name: what the journal and the triggers call it.
    :param noun: what messages call such a job.
    :param id_parameter: the parameter of operators and sensors that takes the id of such a job, to resume it.
    :param record_key: the XCom and the key of an event under which its record is handed on.
    :param record_path: where its record is read, with the id as ``taskId``.
    :param statuses: those that are documented; another one is logged as odd.
    :param usual_duration: seconds from submission to the end.
    :param no_result_before: seconds after the submission before which no result can be there.
    :param read: turns the ``data`` of a reply into a record; ``None`` when the service does not know the id.
    :param judge: says what a record means.
    :param says_unknown: whether an error of a read means that the service does not know the id.
    :param nearly_done: statuses after which the end is near.
    :param failed: the error of a job that failed.
    :param timed_out: the error of a wait that reached its deadline.
    """

    name: str
    noun: str
    id_parameter: str
    record_key: str
    record_path: str
    statuses: frozenset[str]
    usual_duration: Mapping[Until, float]
    no_result_before: float
    read: Callable[[Any, str], JobRecord | None]
    judge: Callable[[Any, Until], Verdict]
    says_unknown: Callable[[SunoError], bool] = field(default=lambda _: False)
    nearly_done: frozenset[str] = frozenset()
    failed: type[SunoJobFailedError] = SunoJobFailedError
    timed_out: type[SunoJobTimeoutError] = SunoJobTimeoutError

    def no_result_after_callback_exception(self, job_id: str) -> SunoJobFailedError:
        """
        Return the error of a job whose callback was not delivered and whose result did not appear.

        :param job_id: the job.
        """
        job = JobRef(self, job_id)
        return job.error(
            self.failed,
            f"{job.named} ended as CALLBACK_EXCEPTION (its callback was not delivered) and its result did not appear "
            f"within 10 minutes. Look at the service's own log page before paying again. {job.resume_hint}",
        )

    def __repr__(self) -> str:
        """Return its name."""
        return f"<JobKind {self.name}>"


@dataclass(frozen=True)
class JobRef:
    """
    One job: its kind and its id.

    :param kind: the kind.
    :param id: the ``taskId`` that the service gave it.
    """

    kind: JobKind
    id: str

    def __str__(self) -> str:
        """Name it for people."""
        return f"{self.kind.noun} {self.id}"

    @property
    def named(self) -> str:
        """Name it at the beginning of a sentence."""
        return f"{self.kind.noun[:1].upper()}{self.kind.noun[1:]} {self.id}"

    @property
    def as_parameter(self) -> str:
        """How a user hands it to an operator or a sensor."""
        return f"{self.kind.id_parameter}={self.id!r}"

    @property
    def resume_hint(self) -> str:
        """How to resume it, as a sentence."""
        return f"Set {self.as_parameter} to resume this job; nothing is charged again."

    def error(self, error_class: type[E], message: str, **known: Any) -> E:
        """
        Return an error about this job.

        :param error_class: its class.
        :param message: its message.
        :param known: ``code`` and ``retry_after``.
        """
        return error_class(
            message, job_id=self.id, music_task_id=self.id if self.kind.name == "music" else None, **known
        )


@lru_cache
def job_kind(name: str) -> JobKind:
    """
    Return a kind by its name.

    :raises SunoValidationError: when there is none of that name.
    """
    if isinstance(name, str) and re.fullmatch("[a-z][a-z_]{0,40}", name):
        try:
            kind = getattr(import_module(f"airflow_provider_suno.api.endpoints.{name}"), "KIND", None)
        except ModuleNotFoundError:
            kind = None
        if kind is not None:
            return cast("JobKind", kind)
    raise SunoValidationError(f"kind: there is no kind of job called {name!r}.")
