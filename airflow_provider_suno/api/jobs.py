"""
Job kinds as data: what differs between music, WAV conversions, MIDI and the others.

A job is started by one call and finishes later. Its kind says where its record is read, how the record is judged and
how long the job usually takes. The kind ``NAME`` is ``KIND`` in ``api/endpoints/NAME.py``, imported when it is first
needed, so that parsing a Dag file stays fast.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

from airflow_provider_suno.api import endpoints
from airflow_provider_suno.api.text import excerpt
from airflow_provider_suno.exceptions import SunoError, SunoJobFailedError, SunoJobTimeoutError, SunoValidationError

if TYPE_CHECKING:
    from airflow_provider_suno.api.record import JobRecord

Until = Literal["all", "first"]
"""What to wait for: the whole result, or the ``first`` usable part of it (a track)."""

OnLostReply = Literal["fail", "resubmit"]
"""What to do when the reply to a submission is lost."""

E = TypeVar("E", bound=SunoError)


def says_record_does_not_exist(error: SunoError) -> bool:
    """Return whether a read was refused because the service does not know the id: code 422 and these words."""
    return error.code == 422 and "record does not exist" in error.message.lower()


class JobState(StrEnum):
    """What a record says of its job."""

    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"


class Verdict(NamedTuple):
    """
    What a record says of its job.

    :param state: running, finished or failed.
    :param record: the record to deliver: of a finished job cut to what was asked for, of a failed one to the usable
        part, if there is any.
    :param error: why the job failed; of a running job why its record is wrong, which counts as a failed poll.
    :param error_if_it_stays: of a running job, the error that ends the wait if the record stays so for 10 minutes.
    :param remarks: messages about what is unusual.
    """

    state: JobState
    record: JobRecord | None = None
    error: SunoError | None = None
    error_if_it_stays: SunoError | None = None
    remarks: tuple[str, ...] = ()


RUNNING = Verdict(JobState.RUNNING)


@dataclass(frozen=True, eq=False, repr=False)
class JobKind:
    """
    What differs between kinds of jobs.

    :param name: its name in the journal and in triggers.
    :param noun: its name in messages.
    :param record_path: the path of its record.
    :param statuses: the documented statuses; others are logged as unusual.
    :param usual_duration: seconds from submission to the end.
    :param no_result_before: seconds after the submission in which no result is possible.
    :param read: turns the ``data`` of a reply into a record; ``None`` when the service does not know the id.
    :param judge: decides what a record means.
    :param id_parameter: the parameter of operators and sensors for the id of such a job.
    :param record_key: the XCom and the event's key for its record; by default the kind's name.
    :param id_in_query: the name of the id in the query of ``record_path``.
    :param says_unknown: whether the error of a read means that the service does not know the id.
    :param record_in: returns the record that a refused read stands for, if it does: some kinds tell by the envelope's
        code how far the job is.
    :param nearly_done: statuses that come shortly before the end.
    :param failed: the error class for a failed job.
    :param timed_out: the error class for a wait that reached its deadline.
    :param makes_files: whether its result is a file or several, so that they can be kept.
    """

    name: str
    noun: str
    record_path: str
    statuses: frozenset[str]
    usual_duration: Mapping[Until, float]
    no_result_before: float
    read: Callable[[Any, str], JobRecord | None]
    judge: Callable[[Any, Until], Verdict]
    id_parameter: str = "job_id"
    record_key: str = ""
    id_in_query: str = "taskId"
    says_unknown: Callable[[SunoError], bool] = says_record_does_not_exist
    record_in: Callable[[SunoError, str], JobRecord | None] = field(default=lambda _error, _job_id: None)
    nearly_done: frozenset[str] = frozenset()
    failed: type[SunoJobFailedError] = SunoJobFailedError
    timed_out: type[SunoJobTimeoutError] = SunoJobTimeoutError
    makes_files: bool = False

    def __post_init__(self) -> None:
        """Call the record after the kind unless it has a name of its own."""
        object.__setattr__(self, "record_key", self.record_key or self.name)

    @property
    def has_stages(self) -> bool:
        """Whether a part of its result can be there before the rest."""
        return self.usual_duration["first"] < self.usual_duration["all"]

    def no_result_after_callback_exception(self, job_id: str, usable: str = "") -> SunoJobFailedError:
        """
        Return the error of a job whose callback was not delivered and whose result did not appear.

        :param usable: a sentence about the part of the result that can be used.
        """
        job = JobRef(self, job_id)
        return job.error(
            self.failed,
            f"{job.named} ended as CALLBACK_EXCEPTION (its callback was not delivered) and its result did not appear "
            f"within 10 minutes. {usable}Look at the service's own log page before paying again. {job.resume_hint}",
        )

    def __repr__(self) -> str:
        return f"<JobKind {self.name}>"


@dataclass(frozen=True)
class JobRef:
    """One job: its kind, and the ``taskId`` that the service gave it."""

    kind: JobKind
    id: str

    def __str__(self) -> str:
        return f"{self.kind.noun} {self.id}"

    @property
    def named(self) -> str:
        """Its name at the beginning of a sentence."""
        return f"{self.kind.noun[:1].upper()}{self.kind.noun[1:]} {self.id}"

    @property
    def as_parameter(self) -> str:
        """It as an argument of an operator or a sensor."""
        return f"{self.kind.id_parameter}={self.id!r}"

    @property
    def resume_hint(self) -> str:
        """A sentence that says how to resume it."""
        return f"Set {self.as_parameter} to resume this job; nothing is charged again."

    def error(self, error_class: type[E], message: str, **known: Any) -> E:
        """Return an error about this job; ``known`` are ``code``, ``retry_after`` and ``fatal``."""
        music_task_id = self.id if self.kind.id_parameter == "music_task_id" else None
        return error_class(message, job_id=self.id, music_task_id=music_task_id, **known)


def job_kind(name: str) -> JobKind:
    """Return a kind by its name; raise a :class:`SunoValidationError` when there is none."""
    kind = _kind_in(name) if isinstance(name, str) and re.fullmatch("[a-z][a-z_]{0,40}", name) else None
    if kind is None:
        known = [module.name for module in iter_modules(endpoints.__path__) if _kind_in(module.name) is not None]
        raise SunoValidationError(f"kind: must be one of {', '.join(known)}; got {excerpt(name)}.")
    return kind


@lru_cache
def _kind_in(name: str) -> JobKind | None:
    try:
        module = import_module(f"{endpoints.__name__}.{name}")
    except ModuleNotFoundError:
        return None
    return getattr(module, "KIND", None)
