"""What the handlers of all kinds but music share: start a job, read its record."""

from __future__ import annotations

from typing import Any

from airflow_provider_suno.simulator.calls.handler import Context
from airflow_provider_suno.simulator.calls.replies import Reply, success
from airflow_provider_suno.simulator.jobs.plain_job import PlainJob
from airflow_provider_suno.simulator.rules.call import Call
from airflow_provider_suno.simulator.state.plain_jobs import AnyJob, submit_job


def start(call: Call, context: Context, kind: type[PlainJob], **own: Any) -> Reply:
    """
    Start a job and answer with its id.

    :param call: the call; the rules have made sure that its source exists.
    :param kind: the class of its kind.
    :param own: fields that only this kind has.
    """
    job = started(call, context, kind, **own)
    return success({"taskId": job.job_id}, job_id=job.job_id)


def started(call: Call, context: Context, kind: type[AnyJob], **own: Any) -> AnyJob:
    """
    Start a job and return it.

    :param call: the call; the rules have made sure that its source exists.
    :param kind: the class of its kind.
    :param own: fields that only this kind has.
    """
    context.state.rate_limits.submits.add(call.arrived_at)
    return submit_job(
        context.state,
        kind,
        call.fields,
        now=context.now,
        record_time=context.record_time,
        base_url=context.base_url,
        **own,
    )


def read_record(call: Call, context: Context) -> Reply:
    """Answer with the record of a job."""
    job = job_to_read(call, context)
    return success(job.record(context.now, context.base_url) if job else None, job_id=call.job_id)


def job_to_read(call: Call, context: Context) -> PlainJob | None:
    """Return the job whose record is asked for, and count the poll."""
    state = context.state
    state.rate_limits.reads(call.job_id).add(call.arrived_at)
    state.rate_limits.all_reads.add(call.arrived_at)
    return state.find_job(call.job_id, context.now)
