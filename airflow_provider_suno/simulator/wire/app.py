"""The simulator's web application: the API, the media host, the control plane and the index page."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.exception_handlers import http_exception_handler
from starlette.exceptions import HTTPException
from starlette.responses import Response

from airflow_provider_suno.simulator.calls.replies import METHOD_NOT_ALLOWED, NO_SUCH_RESOURCE
from airflow_provider_suno.simulator.control.control_plane import control_plane
from airflow_provider_suno.simulator.control.simulation import Simulation
from airflow_provider_suno.simulator.state.host_profiles import PROFILES
from airflow_provider_suno.simulator.wire.api import handle_api_request
from airflow_provider_suno.simulator.wire.connections import Connections
from airflow_provider_suno.simulator.wire.index_page import index_page
from airflow_provider_suno.simulator.wire.media import media
from airflow_provider_suno.simulator.wire.service_response import http_response

_ALL_METHODS = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]
_REPLIES = {404: NO_SUCH_RESOURCE, 405: METHOD_NOT_ALLOWED}


def create_app(simulation: Simulation, connections: Connections) -> FastAPI:
    """
    Return the web application.

    :param simulation: the simulation that it shows.
    :param connections: the server's open connections, for faults that break them.
    """
    app = FastAPI(title="Simulator of the Suno API", openapi_url=None)
    app.include_router(index_page(simulation))
    app.include_router(control_plane(simulation))
    app.include_router(media(simulation, connections))

    async def api(request: Request) -> Response:
        return await handle_api_request(request, simulation, connections)

    for prefix in {profile.upload_prefix for profile in PROFILES.values()}:
        app.add_api_route(f"{prefix}/api/{{path:path}}", api, methods=_ALL_METHODS, response_model=None)

    @app.exception_handler(HTTPException)
    async def answer_like_the_service(request: Request, error: HTTPException) -> Response:
        reply = _REPLIES.get(error.status_code)
        return http_response(reply) if reply else await http_exception_handler(request, error)

    return app
