"""
The route that serves kept files to the player.

A file is served only if the viewer may read XComs of the Dag, the XCom ``files`` of the task instance names it, and it
is an audio file below ``[suno] player_roots``. All of this runs in threads: reading a file must not hold up the API
server.
"""

from __future__ import annotations

import logging
from pathlib import PurePosixPath
from typing import Annotated
from urllib.parse import quote

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import requires_access_dag
from airflow.configuration import conf
from fastapi import APIRouter, Depends, Header, HTTPException, Query, Request, Response
from starlette.responses import StreamingResponse

from airflow_provider_suno.api.text import printable
from airflow_provider_suno.links.player_roots import (
    Address,
    NotPermittedError,
    permitted_address,
    read_roots,
    wrong_roots,
)
from airflow_provider_suno.plugins.player.byte_range import UnsatisfiableRangeError, read_range
from airflow_provider_suno.plugins.player.named_file import NotNamedError, named_uri
from airflow_provider_suno.plugins.player.stored_file import MissingFileError, StoredFile, open_file

log = logging.getLogger(__name__)

router = APIRouter()

_MOST = 2**31 - 1
"""The largest number that the database knows."""

_GUARDS = {
    "X-Content-Type-Options": "nosniff",
    # Without allow-same-origin a browser that opens the address by itself would ask for the sound without the cookie.
    "Content-Security-Policy": (
        "sandbox allow-same-origin; default-src 'none'; media-src 'self'; style-src 'unsafe-inline'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    # The same address names another file once the task was cleared and has run again; it may be forbidden by then, too.
    "Cache-Control": "private, no-cache",
    "Vary": "Cookie, Authorization",
    "Accept-Ranges": "bytes",
    # Keeps the compression in older Airflow's API server away: it would spoil ranges, and cost more than it saves.
    "Content-Encoding": "identity",
}


def player_roots() -> list[Address]:
    """Return the folders below which files are served."""
    return read_roots(_setting())


def warn_of_wrong_roots() -> None:
    """Log the folders that cannot be used."""
    if wrong := wrong_roots(_setting()):
        log.warning(
            "[suno] player_roots: %s cannot be used. Each folder must be an absolute path, or a URL of an object "
            "store such as s3://aws_default@bucket/songs.",
            ", ".join(map(repr, wrong)),
        )


def _setting() -> str:
    return conf.get("suno", "player_roots", fallback="") or ""


@router.api_route(
    "/dags/{dag_id}/runs/{run_id}/tasks/{task_id}/files",
    methods=["GET", "HEAD"],
    dependencies=[Depends(requires_access_dag("GET", DagAccessEntity.XCOM))],
)
def serve_kept_file(
    request: Request,
    dag_id: str,
    run_id: str,
    task_id: str,
    map_index: Annotated[int, Query(ge=-1, le=_MOST)] = -1,
    index: Annotated[int, Query(ge=0, le=_MOST)] = 0,
    download: bool = False,
    range_header: Annotated[str | None, Header(alias="Range")] = None,
    if_range: Annotated[str | None, Header()] = None,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """Serve a kept file, or a part of it."""
    try:
        uri = named_uri(dag_id, run_id, task_id, map_index, index)
    except NotNamedError as problem:
        raise HTTPException(404, f"No such file: {problem}.") from problem
    try:
        address, media_type = permitted_address(uri, player_roots())
    except NotPermittedError as problem:
        raise HTTPException(403, f"This file is not served: {problem}.") from problem
    file = _open(address)
    headers = {
        **_GUARDS,
        "Content-Disposition": _disposition(address.parts[-1], "attachment" if download else "inline"),
        "ETag": f'"{file.version}"',
    }
    if headers["ETag"] in (if_none_match or ""):
        file.close()
        return Response(status_code=304, headers=headers)
    status, start, end = 200, 0, file.size
    try:
        # The range is meant for the version of the file that If-Range names.
        part = read_range(range_header, file.size) if if_range in (None, headers["ETag"]) else None
    except UnsatisfiableRangeError:
        file.close()
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{file.size}"})
    if part is not None:
        status, (start, end) = 206, part
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{file.size}"
    headers["Content-Length"] = str(end - start)
    if request.method == "HEAD":
        file.close()
        return Response(status_code=status, headers=headers, media_type=media_type)
    return StreamingResponse(file.pieces(start, end), status_code=status, headers=headers, media_type=media_type)


def _open(address: Address) -> StoredFile:
    try:
        return open_file(address)
    except MissingFileError as problem:
        raise HTTPException(410, "This file is gone: it was kept, and is not there any more.") from problem
    except Exception as problem:
        log.warning("the player cannot read %r: %s", address, printable(f"{type(problem).__name__}: {problem}", 300))
        raise HTTPException(
            503, "This file cannot be read for now. The log of the API server says why; it needs access to the store."
        ) from problem


def _disposition(name: str, how: str) -> str:
    """Return how a browser should take the file, and under which name."""
    plain = "".join(sign if sign.isascii() and (sign.isalnum() or sign in "-_. ") else "_" for sign in name)
    return f"{how}; filename=\"{PurePosixPath(plain).name}\"; filename*=UTF-8''{quote(name, safe='')}"
