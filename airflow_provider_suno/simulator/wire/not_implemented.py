"""
Calls that the real host has and the simulator does not implement. They are refused, but not as unknown paths.

The record of a conversion is answered as one that does not exist, since nobody can have started that conversion. A
call that would make something new is answered as a feature that is switched off.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_suno.simulator.calls.replies import Reply, envelope
from airflow_provider_suno.simulator.rules.caller_rules import has_valid_key
from airflow_provider_suno.simulator.state.service_state import ServiceState

_RECORDS = frozenset(f"/api/v1/{job}/record-info" for job in ("lyrics", "mp4", "suno/cover", "voice")) | {
    "/api/v1/voice/validate-info",
    "/api/v1/suno/recovery/record-info",
}
_CONVERSIONS = frozenset(f"/api/v1/{job}/generate" for job in ("mp4", "suno/cover"))
_OTHERS = frozenset(
    (
        *("/api/v1/lyrics", "/api/v1/suno/recovery"),
        *(f"/api/v1/voice/{call}" for call in ("validate", "regenerate", "generate", "check-voice")),
    )
)
METHODS = dict.fromkeys(_RECORDS, "GET") | dict.fromkeys((*_CONVERSIONS, *_OTHERS), "POST")
"""HTTP method of each of these calls, by path."""

_NEED_CALLBACK = _CONVERSIONS - {"/api/v1/suno/cover/generate"}


def answer_not_implemented(path: str, authorization: str, fields: Mapping[str, Any], state: ServiceState) -> Reply:
    """
    Answer one of these calls.

    :param authorization: the Authorization header.
    :param fields: the fields of the body or the query.
    """
    if not has_valid_key(authorization, state):
        return _refused(401, "You do not have access permissions: the API key is missing or wrong")
    if path in _NEED_CALLBACK and not fields.get("callBackUrl"):
        return _refused(422, "Please enter callBackUrl.")
    if path in _RECORDS or (path in _CONVERSIONS and fields.get("taskId") not in state.music_tasks):
        return _refused(422, "Record does not exist")
    return _refused(505, "This feature is switched off")


def _refused(code: int, msg: str) -> Reply:
    return Reply(200, envelope(code, msg), accepted=False)
