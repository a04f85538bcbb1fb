"""Handlers of the calls that separate a track, or the audio at an address, into stems."""

from __future__ import annotations

from airflow_provider_suno.simulator.calls.handler import Context, Handler
from airflow_provider_suno.simulator.calls.plain_jobs import read_record, start
from airflow_provider_suno.simulator.calls.replies import Reply
from airflow_provider_suno.simulator.jobs.conversion import SourceTrack
from airflow_provider_suno.simulator.jobs.melody import melody_of
from airflow_provider_suno.simulator.jobs.order import Order
from airflow_provider_suno.simulator.kinds.music.source_lookup import audio_at_address
from airflow_provider_suno.simulator.kinds.stems.job import StemsJob
from airflow_provider_suno.simulator.kinds.stems.rules import is_at_address
from airflow_provider_suno.simulator.rules.call import Call
from airflow_provider_suno.simulator.rules.named_tracks import find_track
from airflow_provider_suno.simulator.state.endpoints import Endpoint

_UNFETCHED = Order(
    kind="stems", fail="CREATE_TASK_FAILED", code=500, message="The audio at audioUrl could not be fetched."
)


def _separate(call: Call, context: Context) -> Reply:
    order, track = None, find_track(call, context.state, context.now)
    if is_at_address(call):
        source = audio_at_address(call.text("audioUrl"), call, context.state, context.now)
        order = None if source.exists else _UNFETCHED
        track = SourceTrack(None, None, source.melody or melody_of(call.text("audioUrl")))
    return start(call, context, StemsJob, order=order, track=track, stems_field=context.state.profile.stems_field)


HANDLERS: dict[Endpoint, Handler] = {Endpoint.STEMS: _separate, Endpoint.STEMS_RECORD: read_record}
