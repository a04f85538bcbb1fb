"""Handlers of the calls that separate a track into stems."""

from __future__ import annotations

from airflow_provider_suno.simulator.calls.handler import Context, Handler
from airflow_provider_suno.simulator.calls.plain_jobs import read_record, start
from airflow_provider_suno.simulator.calls.replies import Reply
from airflow_provider_suno.simulator.kinds.stems.job import StemsJob
from airflow_provider_suno.simulator.rules.call import Call
from airflow_provider_suno.simulator.rules.named_tracks import find_track
from airflow_provider_suno.simulator.state.endpoints import Endpoint


def _separate(call: Call, context: Context) -> Reply:
    track = find_track(call, context.state, context.now)
    return start(call, context, StemsJob, track=track, stems_field=context.state.profile.stems_field)


HANDLERS: dict[Endpoint, Handler] = {Endpoint.STEMS: _separate, Endpoint.STEMS_RECORD: read_record}
