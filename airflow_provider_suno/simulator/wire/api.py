"""One request to the API over HTTP: read it, answer it, apply a planned fault, write it into the ledger."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from functools import partial
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from airflow_provider_suno.simulator.calls.outgoing_requests import is_loopback, is_reachable
from airflow_provider_suno.simulator.calls.refusals import refusal
from airflow_provider_suno.simulator.calls.replies import (
    METHOD_NOT_ALLOWED,
    NO_SUCH_RESOURCE,
    UPLOAD_METHOD_NOT_ALLOWED,
    Reply,
)
from airflow_provider_suno.simulator.calls.run_in_thread import run_in_thread
from airflow_provider_suno.simulator.control.simulation import Simulation
from airflow_provider_suno.simulator.kinds.uploads.calls import handle_upload
from airflow_provider_suno.simulator.rules.call import Call
from airflow_provider_suno.simulator.rules.field_readers import without_ignored_fields
from airflow_provider_suno.simulator.state.endpoints import UPLOADS, Endpoint
from airflow_provider_suno.simulator.state.ledger import RequestEntry
from airflow_provider_suno.simulator.state.service_state import ServiceState
from airflow_provider_suno.simulator.wire.connections import Connections
from airflow_provider_suno.simulator.wire.dispatch import answer
from airflow_provider_suno.simulator.wire.fault_responses import DelayedReply, apply_fault
from airflow_provider_suno.simulator.wire.raw_replies import AbortedReply, DripReply
from airflow_provider_suno.simulator.wire.request_reader import RequestContent, read_request
from airflow_provider_suno.simulator.wire.service_response import http_response


async def handle_api_request(request: Request, simulation: Simulation, connections: Connections) -> Response:
    """
    Answer a request to the API.

    :param connections: the server's open connections, for faults that break them.
    """
    endpoint = simulation.state.profile.endpoint(request.method, request.url.path)
    content = await read_request(request, endpoint)
    fault = simulation.faults.take_matching(request.method, request.url.path)
    try:
        reply = await _reply(request, endpoint, content, simulation) if fault is None or fault.accepts else None
    finally:
        content.close()
    response = http_response(reply) if reply else Response()
    if fault is not None:
        response = apply_fault(response, fault, connections)
    _add_to_ledger(request, simulation, reply, response, fault.kind if fault else None)
    return response


async def _reply(request: Request, endpoint: Endpoint | None, content: RequestContent, simulation: Simulation) -> Reply:
    state, clock = simulation.state, simulation.clock
    if endpoint is None:
        return _reply_without_endpoint(request, state)
    call = Call(
        endpoint=endpoint,
        user_agent=request.headers.get("user-agent", ""),
        authorization=request.headers.get("authorization", ""),
        fields=content.fields,
        readable=content.readable,
        host=request.url.netloc,
        arrived_at=clock.request_time(),
    )
    base_url = str(request.base_url).rstrip("/")
    if endpoint in UPLOADS:
        return await handle_upload(call, content.file, simulation, base_url)
    call = without_ignored_fields(call, state.profile)
    if call.source_urls and refusal(call, state, clock.now()) is None and await _source_missing(call):
        call = replace(call, source_missing=True)
    # A reset may have replaced the state while the source was tried.
    return answer(call, simulation.state, now=clock.now(), record_time=clock.record_time(), base_url=base_url)


def _reply_without_endpoint(request: Request, state: ServiceState) -> Reply:
    """Return the reply to a request that is no call of this reseller."""
    path = request.url.path
    if state.profile.endpoint("POST", path) in UPLOADS:
        return UPLOAD_METHOD_NOT_ALLOWED
    return METHOD_NOT_ALLOWED if state.profile.methods(path) else NO_SUCH_RESOURCE


async def _source_missing(call: Call) -> bool:
    """Return whether a source address is on this machine and nothing answers there. Others are not tried."""
    for url in call.source_urls:
        elsewhere = is_loopback(url) and urlsplit(url).netloc != call.host
        if elsewhere and not await run_in_thread(partial(is_reachable, url)):
            return True
    return False


def _add_to_ledger(
    request: Request, simulation: Simulation, reply: Reply | None, response: Response, fault: str | None
) -> None:
    requests = simulation.state.ledger.requests
    silent = isinstance(response, AbortedReply) and response.silent
    unchanged = fault is None or isinstance(response, (DelayedReply, DripReply))
    entry = RequestEntry(
        n=len(requests) + 1,
        at=simulation.clock.now(),
        wall=time.time(),
        method=request.method,
        path=request.url.path,
        http_status=None if silent else response.status_code,
        code=(reply.code if reply else None) if unchanged else _code_in(response),
        accepted=reply is not None and reply.accepted,
        rule=reply.rule if reply else None,
        fault=fault,
        job_id=reply.job_id if reply else None,
        persona_id=reply.persona_id if reply else None,
    )
    requests.append(entry)


def _code_in(response: Response) -> int | None:
    try:
        content = json.loads(bytes(response.body))
    except ValueError:
        return None
    return content.get("code") if isinstance(content, dict) else None
