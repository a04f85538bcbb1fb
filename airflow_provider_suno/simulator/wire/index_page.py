"""The page at the simulator's own address, for a person who opens it in a browser."""

from __future__ import annotations

import json
import shlex
from html import escape

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from airflow_provider_suno.simulator.control.airflow_connection import airflow_connection
from airflow_provider_suno.simulator.control.simulation import Simulation

_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Simulator of the Suno API</title>
<style>body {{ font: 16px/1.5 sans-serif; max-width: 46em; margin: 3em auto; padding: 0 1em }}
pre {{ background: #eee; padding: 1em; white-space: pre-wrap; overflow-wrap: anywhere }}</style>
</head>
<body>
<h1>Simulator of the Suno API</h1>
<p>This is a simulator for development and tests. Nothing is paid here.</p>
<ul>
<li>Base URL: <code>{url}</code></li>
<li>API key: {key}</li>
<li>Simulated host: <code>{profile}</code></li>
</ul>
<p>To use it in Airflow, set the connection <code>suno_default</code> before you start Airflow:</p>
<pre>export AIRFLOW_CONN_SUNO_DEFAULT={connection}</pre>
<p>What happened so far: <a href="/_sim/ledger">/_sim/ledger</a> lists every request, charge and song.<br>
How to make calls fail, change the time or add songs: <a href="/_sim/docs">/_sim/docs</a>.</p>
</body>
</html>
"""


def index_page(simulation: Simulation) -> APIRouter:
    """
    Return the route ``/``.

    :param simulation: the simulation to describe.
    """
    router = APIRouter()

    @router.api_route("/", methods=["GET", "HEAD"])
    async def show_index(request: Request) -> HTMLResponse:
        return HTMLResponse(_page(str(request.base_url).rstrip("/"), simulation))

    return router


def _page(url: str, simulation: Simulation) -> str:
    state = simulation.state
    api_key = next(iter(state.api_keys), None)
    connection = airflow_connection(url, api_key or "", state.profile)
    return _PAGE.format(
        url=escape(url),
        key="none is accepted at present" if api_key is None else f"<code>{escape(api_key)}</code>",
        profile=escape(state.profile.name),
        connection=escape(shlex.quote(json.dumps(connection))),
    )
