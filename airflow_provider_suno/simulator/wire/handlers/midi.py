"""Handlers of the MIDI calls."""

from __future__ import annotations

from airflow_provider_suno.simulator.rules.call import Call
from airflow_provider_suno.simulator.rules.conversion_sources import chosen_stems, find_separation
from airflow_provider_suno.simulator.state.endpoints import Endpoint
from airflow_provider_suno.simulator.wire.handler import Context, Handler
from airflow_provider_suno.simulator.wire.handlers.conversion import read_record, start
from airflow_provider_suno.simulator.wire.replies import Reply


def _transcribe(call: Call, context: Context) -> Reply:
    separation = find_separation(call, context.state, context.now)
    assert separation is not None  # the rules have made sure of that
    return start(call, context, separation.track, stems=chosen_stems(call, separation))


HANDLERS: dict[Endpoint, Handler] = {Endpoint.MIDI: _transcribe, Endpoint.MIDI_RECORD: read_record}
