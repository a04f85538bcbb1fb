"""Handlers of the cover art calls."""

from __future__ import annotations

from airflow_provider_suno.simulator.calls.handler import Context, Handler
from airflow_provider_suno.simulator.calls.plain_jobs import read_record, start
from airflow_provider_suno.simulator.calls.replies import Reply
from airflow_provider_suno.simulator.kinds.cover_art.job import CoverArtJob
from airflow_provider_suno.simulator.rules.call import Call
from airflow_provider_suno.simulator.state.endpoints import Endpoint


def _draw(call: Call, context: Context) -> Reply:
    return start(call, context, CoverArtJob)


HANDLERS: dict[Endpoint, Handler] = {Endpoint.COVER_ART: _draw, Endpoint.COVER_ART_RECORD: read_record}
