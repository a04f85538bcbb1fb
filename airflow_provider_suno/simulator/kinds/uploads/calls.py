"""The three upload calls: check the rules, write the file to disk in parts, answer."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from airflow_provider_suno.simulator.calls.outgoing_requests import NotReachedError, fetch
from airflow_provider_suno.simulator.calls.refusals import refusal
from airflow_provider_suno.simulator.calls.replies import Reply, upload_envelope
from airflow_provider_suno.simulator.calls.run_in_thread import run_in_thread
from airflow_provider_suno.simulator.control.simulation import Simulation
from airflow_provider_suno.simulator.rules.call import Call
from airflow_provider_suno.simulator.rules.field_readers import decode_base64
from airflow_provider_suno.simulator.state.endpoints import Endpoint
from airflow_provider_suno.simulator.state.upload_store import StoredFile, extension_of, mime_type_of

_CHUNK = 1 << 20


async def handle_upload(call: Call, file: IO[bytes] | None, simulation: Simulation, base_url: str) -> Reply:
    """
    Answer an upload call.

    :param file: the file, if it was sent in a form.
    :param simulation: the simulation; its state is changed if the call is accepted.
    :param base_url: the simulator's address as the caller used it.
    """
    state, clock = simulation.state, simulation.clock
    refused = refusal(call, state, clock.now())
    if refused is not None:
        return refused
    location = state.uploads.new_location()
    try:
        stated_type = await run_in_thread(lambda: _write_file(call, file, location))
    except NotReachedError as error:
        location.unlink(missing_ok=True)
        msg = f"The file at fileUrl could not be downloaded: {error}"
        return Reply(400, upload_envelope(400, msg), accepted=False, rule="file_not_fetched")
    mime_type = mime_type_of(location, call.text("fileName"), stated_type)
    name = call.text("fileName") or state.ids.file_name(extension_of(mime_type))
    path = f"{state.profile.upload_folder}/{call.text('uploadPath')}/{name}"
    stored = state.uploads.add(location, path, mime_type, now=clock.now())
    data = _file_data(stored, clock.record_time(), base_url)
    if state.profile.upload_success:
        data = {"success": True, **data}
    return Reply(200, upload_envelope(200, "File uploaded successfully", data), accepted=True)


def _write_file(call: Call, file: IO[bytes] | None, location: Path) -> str:
    """Write the file to disk and return the MIME type that its sender states."""
    if call.endpoint is Endpoint.UPLOAD_URL:
        return fetch(call.text("fileUrl"), location)
    if call.endpoint is Endpoint.UPLOAD_BASE64:
        stated_type, content = decode_base64(call.text("base64Data"))
        location.write_bytes(content)
        return stated_type
    with location.open("wb") as target:
        if file is not None:
            shutil.copyfileobj(file, target, _CHUNK)
    return call.text("contentType")


def _file_data(file: StoredFile, record_time: float, base_url: str) -> dict[str, Any]:
    uploaded_at = datetime.fromtimestamp(record_time, tz=UTC).isoformat(timespec="milliseconds")
    return {
        "fileName": file.name,
        "filePath": file.path,
        "downloadUrl": f"{base_url}/files/{quote(file.path)}",
        "fileSize": file.size,
        "mimeType": file.mime_type,
        "uploadedAt": uploaded_at.replace("+00:00", "Z"),
    }
