"""How the API's host puts a reply on the wire: its content type, its cookie, its compression."""

from __future__ import annotations

import gzip
import uuid

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send


class ServiceResponse(JSONResponse):
    """
    An envelope as the service's own server sends it.

    It is compressed if the caller takes that, and comes in chunks, without a length of the whole. Only a reply that a
    fault spoils has a length, so that it can be cut off in the middle of what it promises.
    """

    media_type = "application/json;charset=UTF-8"

    def __init__(self, content: object, status_code: int = 200) -> None:
        super().__init__(content, status_code)
        self.headers["Set-Cookie"] = f"JSESSIONID={uuid.uuid4().hex.upper()}; Path=/; HttpOnly"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """
        Send the reply.

        :param scope: the request's ASGI scope.
        :param receive: never used.
        :param send: takes the reply.
        """
        headers = [(name, value) for name, value in self.raw_headers if name != b"content-length"]
        body = bytes(self.body)
        if "gzip" in Headers(scope=scope).get("accept-encoding", "").lower():
            headers += [(b"content-encoding", b"gzip"), (b"vary", b"Accept-Encoding")]
            body = gzip.compress(body, compresslevel=1)
        await send({"type": "http.response.start", "status": self.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": body})
