"""The simulator over HTTP: the API itself, its media, and the control plane."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from urllib.parse import urlsplit

from fastapi import FastAPI, Request
from starlette.responses import PlainTextResponse, Response

from airflow_provider_suno.simulator.control.control_plane import control_plane
from airflow_provider_suno.simulator.control.simulation import Simulation
from airflow_provider_suno.simulator.rules.call import UPLOADS, Call, Endpoint
from airflow_provider_suno.simulator.rules.rule import FROM_UPLOADS
from airflow_provider_suno.simulator.state.host_profiles import PROFILES
from airflow_provider_suno.simulator.state.ledger import RequestEntry
from airflow_provider_suno.simulator.state.service_state import ServiceState
from airflow_provider_suno.simulator.wire.api import Reply, answer, envelope, refusal, upload_envelope
from airflow_provider_suno.simulator.wire.connections import AbortedReply, Connections, DripReply
from airflow_provider_suno.simulator.wire.fault_responses import DelayedReply, apply_fault
from airflow_provider_suno.simulator.wire.media import media
from airflow_provider_suno.simulator.wire.not_implemented import METHODS, answer_not_implemented
from airflow_provider_suno.simulator.wire.outgoing_requests import is_loopback, is_reachable
from airflow_provider_suno.simulator.wire.request_reader import RequestContent, read_request
from airflow_provider_suno.simulator.wire.run_in_thread import run_in_thread
from airflow_provider_suno.simulator.wire.service_response import ServiceResponse
from airflow_provider_suno.simulator.wire.uploads import handle_upload

_ANY_METHOD = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]
_NOWHERE = Reply(404, envelope(404, "No such resource"), accepted=False)
_OTHER_METHOD = Reply(405, envelope(405, "Method not allowed"), accepted=False)
_OTHER_UPLOAD_METHOD = Reply(405, upload_envelope(405, "Method not allowed"), accepted=False)


def create_app(simulation: Simulation, connections: Connections) -> FastAPI:
    """
    Return the application.

    :param simulation: the state it plays.
    :param connections: the server's open connections, for the faults that cut them.
    """
    app = FastAPI(title="Simulator of the Suno music API", openapi_url=None)
    app.include_router(control_plane(simulation))
    app.include_router(media(simulation, connections))

    async def api(request: Request) -> Response:
        return await _handle(request, simulation, connections)

    for prefix in {profile.upload_prefix for profile in PROFILES.values()}:
        app.add_api_route(f"{prefix}/api/{{path:path}}", api, methods=_ANY_METHOD, response_model=None)
    return app


async def _handle(request: Request, simulation: Simulation, connections: Connections) -> Response:
    endpoint = simulation.state.profile.endpoint(request.method, request.url.path)
    received = await read_request(request, endpoint)
    fault = simulation.faults.take_matching(request.method, request.url.path)
    try:
        reply = await _reply(request, endpoint, received, simulation) if fault is None or fault.accepts else None
    finally:
        received.close()
    response = _response(reply) if reply else Response()
    if fault is not None:
        response = apply_fault(response, fault, connections)
    _note(request, simulation, reply, response, fault.kind if fault else None)
    return response


async def _reply(
    request: Request, endpoint: Endpoint | None, received: RequestContent, simulation: Simulation
) -> Reply:
    if endpoint is None:
        return _not_an_endpoint(request, received, simulation.state)
    call = Call(
        endpoint=endpoint,
        user_agent=request.headers.get("user-agent", ""),
        authorization=request.headers.get("authorization", ""),
        fields=received.fields,
        readable=received.readable,
        host=request.url.netloc,
        arrived_at=simulation.clock.request_time(),
    )
    base_url = str(request.base_url).rstrip("/")
    if endpoint in UPLOADS:
        return await handle_upload(call, received.file, simulation, base_url)
    clock = simulation.clock
    if (
        endpoint in FROM_UPLOADS
        and refusal(call, simulation.state, clock.now()) is None
        and await _source_missing(call)
    ):
        call = replace(call, source_missing=True)
    return answer(call, simulation.state, now=clock.now(), record_time=clock.record_time(), base_url=base_url)


def _not_an_endpoint(request: Request, received: RequestContent, state: ServiceState) -> Reply:
    """Answer what is no call of this reseller, or is one that the simulator has no part of."""
    path = request.url.path
    if METHODS.get(path) == request.method:
        return answer_not_implemented(path, request.headers.get("authorization", ""), received.fields, state)
    if state.profile.endpoint("POST", path) in UPLOADS:
        return _OTHER_UPLOAD_METHOD
    return _OTHER_METHOD if path in METHODS or state.profile.methods(path) else _NOWHERE


async def _source_missing(call: Call) -> bool:
    """Tell whether a song's source should lie on this machine, and does not. Elsewhere is never looked."""
    source = call.text("uploadUrl")
    if not is_loopback(source) or urlsplit(source).netloc == call.host:
        return False
    return not await run_in_thread(lambda: is_reachable(source))


def _response(reply: Reply) -> Response:
    if isinstance(reply.content, str):
        return PlainTextResponse(reply.content, reply.http_status)
    return ServiceResponse(reply.content, reply.http_status)


def _note(request: Request, simulation: Simulation, reply: Reply | None, response: Response, fault: str | None) -> None:
    requests = simulation.state.ledger.requests
    silent = isinstance(response, AbortedReply) and response.silent
    told_the_truth = fault is None or isinstance(response, (DelayedReply, DripReply))
    entry = RequestEntry(
        n=len(requests) + 1,
        at=simulation.clock.now(),
        wall=time.time(),
        method=request.method,
        path=request.url.path,
        http_status=None if silent else response.status_code,
        code=(reply.code if reply else None) if told_the_truth else _code_in(response),
        accepted=reply is not None and reply.accepted,
        rule=reply.rule if reply else None,
        fault=fault,
        music_task_id=reply.music_task_id if reply else None,
        persona_id=reply.persona_id if reply else None,
    )
    requests.append(entry)


def _code_in(response: Response) -> int | None:
    try:
        content = json.loads(bytes(response.body))
    except ValueError:
        return None
    return content.get("code") if isinstance(content, dict) else None
