"""Handlers of the MIDI calls."""

from __future__ import annotations

from airflow_provider_suno.simulator.calls.handler import Context, Handler
from airflow_provider_suno.simulator.calls.plain_jobs import read_record, start
from airflow_provider_suno.simulator.calls.replies import Reply
from airflow_provider_suno.simulator.kinds.midi.job import MidiJob
from airflow_provider_suno.simulator.kinds.midi.rules import chosen_stems, find_separation
from airflow_provider_suno.simulator.rules.call import Call
from airflow_provider_suno.simulator.state.endpoints import Endpoint


def _transcribe(call: Call, context: Context) -> Reply:
    separation = find_separation(call, context.state, context.now)
    assert separation is not None  # the rules have made sure of that
    return start(call, context, MidiJob, track=separation.track, stems=chosen_stems(call, separation))


HANDLERS: dict[Endpoint, Handler] = {Endpoint.MIDI: _transcribe, Endpoint.MIDI_RECORD: read_record}
