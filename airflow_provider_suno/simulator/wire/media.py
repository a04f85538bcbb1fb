"""Sounds, pictures and uploaded files over HTTP, as a media host serves them: to anyone, key or not."""

from __future__ import annotations

import re
from collections.abc import Callable

from fastapi import APIRouter, Request
from starlette.responses import FileResponse, PlainTextResponse, Response

from airflow_provider_suno.simulator.control.simulation import Simulation
from airflow_provider_suno.simulator.jobs.mp3 import mp3_of
from airflow_provider_suno.simulator.jobs.picture import jpeg_of
from airflow_provider_suno.simulator.rules.field_readers import is_refused_user_agent
from airflow_provider_suno.simulator.state.ledger import DownloadEntry
from airflow_provider_suno.simulator.wire.connections import AbortedReply, Connections, cut_off
from airflow_provider_suno.simulator.wire.fault_responses import apply_fault

RETENTION = 14 * 24 * 3600
"""Simulated seconds after which a finished file is deleted."""

_LOOKING = ["GET", "HEAD"]
_RANGE = re.compile(r"bytes=(\d*)-(\d*)$")


def media(simulation: Simulation, connections: Connections) -> APIRouter:
    """
    Return the routes under ``/media`` and, for the uploaded files, under ``/files``.

    :param simulation: the state they show.
    :param connections: the server's open connections.
    """
    router = APIRouter()

    def serve(request: Request, find: Callable[[], Response]) -> Response:
        return _served(request, find, simulation, connections)

    @router.api_route("/media/{name}", methods=_LOOKING, response_model=None)
    async def track_file(request: Request, name: str) -> Response:
        return serve(request, lambda: _track_file(request, name, simulation))

    @router.api_route("/media/api/forbidden", methods=_LOOKING, response_model=None)
    async def forbidden(request: Request) -> Response:
        return serve(request, lambda: PlainTextResponse("Forbidden", 403))

    @router.api_route("/media/stream/{audio_id}", methods=_LOOKING, response_model=None)
    async def stream(request: Request, audio_id: str) -> Response:
        return serve(request, lambda: _stream(audio_id, simulation, connections))

    @router.api_route("/files/{path:path}", methods=_LOOKING, response_model=None)
    async def file(request: Request, path: str) -> Response:
        return serve(request, lambda: _file(path, simulation))

    return router


def _served(
    request: Request, find: Callable[[], Response], simulation: Simulation, connections: Connections
) -> Response:
    refused = is_refused_user_agent(request.headers.get("user-agent", ""))
    response = PlainTextResponse("error code: 1010", 403) if refused else find()
    fault = simulation.faults.take_matching(request.method, request.url.path)
    if fault is not None:
        response = apply_fault(response, fault, connections)
    entry = DownloadEntry(
        at=simulation.clock.now(),
        method=request.method,
        path=request.url.path,
        http_status=_status(request, response),
        had_key="authorization" in request.headers,
        fault=fault.kind if fault else None,
    )
    simulation.state.ledger.downloads.append(entry)
    return response


def _status(request: Request, response: Response) -> int | None:
    if isinstance(response, AbortedReply) and response.silent:
        return None
    if isinstance(response, FileResponse):
        # It looks at the range only when it is sent.
        span = _span(request.headers.get("range", ""), response.stat_result.st_size if response.stat_result else 0)
        return 200 if span is None else 206 if span[0] <= span[1] else 416
    return response.status_code


def _track_file(request: Request, name: str, simulation: Simulation) -> Response:
    audio_id = simulation.state.track_of(name)
    if audio_id is None:
        return _absent()
    if name.endswith(".jpeg"):
        return _image(audio_id, simulation)
    return _audio(request, audio_id, simulation)


def _audio(request: Request, audio_id: str, simulation: Simulation) -> Response:
    task = simulation.state.owner(audio_id)
    if task is None or not _ready(audio_id, simulation):
        return _absent()
    return _ranged(mp3_of(task.melody(audio_id)), request.headers.get("range", ""))


def _stream(audio_id: str, simulation: Simulation, connections: Connections) -> Response:
    task = simulation.state.owner(audio_id)
    if task is None or not _announced(audio_id, simulation):
        return _absent()
    whole = _ranged(mp3_of(task.melody(audio_id)), "")
    if _ready(audio_id, simulation):
        return whole
    # While a track is still rendered its stream plays, but does not end as a file should.
    return AbortedReply(connections, after=cut_off(200, whole.raw_headers, bytes(whole.body)))


def _image(audio_id: str, simulation: Simulation) -> Response:
    return Response(jpeg_of(audio_id), media_type="image/jpeg") if _announced(audio_id, simulation) else _absent()


def _file(path: str, simulation: Simulation) -> Response:
    file = simulation.state.uploads.find(path, simulation.clock.now())
    if file is None:
        return _absent()
    return FileResponse(file.location, media_type=file.mime_type, stat_result=file.location.stat())


def _announced(audio_id: str, simulation: Simulation) -> bool:
    task = simulation.state.owner(audio_id)
    return task is not None and task.stage(simulation.clock.now()).announced


def _ready(audio_id: str, simulation: Simulation) -> bool:
    task = simulation.state.owner(audio_id)
    age = task.audio_age(audio_id, simulation.clock.now()) if task else None
    return age is not None and 0 <= age < RETENTION


def _absent() -> Response:
    return PlainTextResponse("Not found", 404)


def _ranged(file: bytes, wanted: str) -> Response:
    """Serve one range of bytes if asked: without it, browsers do not let a listener move within a track."""
    headers = {"Accept-Ranges": "bytes"}
    span = _span(wanted, len(file))
    if span is None:
        return Response(file, media_type="audio/mpeg", headers=headers)
    start, end = span
    if start > end:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{len(file)}"})
    headers["Content-Range"] = f"bytes {start}-{end}/{len(file)}"
    return Response(file[start : end + 1], 206, media_type="audio/mpeg", headers=headers)


def _span(wanted: str, size: int) -> tuple[int, int] | None:
    """Return first and last byte of a range, in the wrong order if there are none; None if all are wanted."""
    match = _RANGE.match(wanted)
    if match is None or match[0] == "bytes=-":
        return None
    if not match[1]:
        return max(size - int(match[2]), 0), size - 1 if int(match[2]) else -1
    return int(match[1]), min(int(match[2] or size), size - 1)
