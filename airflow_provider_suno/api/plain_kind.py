"""A kind of job whose record says in one word how far it is: every kind but music."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airflow_provider_suno.api.jobs import JobKind, Until, Verdict
from airflow_provider_suno.api.judging import judge_by_status
from airflow_provider_suno.api.record import JobRecord, read_job_record, with_response

USUAL_STATUSES = frozenset({"PENDING", "SUCCESS", "CREATE_TASK_FAILED", "CALLBACK_EXCEPTION"})


def plain_kind(
    record_type: type[JobRecord],
    *,
    noun: str,
    usual_duration: float,
    missing: str,
    may_be_empty: bool = False,
    finished_at: frozenset[str] = frozenset({"SUCCESS"}),
    unpack: Callable[[Any], Any] = with_response,
    **differences: Any,
) -> JobKind:
    """
    Return such a kind, whose parts all come at once.

    :param record_type: the class of its record.
    :param noun: its name in messages.
    :param usual_duration: seconds from submission to the end.
    :param missing: the field of the API that holds the result, for the error when it is not there.
    :param may_be_empty: whether a finished job may have none.
    :param finished_at: the statuses of a finished job.
    :param unpack: brings the fields of the ``data`` of a reply to where the record reads them.
    :param differences: the other fields of :class:`JobKind`.
    """

    def read(data: Any, job_id: str) -> JobRecord | None:
        return read_job_record(record_type, noun, unpack(data), job_id)

    def judge(record: JobRecord, _: Until) -> Verdict:
        return judge_by_status(kind, record, missing=missing, may_be_empty=may_be_empty, finished_at=finished_at)

    durations: dict[Until, float] = {"all": usual_duration, "first": usual_duration}
    kind = JobKind(noun=noun, usual_duration=durations, read=read, judge=judge, **differences)
    return kind
