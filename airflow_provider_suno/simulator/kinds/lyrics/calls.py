"""Handlers of the lyrics calls."""

from __future__ import annotations

from airflow_provider_suno.simulator.calls.handler import Context, Handler
from airflow_provider_suno.simulator.calls.plain_jobs import read_record, start
from airflow_provider_suno.simulator.calls.replies import Reply
from airflow_provider_suno.simulator.kinds.lyrics.job import LyricsJob, order_in
from airflow_provider_suno.simulator.rules.call import Call
from airflow_provider_suno.simulator.state.endpoints import Endpoint


def _write(call: Call, context: Context) -> Reply:
    return start(call, context, LyricsJob, order=order_in(call.fields))


HANDLERS: dict[Endpoint, Handler] = {Endpoint.LYRICS: _write, Endpoint.LYRICS_RECORD: read_record}
