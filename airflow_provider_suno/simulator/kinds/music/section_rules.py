"""The rules of the call that replaces a section of a track."""

from __future__ import annotations

from airflow_provider_suno.simulator.kinds.music import model_limits, predicates
from airflow_provider_suno.simulator.kinds.music.tuning import (
    PERSONA_FIELDS,
    TUNING_FIELDS,
    model_known,
    needed_at_reseller,
    persona_rules,
    source_not_too_long,
    tuning_rules,
)
from airflow_provider_suno.simulator.rules.call import Call
from airflow_provider_suno.simulator.rules.field_readers import outside
from airflow_provider_suno.simulator.rules.field_types import Fields
from airflow_provider_suno.simulator.rules.rule import Rule, credits_short, needed, too_long, typed, unreadable
from airflow_provider_suno.simulator.rules.value_rules import at_most_two_decimals
from airflow_provider_suno.simulator.state.endpoints import Endpoint
from airflow_provider_suno.simulator.state.host_profiles import HostProfile

_SECTION = frozenset({Endpoint.REPLACE_SECTION})
_NEEDED: Fields = {
    **dict.fromkeys(("prompt", "tags", "title"), "text"),
    **dict.fromkeys(("infillStartS", "infillEndS"), "number"),
}
_OPTIONAL: Fields = {
    **dict.fromkeys(("taskId", "audioId", "uploadUrl", "model", "lyrics", "fullLyrics", "negativeTags"), "text"),
    "callBackUrl": "text",
    **TUNING_FIELDS,
    **PERSONA_FIELDS,
}


def _allowed_length(_call: Call, profile: HostProfile) -> str:
    shortest, longest = profile.section
    limits = f"at least {shortest}" if longest is None else f"{shortest} to {longest}"
    return f"infillEndS must be {limits} seconds after infillStartS"


SECTION_RULES: tuple[Rule, ...] = (
    unreadable(_SECTION),
    typed(_SECTION, {**_NEEDED, **_OPTIONAL}, null_is_absent=_NEEDED),
    Rule(
        "source_missing",
        _SECTION,
        422,
        "taskId and audioId cannot be empty",
        predicates.replaces_nothing,
    ),
    Rule(
        "two_sources",
        _SECTION,
        422,
        "taskId and audioId must be left out when uploadUrl is given",
        predicates.replaces_two_sources,
    ),
    Rule(
        "model_missing_for_address",
        _SECTION,
        422,
        "model cannot be empty when uploadUrl is given",
        predicates.model_missing_for_address,
    ),
    *(needed(field, _SECTION) for field in _NEEDED),
    needed_at_reseller(_SECTION),
    model_known(_SECTION),
    too_long("prompt", model_limits.LONGEST_PROMPT, _SECTION),
    too_long("lyrics", model_limits.LYRICS_LIMIT, _SECTION),
    too_long("title", model_limits.LONGEST_TITLE, _SECTION),
    too_long("negativeTags", model_limits.NEGATIVE_TAGS_LIMIT, _SECTION),
    *tuning_rules(_SECTION),
    *persona_rules(_SECTION),
    Rule(
        "infillStartS_negative",
        _SECTION,
        422,
        "infillStartS cannot be negative",
        lambda call, _state, _now: outside(call.fields.get("infillStartS"), lowest=0),
    ),
    at_most_two_decimals("infillStartS", _SECTION),
    at_most_two_decimals("infillEndS", _SECTION),
    Rule("section_length", _SECTION, 422, _allowed_length, predicates.section_of_wrong_length),
    Rule(
        "section_beyond_source",
        _SECTION,
        422,
        "infillEndS must not lie beyond the end of the source audio",
        predicates.section_beyond_source,
    ),
    Rule(
        "section_too_long_for_source",
        _SECTION,
        422,
        "The section must not be longer than half of the source audio",
        predicates.section_too_long_for_source,
    ),
    source_not_too_long(_SECTION),
    credits_short(_SECTION),
)
