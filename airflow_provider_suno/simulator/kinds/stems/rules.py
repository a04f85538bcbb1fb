"""The rules of the calls that separate a track, or the audio at an address, into stems."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from airflow_provider_suno.simulator.kinds.stems.job import ONE_STEM, StemsJob
from airflow_provider_suno.simulator.rules.call import Call
from airflow_provider_suno.simulator.rules.field_readers import is_missing
from airflow_provider_suno.simulator.rules.field_types import Fields
from airflow_provider_suno.simulator.rules.named_tracks import track_unfinished, track_unknown
from airflow_provider_suno.simulator.rules.records import NO_SUCH_RECORD, record_rules
from airflow_provider_suno.simulator.rules.rule import Rule, callback_needed, credits_short, typed, unreadable
from airflow_provider_suno.simulator.rules.track_rules import UNFINISHED
from airflow_provider_suno.simulator.rules.value_rules import not_http
from airflow_provider_suno.simulator.state.endpoints import Endpoint
from airflow_provider_suno.simulator.state.service_state import ServiceState

LARGEST_AUDIO = 20 * 1024 * 1024
"""Size of the largest file at an address, in bytes."""


def is_at_address(call: Call) -> bool:
    """Return whether the audio is named by its address, and not by the ids of a track."""
    return not is_missing(call, "audioUrl")


def _type_not_offered(call: Call, state: ServiceState, _now: float) -> bool:
    return "type" in call.fields and call.fields["type"] not in state.profile.separation_types


def _stem_not_named(call: Call, _state: ServiceState, _now: float) -> bool:
    return call.fields.get("type") == ONE_STEM and is_missing(call, "stemName")


def _id_missing(call: Call, field: str) -> bool:
    return not is_at_address(call) and is_missing(call, field)


def _two_sources(call: Call, _state: ServiceState, _now: float) -> bool:
    return is_at_address(call) and not {"taskId", "audioId"}.isdisjoint(call.fields)


def _audio_too_large(call: Call, state: ServiceState, now: float) -> bool:
    """Return whether the address is that of an uploaded file that is too large. Other files are not looked at."""
    try:
        path = unquote(urlsplit(call.text("audioUrl")).path)
    except ValueError:
        return False
    file = state.uploads.find(path.removeprefix("/files/"), now)
    return file is not None and file.size > LARGEST_AUDIO


_STEMS = frozenset({Endpoint.STEMS})
_FIELDS: Fields = {
    "taskId": "text",
    "audioId": "text",
    "audioUrl": "text",
    "type": "text",
    "stemName": "text",
    "callBackUrl": "text",
}

RULES: tuple[Rule, ...] = (
    unreadable(_STEMS, 400),
    typed(_STEMS, _FIELDS, null_is_absent=("taskId", "audioId", "callBackUrl")),
    callback_needed(_STEMS),
    Rule("sources_too_many", _STEMS, 422, "Give taskId and audioId, or audioUrl, not both", _two_sources),
    Rule(
        "taskId_missing", _STEMS, 422, "taskId cannot be empty", lambda call, _state, _now: _id_missing(call, "taskId")
    ),
    Rule(
        "audioId_missing",
        _STEMS,
        422,
        "audioId cannot be empty",
        lambda call, _state, _now: _id_missing(call, "audioId"),
    ),
    not_http("audioUrl", _STEMS),
    Rule(
        "type_unknown",
        _STEMS,
        422,
        lambda _call, profile: f"type must be one of {', '.join(profile.separation_types)}",
        _type_not_offered,
    ),
    Rule("stemName_missing", _STEMS, 422, f"stemName cannot be empty when type is {ONE_STEM}", _stem_not_named),
    Rule(
        "source_unknown",
        _STEMS,
        422,
        NO_SUCH_RECORD,
        lambda call, state, now: not is_at_address(call) and track_unknown(call, state, now),
    ),
    Rule(
        "source_unfinished",
        _STEMS,
        422,
        UNFINISHED,
        lambda call, state, now: not is_at_address(call) and track_unfinished(call, state, now),
    ),
    Rule("audio_too_large", _STEMS, 422, "The audio at audioUrl must not be larger than 20 MB", _audio_too_large),
    credits_short(_STEMS),
    *record_rules(Endpoint.STEMS_RECORD, StemsJob),
)
