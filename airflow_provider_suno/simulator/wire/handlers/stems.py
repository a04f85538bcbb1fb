"""Handlers of the calls that separate a track into stems."""

from __future__ import annotations

from airflow_provider_suno.simulator.rules.call import Call
from airflow_provider_suno.simulator.rules.conversion_sources import find_track
from airflow_provider_suno.simulator.state.endpoints import Endpoint
from airflow_provider_suno.simulator.wire.handler import Context, Handler
from airflow_provider_suno.simulator.wire.handlers.conversion import read_record, start
from airflow_provider_suno.simulator.wire.replies import Reply


def _separate(call: Call, context: Context) -> Reply:
    track = find_track(call, context.state, context.now)
    return start(call, context, track, callback_field=context.state.profile.stems_field)


HANDLERS: dict[Endpoint, Handler] = {Endpoint.STEMS: _separate, Endpoint.STEMS_RECORD: read_record}
