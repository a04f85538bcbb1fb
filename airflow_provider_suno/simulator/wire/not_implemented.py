"""
Calls that the real host has and the simulator does not implement. They are refused, but not as unknown paths.

A call that would make something new is answered as a feature that is switched off.
"""

from __future__ import annotations

from airflow_provider_suno.simulator.calls.replies import Reply, envelope
from airflow_provider_suno.simulator.rules.caller_rules import has_valid_key
from airflow_provider_suno.simulator.state.service_state import ServiceState

_DOWNLOAD_URL = "/api/v1/common/download-url"
_OTHERS = frozenset(
    (
        *(f"/api/v1/generate/{call}" for call in ("add-instrumental", "add-vocals", "replace-section", "mashup")),
        *("/api/v1/generate/sounds", "/api/v1/generate/get-timestamped-lyrics", "/api/v1/style/generate"),
    )
)
METHODS = dict.fromkeys((_DOWNLOAD_URL, *_OTHERS), "POST")
"""HTTP method of each of these calls, by path."""


def answer_not_implemented(path: str, authorization: str, state: ServiceState) -> Reply:
    """
    Answer one of these calls.

    :param authorization: the Authorization header.
    """
    if not has_valid_key(authorization, state):
        return _refused(401, "You do not have access permissions: the API key is missing or wrong")
    if path == _DOWNLOAD_URL:
        return _refused(422, "url is wrong")
    return _refused(505, "This feature is switched off")


def _refused(code: int, msg: str) -> Reply:
    return Reply(200, envelope(code, msg), accepted=False)
