"""The JSON types of the fields of each call."""

from __future__ import annotations

from typing import Literal

from airflow_provider_suno.simulator.state.endpoints import Endpoint

FieldKind = Literal["text", "flag", "number", "whole", "texts"]

_MUSIC: dict[str, FieldKind] = {
    "prompt": "text",
    "style": "text",
    "title": "text",
    "model": "text",
    "callBackUrl": "text",
    "negativeTags": "text",
    "vocalGender": "text",
    "styleWeight": "number",
    "weirdnessConstraint": "number",
    "audioWeight": "number",
    "personaId": "text",
    "personaModel": "text",
    "variety": "whole",
}
_CONVERSION: dict[str, FieldKind] = {"taskId": "text", "audioId": "text", "callBackUrl": "text"}
_FILE: dict[str, FieldKind] = {"uploadPath": "text", "fileName": "text"}
FIELD_KINDS: dict[Endpoint, dict[str, FieldKind]] = {
    Endpoint.GENERATE: {
        **_MUSIC,
        "customMode": "flag",
        "instrumental": "flag",
        "duration": "whole",
        "lyrics": "text",
        "imageUrls": "texts",
        "videoUrls": "texts",
        "audioUrls": "texts",
    },
    Endpoint.EXTEND: {**_MUSIC, "audioId": "text", "defaultParamFlag": "flag", "continueAt": "number"},
    Endpoint.UPLOAD_COVER: {**_MUSIC, "uploadUrl": "text", "customMode": "flag", "instrumental": "flag"},
    Endpoint.UPLOAD_EXTEND: {
        **_MUSIC,
        "uploadUrl": "text",
        "defaultParamFlag": "flag",
        "instrumental": "flag",
        "continueAt": "number",
    },
    Endpoint.GENERATE_PERSONA: {
        "taskId": "text",
        "audioId": "text",
        "name": "text",
        "description": "text",
        "vocalStart": "number",
        "vocalEnd": "number",
        "style": "text",
    },
    Endpoint.WAV: _CONVERSION,
    Endpoint.STEMS: {**_CONVERSION, "type": "text"},
    Endpoint.MIDI: _CONVERSION,
    Endpoint.UPLOAD_BASE64: {**_FILE, "base64Data": "text"},
    Endpoint.UPLOAD_STREAM: _FILE,
    Endpoint.UPLOAD_URL: {**_FILE, "fileUrl": "text"},
}
"""The JSON type of each field, by call. Unknown fields have no type."""

NULL_IS_ABSENT = frozenset(
    (
        "customMode",
        "defaultParamFlag",
        "instrumental",
        "model",
        "callBackUrl",
        "uploadUrl",
        "taskId",
        "audioId",
        "name",
        "description",
        "uploadPath",
        "base64Data",
        "fileUrl",
    )
)
"""Null in one of these fields is handled by its own rule, as if the field were absent."""
