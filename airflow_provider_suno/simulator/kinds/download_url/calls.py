"""Handler of the call that makes a temporary link to a file. It is free."""

from __future__ import annotations

from urllib.parse import quote

from airflow_provider_suno.simulator.calls.handler import Context, Handler
from airflow_provider_suno.simulator.calls.replies import Reply, success
from airflow_provider_suno.simulator.kinds.download_url.rules import file_named
from airflow_provider_suno.simulator.rules.call import Call
from airflow_provider_suno.simulator.state.endpoints import Endpoint


def _link(call: Call, context: Context) -> Reply:
    name, secret = file_named(call, context.state, context.now), context.state.ids.link()
    assert name is not None  # the rules have made sure of that
    context.state.links.add(secret, name, now=context.now)
    return success(f"{context.base_url}/media/link/{secret}/{quote(name)}")


HANDLERS: dict[Endpoint, Handler] = {Endpoint.DOWNLOAD_URL: _link}
