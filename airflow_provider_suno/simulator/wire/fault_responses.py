"""What an ordered fault puts on the wire."""

from __future__ import annotations

import asyncio
import hashlib
import json
from pathlib import Path
from typing import Any

from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from airflow_provider_suno.simulator.control.fault_plan import Fault
from airflow_provider_suno.simulator.wire.api import envelope
from airflow_provider_suno.simulator.wire.connections import (
    AbortedReply,
    Connections,
    DripReply,
    EndlessReply,
    cut_off,
    head_of,
)
from airflow_provider_suno.simulator.wire.service_response import ServiceResponse

_PAGE = (
    "<!DOCTYPE html><html><head><title>{0}</title></head>"
    "<body><h1>{0}</h1><p>The origin is out of reach.</p></body></html>"
)
_RENDERED = {"TEXT_SUCCESS": 0, "FIRST_SUCCESS": 1}
_UNHEARD = dict.fromkeys(("sourceAudioUrl", "sourceStreamAudioUrl", "sourceImageUrl", "duration")) | {"audioUrl": ""}
_NOT_SHOWN_YET = frozenset({"parentMusicId", "response", "errorCode", "errorMessage"})
_ANSWERED_WRONGLY = frozenset({"status", "code", "html", "garbage"})
_NOT_JSON = b"\x1f\x8b<not json>"


class DelayedReply(Response):
    """
    Send a reply after a while.

    :param truth: the reply.
    :param seconds: real seconds to wait.
    """

    def __init__(self, truth: Response, seconds: float) -> None:
        super().__init__(status_code=truth.status_code)
        self._truth = truth
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """
        Wait, then send.

        :param scope: the request's ASGI scope.
        :param receive: source of the request's events.
        :param send: takes the reply.
        """
        await asyncio.sleep(self._seconds)
        await self._truth(scope, receive, send)


def apply_fault(truth: Response, fault: Fault, connections: Connections) -> Response:
    """
    Return what goes out in place of the true reply.

    :param truth: the reply that would have gone out.
    :param fault: the fault.
    :param connections: the open connections.
    """
    if fault.kind == "slow":
        return DelayedReply(truth, fault.seconds)
    if fault.kind == "flood":
        return EndlessReply()
    if fault.kind in ("another", "back"):
        return _retold(truth, fault)
    if fault.kind in _ANSWERED_WRONGLY:
        return _with_retry_after(_wrong_answer(fault), fault)
    return _broken_off(truth, fault, connections)


def _broken_off(truth: Response, fault: Fault, connections: Connections) -> Response:
    if fault.kind in ("hang", "drop_before", "drop_after"):
        return AbortedReply(connections, patience=fault.seconds if fault.kind == "hang" else 0)
    status, headers, body = truth.status_code, truth.raw_headers, _body(truth)
    if fault.kind in ("truncated", "reset"):
        return AbortedReply(connections, after=cut_off(status, headers, body), reset=fault.kind == "reset")
    head = head_of(status, headers)
    if fault.kind == "drip_body":
        return DripReply(connections, at_once=head, one_by_one=body, gap=fault.seconds)
    return DripReply(connections, at_once=b"", one_by_one=head + body, gap=fault.seconds)


def _body(truth: Response) -> bytes:
    return Path(truth.path).read_bytes() if isinstance(truth, FileResponse) else bytes(truth.body)


def _retold(truth: Response, fault: Fault) -> Response:
    """Change the ``data`` of an envelope, if there is any to change."""
    if not isinstance(truth, ServiceResponse):
        return truth
    told = json.loads(bytes(truth.body))
    if isinstance(told.get("data"), dict):
        data = told["data"]
        told["data"] = _gone_back(data, fault.stage) if fault.kind == "back" else _of_another_music_task(data)
    return ServiceResponse(told, truth.status_code)


def _of_another_music_task(data: dict[str, Any]) -> dict[str, Any]:
    if "taskId" not in data:
        return data
    another = {"taskId": hashlib.sha256(data["taskId"].encode()).hexdigest()[:32]}
    response = data.get("response")
    return {**data, **another, **({"response": {**response, **another}} if response else {})}


def _gone_back(record: dict[str, Any], stage: str) -> dict[str, Any]:
    if "status" not in record:
        return record
    if stage == "PENDING":
        return {name: value for name, value in record.items() if name not in _NOT_SHOWN_YET} | {"status": stage}
    response = record.get("response")
    if response:
        tracks = response["sunoData"]
        there = _RENDERED[stage]
        unheard = [{**track, **_UNHEARD} for track in tracks[there:]]
        response = {**response, "sunoData": [*tracks[:there], *unheard]}
    return {**record, "status": stage, "response": response, "errorCode": None, "errorMessage": None}


def _wrong_answer(fault: Fault) -> Response:
    if fault.kind == "garbage":
        return Response(_NOT_JSON, media_type="application/json")
    if fault.kind == "html":
        return _edge_page(fault.http_status or 502)
    msg = fault.msg or "An ordered fault"
    if fault.kind == "code":
        return ServiceResponse(envelope(fault.code or 500, msg), fault.http_status or 200)
    status = fault.http_status or 500
    if fault.body is not None:
        return Response(fault.body, status, media_type="text/plain")
    return ServiceResponse(envelope(fault.code or status, msg), status)


def _edge_page(status: int) -> Response:
    if status == 403:
        return PlainTextResponse("error code: 1010", status)
    return HTMLResponse(_PAGE.format(f"{status}: edge error"), status)


def _with_retry_after(response: Response, fault: Fault) -> Response:
    if fault.retry_after is not None:
        response.headers["Retry-After"] = str(fault.retry_after)
    return response
