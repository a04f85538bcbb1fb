"""The rules of the calls that add something to audio: an accompaniment, or vocals."""

from __future__ import annotations

from airflow_provider_suno.simulator.kinds.music import model_limits
from airflow_provider_suno.simulator.kinds.music.tuning import (
    TUNING_FIELDS,
    model_known,
    source_not_too_long,
    tuning_rules,
)
from airflow_provider_suno.simulator.rules.field_types import Fields
from airflow_provider_suno.simulator.rules.rule import (
    Rule,
    callback_needed,
    credits_short,
    needed,
    too_long,
    typed,
    unreadable,
)
from airflow_provider_suno.simulator.state.endpoints import ADDITIONS, Endpoint

_INSTRUMENTAL = frozenset({Endpoint.ADD_INSTRUMENTAL})
_VOCALS = frozenset({Endpoint.ADD_VOCALS})
_NEEDED: Fields = dict.fromkeys(("uploadUrl", "title", "negativeTags", "callBackUrl"), "text")
_NEEDED_BY_INSTRUMENTAL: Fields = {**_NEEDED, "tags": "text"}
_NEEDED_BY_VOCALS: Fields = {**_NEEDED, "prompt": "text", "style": "text"}
_OPTIONAL: Fields = {"model": "text", **TUNING_FIELDS}

ADDITION_RULES: tuple[Rule, ...] = (
    unreadable(ADDITIONS),
    typed(_INSTRUMENTAL, {**_NEEDED_BY_INSTRUMENTAL, **_OPTIONAL}, null_is_absent=_NEEDED_BY_INSTRUMENTAL),
    typed(_VOCALS, {**_NEEDED_BY_VOCALS, **_OPTIONAL}, null_is_absent=_NEEDED_BY_VOCALS),
    callback_needed(ADDITIONS),
    needed("uploadUrl", ADDITIONS, "uploadUrl cannot be null"),
    needed("title", ADDITIONS),
    needed("tags", _INSTRUMENTAL),
    needed("prompt", _VOCALS),
    needed("style", _VOCALS),
    needed("negativeTags", ADDITIONS),
    model_known(ADDITIONS),
    too_long("title", model_limits.LONGEST_TITLE, ADDITIONS),
    too_long("tags", model_limits.LONGEST_STYLE, _INSTRUMENTAL),
    too_long("prompt", model_limits.LONGEST_PROMPT, _VOCALS),
    too_long("style", model_limits.LONGEST_STYLE, _VOCALS),
    too_long("negativeTags", model_limits.SHORT_NEGATIVE_TAGS_LIMIT, ADDITIONS),
    *tuning_rules(ADDITIONS),
    source_not_too_long(ADDITIONS),
    credits_short(ADDITIONS),
)
