"""The simulator over HTTP: the API itself, its media, and the control plane."""

from __future__ import annotations

import json
import time

from fastapi import FastAPI, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from airflow_provider_suno.simulator.call import Call, Endpoint, read_body
from airflow_provider_suno.simulator.control import control_plane
from airflow_provider_suno.simulator.ledger import RequestEntry
from airflow_provider_suno.simulator.lines import HangUp, Lines
from airflow_provider_suno.simulator.media import media
from airflow_provider_suno.simulator.misbehaviour import Late, spoil
from airflow_provider_suno.simulator.service import Reply, answer, envelope
from airflow_provider_suno.simulator.simulation import Simulation

_ENDPOINTS = {endpoint.value: endpoint for endpoint in Endpoint}
_ANY_METHOD = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_NOWHERE = Reply(404, envelope(404, "No such resource"), accepted=False)


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

    app.add_api_route("/api/{path:path}", api, methods=_ANY_METHOD, response_model=None)
    return app


async def _play(request: Request, simulation: Simulation, lines: Lines) -> Response:
    body = await request.body()
    fault = simulation.faults.draw(request.method, request.url.path)
    reply = _reply(request, body, simulation) if fault is None or fault.accepts else None
    response = _response(reply) if reply else Response()
    if fault is not None:
        response = spoil(response, fault, lines)
    _note(request, simulation, reply, response, fault.kind if fault else None)
    return response


def _reply(request: Request, body: bytes, simulation: Simulation) -> Reply:
    endpoint = _ENDPOINTS.get((request.method, request.url.path))
    if endpoint is None:
        return _NOWHERE
    fields, readable = (dict(request.query_params), True) if request.method == "GET" else read_body(body)
    call = Call(
        endpoint=endpoint,
        user_agent=request.headers.get("user-agent", ""),
        authorization=request.headers.get("authorization", ""),
        fields=fields,
        readable=readable,
    )
    clock = simulation.clock
    base_url = str(request.base_url).rstrip("/")
    return answer(call, simulation.world, now=clock.now(), stamp=clock.stamp(), base_url=base_url)


def _response(reply: Reply) -> Response:
    if isinstance(reply.content, str):
        return PlainTextResponse(reply.content, reply.http_status)
    return JSONResponse(reply.content, reply.http_status)


def _note(request: Request, simulation: Simulation, reply: Reply | None, response: Response, fault: str | None) -> None:
    requests = simulation.world.ledger.requests
    silent = isinstance(response, HangUp) and response.silent
    told_the_truth = fault is None or isinstance(response, Late)
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
