"""Handlers of the music calls: the submissions, and record-info."""

from __future__ import annotations

from airflow_provider_suno.simulator.calls.handler import Context, Handler
from airflow_provider_suno.simulator.calls.replies import Reply, success
from airflow_provider_suno.simulator.kinds.music.record import record_of
from airflow_provider_suno.simulator.kinds.music.source_lookup import find_source
from airflow_provider_suno.simulator.rules.call import Call
from airflow_provider_suno.simulator.state.credits import price_of
from airflow_provider_suno.simulator.state.endpoints import Endpoint
from airflow_provider_suno.simulator.state.submissions import submit_music

_OPERATIONS = {
    Endpoint.GENERATE: "generate",
    Endpoint.EXTEND: "extend",
    Endpoint.UPLOAD_COVER: "upload_cover",
    Endpoint.UPLOAD_EXTEND: "upload_extend",
    Endpoint.ADD_INSTRUMENTAL: "add_instrumental",
    Endpoint.ADD_VOCALS: "add_vocals",
    Endpoint.REPLACE_SECTION: "replace_section",
    Endpoint.MASHUP: "mashup",
    Endpoint.SOUNDS: "sounds",
}
"""``operationType`` of the record, by submission. Only the first four are documented."""


def _submit(call: Call, context: Context) -> Reply:
    state, now = context.state, context.now
    state.rate_limits.submits.add(call.arrived_at)
    task = submit_music(
        state,
        call.fields,
        now=now,
        record_time=context.record_time,
        operation=_OPERATIONS[call.endpoint],
        source=find_source(call, state, now),
        price=price_of(call.endpoint, call.fields),
        base_url=context.base_url,
    )
    persona_id = call.text("personaId") or None
    return success({"taskId": task.music_task_id}, job_id=task.job_id, persona_id=persona_id)


def _read_record(call: Call, context: Context) -> Reply:
    state, music_task_id = context.state, call.text("taskId")
    state.rate_limits.reads(music_task_id).add(call.arrived_at)
    state.rate_limits.all_reads.add(call.arrived_at)
    task = state.find(music_task_id, context.now)
    record = record_of(task, context.now, context.base_url) if task else None
    return success(record, job_id=music_task_id)


HANDLERS: dict[Endpoint, Handler] = {**dict.fromkeys(_OPERATIONS, _submit), Endpoint.RECORD_INFO: _read_record}
