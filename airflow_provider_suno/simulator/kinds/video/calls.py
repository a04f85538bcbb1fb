"""Handlers of the video calls."""

from __future__ import annotations

from airflow_provider_suno.simulator.calls.handler import Context, Handler
from airflow_provider_suno.simulator.calls.plain_jobs import read_record, start
from airflow_provider_suno.simulator.calls.replies import Reply
from airflow_provider_suno.simulator.kinds.video.job import VideoJob
from airflow_provider_suno.simulator.rules.call import Call
from airflow_provider_suno.simulator.rules.named_tracks import find_track
from airflow_provider_suno.simulator.state.endpoints import Endpoint


def _convert(call: Call, context: Context) -> Reply:
    return start(call, context, VideoJob, track=find_track(call, context.state, context.now))


HANDLERS: dict[Endpoint, Handler] = {Endpoint.VIDEO: _convert, Endpoint.VIDEO_RECORD: read_record}
