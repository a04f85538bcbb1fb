"""Reading a request off the wire: its fields, and the file that comes with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import IO, Any

from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException

from airflow_provider_suno.simulator.rules.call import Endpoint, read_body


@dataclass(frozen=True)
class RequestContent:
    """
    What came in.

    :param fields: the query's, the JSON body's or the form's fields.
    :param readable: whether the body was what the call takes.
    :param file: the file of a form, on disk if it is large.
    """

    fields: dict[str, Any] = field(default_factory=dict)
    readable: bool = True
    file: IO[bytes] | None = None

    def close(self) -> None:
        """Let go of the file."""
        if self.file is not None:
            self.file.close()


async def read_request(request: Request, endpoint: Endpoint | None) -> RequestContent:
    """
    Read a request to its end.

    :param request: the request.
    :param endpoint: what it calls.
    """
    if endpoint is Endpoint.UPLOAD_STREAM:
        return await _form(request)
    body = await request.body()
    if request.method == "GET":
        return RequestContent(dict(request.query_params))
    fields, readable = read_body(body)
    return RequestContent(fields, readable)


async def _form(request: Request) -> RequestContent:
    try:
        form = await request.form(max_files=1)
    except HTTPException:
        form = FormData()
    if not form:
        # It may still be on its way, and must not stay in the line before the next request.
        async for _ in _rest(request):
            pass
        return RequestContent(readable=False)
    fields: dict[str, Any] = {name: value if isinstance(value, str) else [] for name, value in form.items()}
    file = form.get("file")
    if not isinstance(file, UploadFile):
        fields.pop("file", None)
        return RequestContent(fields)
    fields |= {"file": file.filename or "file", "contentType": file.content_type or ""}
    return RequestContent(fields, file=file.file)


async def _rest(request: Request) -> Any:
    try:
        async for chunk in request.stream():
            yield chunk
    except RuntimeError:  # read to its end already
        return
