"""The HTTP response of the API's host: its content type, its cookie, its compression."""

from __future__ import annotations

import gzip
import uuid

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from airflow_provider_suno.simulator.calls.replies import Reply


class ServiceResponse(JSONResponse):
    """
    An envelope as the real host sends it.

    It is compressed if the caller accepts that, and chunked, without a Content-Length. Only the replies of some faults
    have a Content-Length, so that they can be cut off before it is reached.
    """

    media_type = "application/json;charset=UTF-8"

    def __init__(self, content: object, status_code: int = 200) -> None:
        super().__init__(content, status_code)
        self.headers["Set-Cookie"] = f"JSESSIONID={uuid.uuid4().hex.upper()}; Path=/; HttpOnly"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Send the response."""
        headers = [(name, value) for name, value in self.raw_headers if name != b"content-length"]
        body = bytes(self.body)
        if "gzip" in Headers(scope=scope).get("accept-encoding", "").lower():
            headers += [(b"content-encoding", b"gzip"), (b"vary", b"Accept-Encoding")]
            body = gzip.compress(body, compresslevel=1)
        await send({"type": "http.response.start", "status": self.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def http_response(reply: Reply) -> Response:
    """Return the HTTP response of a reply."""
    if isinstance(reply.content, str):
        return PlainTextResponse(reply.content, reply.http_status)
    return ServiceResponse(reply.content, reply.http_status)
