"""The responses of planned faults."""

from __future__ import annotations

import asyncio
import hashlib
import json
from pathlib import Path
from typing import Any

from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from airflow_provider_suno.simulator.calls.replies import envelope
from airflow_provider_suno.simulator.control.fault_plan import Fault
from airflow_provider_suno.simulator.wire.connections import Connections
from airflow_provider_suno.simulator.wire.raw_replies import (
    AbortedReply,
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
_TRACKS_WITH_AUDIO = {"TEXT_SUCCESS": 0, "FIRST_SUCCESS": 1}
_WITHOUT_AUDIO = dict.fromkeys(("sourceAudioUrl", "sourceStreamAudioUrl", "sourceImageUrl", "duration")) | {
    "audioUrl": ""
}
_NOT_WHILE_PENDING = frozenset({"parentMusicId", "response", "errorCode", "errorMessage"})
_OTHER_REPLIES = frozenset({"status", "code", "html", "garbage"})
_NOT_JSON = b"\x1f\x8b<not json>"


class DelayedReply(Response):
    """
    Send a reply after some time.

    :param reply: the reply.
    :param seconds: real seconds to wait.
    """

    def __init__(self, reply: Response, seconds: float) -> None:
        super().__init__(status_code=reply.status_code)
        self._reply = reply
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """
        Wait, then send the reply.

        :param receive: returns the request's events.
        """
        await asyncio.sleep(self._seconds)
        await self._reply(scope, receive, send)


def apply_fault(reply: Response, fault: Fault, connections: Connections) -> Response:
    """
    Return what is sent instead of a reply.

    :param reply: the reply without the fault.
    """
    if fault.kind == "slow":
        return DelayedReply(reply, fault.seconds)
    if fault.kind == "flood":
        return EndlessReply()
    if fault.kind in ("another", "back"):
        return _with_other_data(reply, fault)
    if fault.kind in _OTHER_REPLIES:
        return _with_retry_after(_other_reply(fault), fault)
    return _broken_connection(reply, fault, connections)


def _broken_connection(reply: Response, fault: Fault, connections: Connections) -> Response:
    if fault.kind in ("hang", "drop_before", "drop_after"):
        return AbortedReply(connections, delay=fault.seconds if fault.kind == "hang" else 0)
    status, headers, body = reply.status_code, reply.raw_headers, _body(reply)
    if fault.kind in ("truncated", "reset"):
        return AbortedReply(connections, after=cut_off(status, headers, body), reset=fault.kind == "reset")
    head = head_of(status, headers)
    if fault.kind == "drip_body":
        return DripReply(connections, at_once=head, one_by_one=body, gap=fault.seconds)
    return DripReply(connections, at_once=b"", one_by_one=head + body, gap=fault.seconds)


def _body(reply: Response) -> bytes:
    return Path(reply.path).read_bytes() if isinstance(reply, FileResponse) else bytes(reply.body)


def _with_other_data(reply: Response, fault: Fault) -> Response:
    """Change the ``data`` of an envelope, if the reply has any."""
    if not isinstance(reply, ServiceResponse):
        return reply
    content = json.loads(bytes(reply.body))
    if isinstance(content.get("data"), dict):
        data = content["data"]
        content["data"] = _at_stage(data, fault.stage) if fault.kind == "back" else _of_another_job(data)
    return ServiceResponse(content, reply.status_code)


def _of_another_job(data: dict[str, Any]) -> dict[str, Any]:
    if "taskId" not in data:
        return data
    another: dict[str, Any] = {"taskId": hashlib.sha256(data["taskId"].encode()).hexdigest()[:32]}
    response = data.get("response")
    if isinstance(response, dict) and "taskId" in response:
        another["response"] = {**response, **another}
    return {**data, **another}


def _at_stage(record: dict[str, Any], stage: str) -> dict[str, Any]:
    """Return a record as it was at an earlier stage."""
    if "operationType" not in record:
        return record
    if stage == "PENDING":
        return {name: value for name, value in record.items() if name not in _NOT_WHILE_PENDING} | {"status": stage}
    response = record.get("response")
    if response:
        tracks = response["sunoData"]
        count = _TRACKS_WITH_AUDIO[stage]
        response = {**response, "sunoData": [*tracks[:count], *({**t, **_WITHOUT_AUDIO} for t in tracks[count:])]}
    return {**record, "status": stage, "response": response, "errorCode": None, "errorMessage": None}


def _other_reply(fault: Fault) -> Response:
    if fault.kind == "garbage":
        return Response(_NOT_JSON, media_type="application/json")
    if fault.kind == "html":
        return _edge_page(fault.http_status or 502)
    msg = fault.msg or "A planned fault"
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
