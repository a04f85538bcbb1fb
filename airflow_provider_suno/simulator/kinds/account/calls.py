"""Handler of the credits call."""

from __future__ import annotations

from airflow_provider_suno.simulator.calls.handler import Context, Handler
from airflow_provider_suno.simulator.calls.replies import Reply, success
from airflow_provider_suno.simulator.rules.call import Call
from airflow_provider_suno.simulator.state.credits import plain_number
from airflow_provider_suno.simulator.state.endpoints import Endpoint


def _read_credits(_call: Call, context: Context) -> Reply:
    return success(plain_number(context.state.credits))


HANDLERS: dict[Endpoint, Handler] = {Endpoint.CREDIT: _read_credits, Endpoint.CREDIT_AT_SUNOAPI: _read_credits}
