"""Read a request from HTTP: its fields, and the file that it uploads."""

from __future__ import annotations

import json
import math
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import IO, Any, NoReturn

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from airflow_provider_suno.simulator.state.endpoints import Endpoint


@dataclass(frozen=True)
class RequestContent:
    """
    The content of a request.

    :param fields: the fields of the query, the JSON body or the form.
    :param readable: whether the body was what the call takes.
    :param file: the file of a form; on disk if it is large.
    """

    fields: dict[str, Any] = field(default_factory=dict)
    readable: bool = True
    file: IO[bytes] | None = None

    def close(self) -> None:
        """Close the file."""
        if self.file is not None:
            self.file.close()


async def read_request(request: Request, endpoint: Endpoint | None) -> RequestContent:
    """
    Read a request to its end.

    :param endpoint: the call it is, if it is one.
    """
    if endpoint is Endpoint.UPLOAD_STREAM:
        return await _read_form(request)
    body = await request.body()
    if request.method == "GET":
        return RequestContent(dict(request.query_params))
    fields, readable = read_body(body)
    return RequestContent(fields, readable)


async def _read_form(request: Request) -> RequestContent:
    try:
        form = await request.form(max_files=1)
    except HTTPException:
        form = FormData()
    if not form:
        # Read the rest of the body, or it would be taken for the next request of the connection.
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


async def _rest(request: Request) -> AsyncIterator[bytes]:
    try:
        async for chunk in request.stream():
            yield chunk
    except RuntimeError:  # it has been read to its end already
        return


def read_body(body: bytes) -> tuple[dict[str, Any], bool]:
    """
    Read a body as a JSON object. Its texts and numbers must be valid, so that they can be written as JSON again.

    :return: the fields, and whether the body was such an object.
    """
    try:
        value = json.loads(body, parse_constant=_refuse_constant, parse_float=_finite)
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return {}, False
    return (value, True) if isinstance(value, dict) else ({}, False)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"{digits} is too large")
    return number
