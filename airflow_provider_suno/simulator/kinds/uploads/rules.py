"""The rules of the upload calls."""

from __future__ import annotations

from airflow_provider_suno.simulator.rules.call import Call
from airflow_provider_suno.simulator.rules.field_readers import decode_base64
from airflow_provider_suno.simulator.rules.field_types import Fields
from airflow_provider_suno.simulator.rules.rule import Rule, needed, typed
from airflow_provider_suno.simulator.rules.value_rules import not_http
from airflow_provider_suno.simulator.state.endpoints import UPLOADS, Endpoint
from airflow_provider_suno.simulator.state.service_state import ServiceState


def _path_malformed(call: Call, _state: ServiceState, _now: float) -> bool:
    """Return whether a file's folder has empty parts, or parts that are dots."""
    folder = call.text("uploadPath")
    return bool(folder) and any(part in ("", ".", "..") for part in folder.split("/"))


def _file_name_malformed(call: Call, _state: ServiceState, _now: float) -> bool:
    """Return whether a file's name holds a folder or is only dots."""
    name = call.text("fileName")
    return "/" in name or name in (".", "..")


def _data_malformed(call: Call, _state: ServiceState, _now: float) -> bool:
    """Return whether the file is not valid base64."""
    try:
        decode_base64(call.text("base64Data"))
    except ValueError:
        return True
    return False


_FIELDS: Fields = {"uploadPath": "text", "fileName": "text"}
_BASE64, _STREAM, _URL = (
    frozenset({endpoint}) for endpoint in (Endpoint.UPLOAD_BASE64, Endpoint.UPLOAD_STREAM, Endpoint.UPLOAD_URL)
)

RULES: tuple[Rule, ...] = (
    Rule(
        "upload_unreadable",
        UPLOADS,
        400,
        "The request body must be a JSON object, or a form if a file is sent",
        lambda call, _state, _now: not call.readable,
    ),
    typed(_BASE64, {**_FIELDS, "base64Data": "text"}, null_is_absent=("uploadPath", "base64Data"), code=400),
    typed(_STREAM, _FIELDS, null_is_absent=("uploadPath",), code=400),
    typed(_URL, {**_FIELDS, "fileUrl": "text"}, null_is_absent=("uploadPath", "fileUrl"), code=400),
    needed("base64Data", _BASE64, code=400),
    needed("file", _STREAM, code=400),
    needed("fileUrl", _URL, code=400),
    needed("uploadPath", UPLOADS, code=400),
    Rule(
        "uploadPath_malformed",
        UPLOADS,
        400,
        "uploadPath must be a folder without a slash at either end",
        _path_malformed,
    ),
    Rule("fileName_malformed", UPLOADS, 400, "fileName must not name a folder", _file_name_malformed),
    Rule(
        "base64Data_malformed",
        _BASE64,
        400,
        "base64Data must be base64, or a data URL of it",
        _data_malformed,
    ),
    not_http("fileUrl", _URL, 400),
)
