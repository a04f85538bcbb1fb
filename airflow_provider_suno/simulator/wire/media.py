"""The media host: audio files, pictures and uploaded files, which need no key."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping

from fastapi import APIRouter, Request
from starlette.responses import FileResponse, PlainTextResponse, Response

from airflow_provider_suno.simulator.control.simulation import Simulation
from airflow_provider_suno.simulator.jobs.mp3 import mp3_of
from airflow_provider_suno.simulator.jobs.picture import jpeg_of
from airflow_provider_suno.simulator.rules.field_readers import is_refused_user_agent
from airflow_provider_suno.simulator.state.ledger import DownloadEntry
from airflow_provider_suno.simulator.state.made_files import file_exists, track_has_audio, track_is_known
from airflow_provider_suno.simulator.wire.connections import Connections
from airflow_provider_suno.simulator.wire.fault_responses import apply_fault
from airflow_provider_suno.simulator.wire.raw_replies import AbortedReply, cut_off

_METHODS = ["GET", "HEAD"]
_RANGE = re.compile(r"bytes=(\d*)-(\d*)$")


def media(simulation: Simulation, connections: Connections) -> APIRouter:
    """
    Return the routes under ``/media`` and, for uploaded files, under ``/files``.

    :param simulation: the simulation whose files they serve.
    """
    router = APIRouter()

    def serve(request: Request, find: Callable[[], Response]) -> Response:
        return _serve(request, find, simulation, connections)

    @router.api_route("/media/{name}", methods=_METHODS, response_model=None)
    async def made_file(request: Request, name: str) -> Response:
        return serve(request, lambda: _made_file(request, name, simulation))

    @router.api_route("/media/link/{secret}/{name}", methods=_METHODS, response_model=None)
    async def linked_file(request: Request, secret: str, name: str) -> Response:
        return serve(request, lambda: _linked_file(request, secret, name, simulation))

    @router.api_route("/media/api/forbidden", methods=_METHODS, response_model=None)
    async def forbidden(request: Request) -> Response:
        return serve(request, lambda: PlainTextResponse("Forbidden", 403))

    @router.api_route("/media/stream/{audio_id}", methods=_METHODS, response_model=None)
    async def stream(request: Request, audio_id: str) -> Response:
        return serve(request, lambda: _stream(audio_id, simulation, connections))

    @router.api_route("/files/{path:path}", methods=_METHODS, response_model=None)
    async def uploaded_file(request: Request, path: str) -> Response:
        return serve(request, lambda: _uploaded_file(path, simulation))

    return router


def _serve(
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
        # A FileResponse handles the range only when it is sent.
        size = response.stat_result.st_size if response.stat_result else 0
        span = _span(request.headers.get("range", ""), size)
        return 200 if span is None else 206 if span[0] <= span[1] else 416
    return response.status_code


def _made_file(request: Request, name: str, simulation: Simulation) -> Response:
    state = simulation.state
    if not file_exists(name, state, simulation.clock.now()):
        return _not_found()
    job, audio_id = state.job_of_file(name), state.track_of_file(name) or ""
    if job is not None:
        content, media_type = job.content_of(name)
        return _ranged(content, request.headers, media_type)
    if name.endswith(".jpeg"):
        return Response(jpeg_of(audio_id), media_type="image/jpeg")
    task = state.task_of_track(audio_id)
    return _ranged(mp3_of(task.melody(audio_id)), request.headers) if task else _not_found()


def _linked_file(request: Request, secret: str, name: str, simulation: Simulation) -> Response:
    link = simulation.state.links.find(secret, name)
    if link is None:
        return _not_found()
    if simulation.clock.now() >= link.expires_at:
        return PlainTextResponse("The link has expired", 403)
    return _made_file(request, name, simulation)


def _stream(audio_id: str, simulation: Simulation, connections: Connections) -> Response:
    state, now = simulation.state, simulation.clock.now()
    task = state.task_of_track(audio_id)
    if task is None or not track_is_known(audio_id, state, now):
        return _not_found()
    whole = _ranged(mp3_of(task.melody(audio_id)), {})
    if track_has_audio(audio_id, state, now):
        return whole
    # The stream of an unfinished track plays, but it breaks off before its end.
    return AbortedReply(connections, after=cut_off(200, whole.raw_headers, bytes(whole.body)))


def _uploaded_file(path: str, simulation: Simulation) -> Response:
    file = simulation.state.uploads.find(path, simulation.clock.now())
    if file is None:
        return _not_found()
    return FileResponse(file.location, media_type=file.mime_type, stat_result=file.location.stat())


def _not_found() -> Response:
    return PlainTextResponse("Not found", 404)


def _ranged(file: bytes, asked: Mapping[str, str], media_type: str = "audio/mpeg") -> Response:
    """
    Return a file, or one range of it, or nothing if the caller has it already.

    Browsers need ranges to seek within a track; downloads that broke go on by them.

    :param asked: the headers of the request.
    """
    etag = f'"{hashlib.sha256(file).hexdigest()[:32]}"'
    headers = {"Accept-Ranges": "bytes", "ETag": etag}
    if asked.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    same = asked.get("if-range", etag) == etag
    span = _span(asked.get("range", ""), len(file)) if same else None
    if span is None:
        return Response(file, media_type=media_type, headers=headers)
    start, end = span
    if start > end:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{len(file)}"})
    headers["Content-Range"] = f"bytes {start}-{end}/{len(file)}"
    return Response(file[start : end + 1], 206, media_type=media_type, headers=headers)


def _span(wanted: str, size: int) -> tuple[int, int] | None:
    """Return the first and the last byte of a range; the first is higher if the range is empty. None for the whole."""
    match = _RANGE.match(wanted)
    if match is None or match[0] == "bytes=-":
        return None
    if not match[1]:
        return max(size - int(match[2]), 0), size - 1 if int(match[2]) else -1
    return int(match[1]), min(int(match[2] or size), size - 1)
