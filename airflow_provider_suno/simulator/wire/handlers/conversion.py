"""What the handlers of all conversions share."""

from __future__ import annotations

from typing import Any

from airflow_provider_suno.simulator.jobs.conversion import SourceTrack
from airflow_provider_suno.simulator.rules.call import Call
from airflow_provider_suno.simulator.state.conversions import submit_conversion
from airflow_provider_suno.simulator.state.endpoints import CONVERSION_KINDS
from airflow_provider_suno.simulator.wire.handler import Context
from airflow_provider_suno.simulator.wire.replies import Reply, success


def start(call: Call, context: Context, track: SourceTrack | None, **own: Any) -> Reply:
    """
    Start a conversion and answer with its id.

    :param call: the call; the rules have made sure that the track exists.
    :param track: the track to convert.
    :param own: fields that only this kind of conversion has.
    """
    assert track is not None
    context.state.rate_limits.submits.add(call.arrived_at)
    job = submit_conversion(
        context.state,
        CONVERSION_KINDS[call.endpoint],
        call.fields,
        track,
        now=context.now,
        record_time=context.record_time,
        base_url=context.base_url,
        **own,
    )
    return success({"taskId": job.job_id}, job_id=job.job_id)


def read_record(call: Call, context: Context) -> Reply:
    """Answer with the record of a conversion."""
    state, job_id = context.state, call.text("taskId")
    state.rate_limits.reads(job_id).add(call.arrived_at)
    state.rate_limits.all_reads.add(call.arrived_at)
    job = state.find_conversion(job_id, context.now)
    return success(job.record(context.now, context.base_url) if job else None, job_id=job_id)
