"""The three upload calls: judge the call, bring the file in without holding it in memory, answer."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from airflow_provider_suno.simulator.control.simulation import Simulation
from airflow_provider_suno.simulator.rules.call import Call, Endpoint
from airflow_provider_suno.simulator.rules.field_readers import decoded
from airflow_provider_suno.simulator.state.upload_store import StoredFile, extension_of, mime_type_of
from airflow_provider_suno.simulator.wire.api import Reply, refusal, upload_envelope
from airflow_provider_suno.simulator.wire.outgoing_requests import NotReachedError, fetch
from airflow_provider_suno.simulator.wire.run_in_thread import run_in_thread

_CHUNK = 1 << 20


async def handle_upload(call: Call, sent: IO[bytes] | None, simulation: Simulation, base_url: str) -> Reply:
    """
    Answer an upload call.

    :param call: the request.
    :param sent: the file, if it came as such.
    :param simulation: the state; changed if the call is accepted.
    :param base_url: where the simulator is reached.
    """
    state, clock = simulation.state, simulation.clock
    refused = refusal(call, state, clock.now())
    if refused is not None:
        return refused
    place = state.uploads.new_location()
    try:
        said = await run_in_thread(lambda: _bring_in(call, sent, place))
    except NotReachedError as error:
        place.unlink(missing_ok=True)
        msg = f"The file at fileUrl could not be downloaded: {error}"
        return Reply(400, upload_envelope(400, msg), accepted=False, rule="file_not_fetched")
    mime_type = mime_type_of(place, call.text("fileName"), said)
    name = call.text("fileName") or state.ids.file_name(extension_of(mime_type))
    path = f"{state.profile.upload_folder}/{call.text('uploadPath')}/{name}"
    file = state.uploads.add(place, path, mime_type, now=clock.now())
    told = _told(file, clock.record_time(), base_url)
    if state.profile.upload_success:
        told = {"success": True, **told}
    return Reply(200, upload_envelope(200, "File uploaded successfully", told), accepted=True)


def _bring_in(call: Call, sent: IO[bytes] | None, place: Path) -> str:
    """Write the file and return what its sender says it is."""
    if call.endpoint is Endpoint.UPLOAD_URL:
        return fetch(call.text("fileUrl"), place)
    if call.endpoint is Endpoint.UPLOAD_BASE64:
        said, content = decoded(call.text("base64Data"))
        place.write_bytes(content)
        return said
    with place.open("wb") as file:
        if sent is not None:
            shutil.copyfileobj(sent, file, _CHUNK)
    return call.text("contentType")


def _told(file: StoredFile, stamp: float, base_url: str) -> dict[str, Any]:
    uploaded_at = datetime.fromtimestamp(stamp, tz=UTC).isoformat(timespec="milliseconds")
    return {
        "fileName": file.name,
        "filePath": file.path,
        "downloadUrl": f"{base_url}/files/{quote(file.path)}",
        "fileSize": file.size,
        "mimeType": file.mime_type,
        "uploadedAt": uploaded_at.replace("+00:00", "Z"),
    }
