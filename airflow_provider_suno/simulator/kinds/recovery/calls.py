"""Handlers of the recovery calls. They spell the id of the job in snake case."""

from __future__ import annotations

from airflow_provider_suno.simulator.calls.handler import Context, Handler
from airflow_provider_suno.simulator.calls.plain_jobs import job_to_read, started
from airflow_provider_suno.simulator.calls.replies import Reply, envelope, success
from airflow_provider_suno.simulator.kinds.recovery.job import RecoverableTrack, RecoveryJob
from airflow_provider_suno.simulator.rules.call import Call
from airflow_provider_suno.simulator.state.endpoints import Endpoint


def _recover(call: Call, context: Context) -> Reply:
    task = context.state.find(call.text("sunoTaskId"), context.now)
    tracks = tuple(RecoverableTrack(task, audio_id) for audio_id in task.audio_ids) if task else ()
    job = started(call, context, RecoveryJob, tracks=tracks)
    return success({"task_id": job.job_id}, job_id=job.job_id)


def _read_record(call: Call, context: Context) -> Reply:
    job = job_to_read(call, context)
    if not isinstance(job, RecoveryJob):
        return success(None, job_id=call.job_id)
    code, data = int(job.flag(context.now)), job.record(context.now, context.base_url)
    return Reply(200, envelope(code, job.message(context.now), data), accepted=True, job_id=job.job_id)


HANDLERS: dict[Endpoint, Handler] = {Endpoint.RECOVERY: _recover, Endpoint.RECOVERY_RECORD: _read_record}
