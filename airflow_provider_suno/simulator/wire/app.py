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
from airflow_provider_suno.simulator.state.service_state import World
from airflow_provider_suno.simulator.wire.api import Reply, answer, envelope, refusal, upload_envelope
from airflow_provider_suno.simulator.wire.connections import Drip, HangUp, Lines
from airflow_provider_suno.simulator.wire.fault_responses import Late, spoil
from airflow_provider_suno.simulator.wire.media import media
from airflow_provider_suno.simulator.wire.not_implemented import METHODS, unplayed
from airflow_provider_suno.simulator.wire.outgoing_requests import answers, on_this_machine
from airflow_provider_suno.simulator.wire.request_reader import Received, receive
from airflow_provider_suno.simulator.wire.run_in_thread import aside
from airflow_provider_suno.simulator.wire.service_response import ServiceResponse
from airflow_provider_suno.simulator.wire.uploads import store

_ANY_METHOD = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]
_NOWHERE = Reply(404, envelope(404, "No such resource"), accepted=False)
_OTHER_METHOD = Reply(405, envelope(405, "Method not allowed"), accepted=False)
_OTHER_UPLOAD_METHOD = Reply(405, upload_envelope(405, "Method not allowed"), accepted=False)


def create_app(simulation: Simulation, lines: Lines) -> FastAPI:
    """
    Return the application.

    :param simulation: the state it plays.
    :param lines: the server's open connections, for the faults that cut them.
    """
    app = FastAPI(title="Simulator of the Suno music API", openapi_url=None)
    app.include_router(control_plane(simulation))
    app.include_router(media(simulation, lines))

    async def api(request: Request) -> Response:
        return await _play(request, simulation, lines)

    for prefix in {profile.upload_prefix for profile in PROFILES.values()}:
        app.add_api_route(f"{prefix}/api/{{path:path}}", api, methods=_ANY_METHOD, response_model=None)
    return app


async def _play(request: Request, simulation: Simulation, lines: Lines) -> Response:
    endpoint = simulation.world.profile.endpoint(request.method, request.url.path)
    received = await receive(request, endpoint)
    fault = simulation.faults.draw(request.method, request.url.path)
    try:
        reply = await _reply(request, endpoint, received, simulation) if fault is None or fault.accepts else None
    finally:
        received.close()
    response = _response(reply) if reply else Response()
    if fault is not None:
        response = spoil(response, fault, lines)
    _note(request, simulation, reply, response, fault.kind if fault else None)
    return response


async def _reply(request: Request, endpoint: Endpoint | None, received: Received, simulation: Simulation) -> Reply:
    if endpoint is None:
        return _not_played(request, received, simulation.world)
    call = Call(
        endpoint=endpoint,
        user_agent=request.headers.get("user-agent", ""),
        authorization=request.headers.get("authorization", ""),
        fields=received.fields,
        readable=received.readable,
        host=request.url.netloc,
        arrived=simulation.clock.pace(),
    )
    base_url = str(request.base_url).rstrip("/")
    if endpoint in UPLOADS:
        return await store(call, received.file, simulation, base_url)
    clock = simulation.clock
    if endpoint in FROM_UPLOADS and refusal(call, simulation.world, clock.now()) is None and await _leads_nowhere(call):
        call = replace(call, source_is_dead=True)
    return answer(call, simulation.world, now=clock.now(), stamp=clock.stamp(), base_url=base_url)


def _not_played(request: Request, received: Received, world: World) -> Reply:
    """Answer what is no call of this reseller, or is one that the simulator has no part of."""
    path = request.url.path
    if METHODS.get(path) == request.method:
        return unplayed(path, request.headers.get("authorization", ""), received.fields, world)
    if world.profile.endpoint("POST", path) in UPLOADS:
        return _OTHER_UPLOAD_METHOD
    return _OTHER_METHOD if path in METHODS or world.profile.methods(path) else _NOWHERE


async def _leads_nowhere(call: Call) -> bool:
    """Tell whether a song's source should lie on this machine, and does not. Elsewhere is never looked."""
    source = call.text("uploadUrl")
    if not on_this_machine(source) or urlsplit(source).netloc == call.host:
        return False
    return not await aside(lambda: answers(source))


def _response(reply: Reply) -> Response:
    if isinstance(reply.content, str):
        return PlainTextResponse(reply.content, reply.http_status)
    return ServiceResponse(reply.content, reply.http_status)


def _note(request: Request, simulation: Simulation, reply: Reply | None, response: Response, fault: str | None) -> None:
    requests = simulation.world.ledger.requests
    silent = isinstance(response, HangUp) and response.silent
    told_the_truth = fault is None or isinstance(response, (Late, Drip))
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
