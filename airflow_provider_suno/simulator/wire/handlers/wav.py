"""Handlers of the WAV calls."""

from __future__ import annotations

from airflow_provider_suno.simulator.rules.call import Call
from airflow_provider_suno.simulator.rules.conversion_sources import find_track
from airflow_provider_suno.simulator.state.endpoints import Endpoint
from airflow_provider_suno.simulator.wire.handler import Context, Handler
from airflow_provider_suno.simulator.wire.handlers.conversion import read_record, start
from airflow_provider_suno.simulator.wire.replies import Reply


def _convert(call: Call, context: Context) -> Reply:
    return start(call, context, find_track(call, context.state, context.now))


HANDLERS: dict[Endpoint, Handler] = {Endpoint.WAV: _convert, Endpoint.WAV_RECORD: read_record}
