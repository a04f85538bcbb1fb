"""The event by which a callback resumes a waiting task: the stage of the job, and the wait to go on with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from airflow_provider_suno.api.callback import Stage
from airflow_provider_suno.api.jobs import JobKind, JobRef
from airflow_provider_suno.api.text import excerpt
from airflow_provider_suno.exceptions import SunoError, SunoProtocolError
from airflow_provider_suno.polling.wait import Wait

_STATUS = "callback"


@dataclass(frozen=True)
class CallbackEvent:
    """
    A waiting task is to poll once, since a callback says that its job got further.

    All but the stage comes from the trigger's own arguments, so that a callback cannot change what is waited for.

    :param stage: what the callback says.
    :param wait: the wait of this try, with its deadline; no further callback is expected.
    :param suno_conn_id: the connection to poll through.
    """

    stage: Stage
    wait: Wait
    suno_conn_id: str

    @staticmethod
    def payload(job: JobRef, stage: Stage, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """
        Return the event as a plain dict.

        :param arguments: those of the trigger that the event ends.
        """
        return {
            "status": _STATUS,
            job.kind.id_parameter: job.id,
            "stage": stage.value,
            "try_number": arguments.get("try_number"),
            "trigger": dict(arguments),
        }

    @staticmethod
    def of_another(event: Any, job: JobRef) -> str | None:
        """Return the id of the other job that such an event is about; ``None`` when it is not one or about this job."""
        if not isinstance(event, Mapping) or event.get("status") != _STATUS:
            return None
        job_id = event.get(job.kind.id_parameter)
        return job_id if isinstance(job_id, str) and job_id != job.id else None

    @classmethod
    def read(cls, event: Any, kind: JobKind, job_id: str | None, now: float) -> Self | None:
        """
        Return the event; ``None`` when it is one of the trigger itself.

        :param job_id: the job that the task waits for, if it knows it.
        :raises SunoProtocolError: when it is malformed or about another job.
        """
        if not isinstance(event, Mapping) or event.get("status") != _STATUS:
            return None
        try:
            arguments = event["trigger"]
            wait = Wait.from_arguments(JobRef(kind, event[kind.id_parameter]), arguments, now)
            if wait.job.id != (job_id or wait.job.id):
                raise ValueError("another job")
            return cls(Stage(event["stage"]), replace(wait, expects_callback=False), arguments["suno_conn_id"])
        except (KeyError, TypeError, ValueError, SunoError) as problem:
            raise SunoProtocolError(f"The event of a callback is not understood: {excerpt(event, 300)}.") from problem
