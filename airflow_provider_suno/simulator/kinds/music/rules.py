"""
The rules of the music calls, in the order of the real service: ``callBackUrl`` before any length.

Here are those of the calls that have a custom mode. The other calls have modules of their own.
"""

from __future__ import annotations

from collections.abc import Callable

from airflow_provider_suno.simulator.kinds.music import model_limits, predicates
from airflow_provider_suno.simulator.kinds.music.addition_rules import ADDITION_RULES
from airflow_provider_suno.simulator.kinds.music.modes import (
    is_simple,
    mode_flag,
    needed_in_custom_mode,
    not_simple,
)
from airflow_provider_suno.simulator.kinds.music.section_rules import SECTION_RULES
from airflow_provider_suno.simulator.kinds.music.sound_rules import SOUND_RULES
from airflow_provider_suno.simulator.kinds.music.source_lookup import source_addresses
from airflow_provider_suno.simulator.kinds.music.tuning import (
    PERSONA_FIELDS,
    TUNING_FIELDS,
    model_known,
    needed_at_reseller,
    persona_rules,
    source_not_too_long,
    tuning_rules,
)
from airflow_provider_suno.simulator.rules.field_readers import count, is_missing, length
from airflow_provider_suno.simulator.rules.field_types import Fields
from airflow_provider_suno.simulator.rules.rule import (
    Endpoints,
    Rule,
    callback_needed,
    credits_short,
    needed,
    too_long,
    typed,
    unreadable,
)
from airflow_provider_suno.simulator.rules.value_rules import too_many, within
from airflow_provider_suno.simulator.state.endpoints import EXTENSIONS, NEW_SONGS, WITH_MODES, Endpoint

_GENERATE = frozenset({Endpoint.GENERATE})
_EXTEND = frozenset({Endpoint.EXTEND})
_UPLOAD_COVER = frozenset({Endpoint.UPLOAD_COVER})
_UPLOAD_EXTEND = frozenset({Endpoint.UPLOAD_EXTEND})
_MASHUP = frozenset({Endpoint.MASHUP})
_FROM_UPLOADS = _UPLOAD_COVER | _UPLOAD_EXTEND
_WITH_CUSTOM_MODE = NEW_SONGS | _MASHUP
_WITH_DURATION = _GENERATE | _MASHUP

_FIELDS: Fields = {
    "prompt": "text",
    "style": "text",
    "title": "text",
    "model": "text",
    "callBackUrl": "text",
    **TUNING_FIELDS,
    **PERSONA_FIELDS,
}
"""Fields of all submissions with a custom mode."""

_NEW: Fields = {"customMode": "flag", "instrumental": "flag"}
_CONTINUED: Fields = {"defaultParamFlag": "flag", "continueAt": "number", "negativeTags": "text"}
_NEEDED_TO_EXTEND = ("callBackUrl", "defaultParamFlag", "model", "audioId")
_NEEDED_TO_MASH_UP = ("callBackUrl", "uploadUrlList", "model")
_NEEDED = ("callBackUrl", "customMode", "defaultParamFlag", "instrumental", "model", "uploadUrl", "audioId")


def _typed(endpoints: Endpoints, own: Fields, needed: tuple[str, ...] = _NEEDED) -> Rule:
    return typed(endpoints, {**_FIELDS, **own}, null_is_absent=needed)


def _text_too_long(
    field: str, limit: Callable[[str], int], endpoints: Endpoints = WITH_MODES, *, in_simple: bool | None = None
) -> Rule:
    """
    Return the rule that a text is not too long for the model.

    :param limit: returns the longest text for a model, in characters.
    :param endpoints: the calls it applies to.
    :param in_simple: check only in simple mode (True), only in custom mode (False), or in both (None).
    """
    mode = {None: "", True: "_in_simple_mode", False: "_in_custom_mode"}[in_simple]
    where = "when customMode is false" if in_simple else "for model {}"
    return Rule(
        f"{field}_too_long{mode}",
        endpoints,
        422,
        lambda call, _profile: (
            f"music {field} cannot exceed {limit(call.text('model'))} characters {where.format(call.text('model'))}"
        ),
        lambda call, _state, _now: (
            in_simple in (None, is_simple(call)) and length(call, field) > limit(call.text("model"))
        ),
        overlong=True,
    )


RULES: tuple[Rule, ...] = (
    unreadable(WITH_MODES),
    _typed(
        _GENERATE,
        {
            **_NEW,
            "negativeTags": "text",
            "duration": "whole",
            "lyrics": "text",
            "imageUrls": "texts",
            "videoUrls": "texts",
            "audioUrls": "texts",
        },
    ),
    _typed(_EXTEND, {**_CONTINUED, "audioId": "text", "instrumental": "flag"}, _NEEDED_TO_EXTEND),
    _typed(_UPLOAD_COVER, {**_NEW, "uploadUrl": "text", "negativeTags": "text"}),
    _typed(_UPLOAD_EXTEND, {**_CONTINUED, "uploadUrl": "text", "instrumental": "flag"}),
    _typed(_MASHUP, {**_NEW, "uploadUrlList": "texts", "duration": "whole", "lyrics": "text"}, _NEEDED_TO_MASH_UP),
    callback_needed(WITH_MODES),
    needed("uploadUrl", _FROM_UPLOADS, "uploadUrl cannot be null"),
    needed("uploadUrlList", _MASHUP, "uploadUrlList cannot be null"),
    Rule(
        "uploadUrlList_not_two",
        _MASHUP,
        422,
        "uploadUrlList must hold two addresses",
        lambda call, _state, _now: count(call, "uploadUrlList") != 2 or not all(map(str.strip, source_addresses(call))),
    ),
    needed("audioId", _EXTEND),
    needed("customMode", NEW_SONGS, "customMode cannot be null"),
    needed("defaultParamFlag", EXTENSIONS, "defaultParamFlag cannot be null"),
    needed_at_reseller(_MASHUP),
    needed("instrumental", _GENERATE | _FROM_UPLOADS, "instrumental cannot be null"),
    needed("model", WITH_MODES, "model cannot be null"),
    model_known(WITH_MODES),
    needed("continueAt", _UPLOAD_EXTEND, "continueAt cannot be null"),
    Rule(
        "prompt_missing_in_simple_mode",
        _WITH_CUSTOM_MODE,
        422,
        "prompt cannot be empty when customMode is false",
        lambda call, _state, _now: is_simple(call) and is_missing(call, "prompt"),
    ),
    *map(not_simple, ("style", "title")),
    not_simple("personaId", WITH_MODES),
    Rule(
        "vocals_in_instrumental_extension",
        _EXTEND,
        422,
        "prompt and vocalGender must be left out when instrumental is true",
        predicates.vocals_in_instrumental_extension,
    ),
    Rule(
        "own_settings_missing",
        WITH_MODES,
        422,
        lambda call, _profile: f"style and title cannot both be empty when {mode_flag(call)} is true",
        predicates.custom_settings_missing,
    ),
    needed_in_custom_mode("continueAt", _EXTEND),
    Rule(
        "prompt_missing_for_vocals",
        WITH_MODES,
        422,
        lambda call, _profile: (
            f"prompt cannot be empty when {mode_flag(call)} is true and there are vocals: it is what will be sung"
        ),
        predicates.vocals_without_lyrics,
    ),
    _text_too_long("prompt", model_limits.simple_prompt_limit, _WITH_CUSTOM_MODE, in_simple=True),
    _text_too_long("prompt", model_limits.prompt_limit, in_simple=False),
    _text_too_long("style", model_limits.style_limit),
    _text_too_long("title", model_limits.title_limit),
    too_long("negativeTags", model_limits.NEGATIVE_TAGS_LIMIT, WITH_MODES - _MASHUP),
    too_long("lyrics", model_limits.LYRICS_LIMIT, _WITH_DURATION),
    within("duration", 10, 360, _WITH_DURATION),
    Rule(
        "duration_not_for_model",
        _WITH_DURATION,
        422,
        lambda call, _profile: f"model {call.text('model')} takes no duration",
        predicates.duration_not_for_model,
    ),
    Rule(
        "duration_in_simple_mode",
        _WITH_DURATION,
        422,
        "duration must be left out when customMode is false",
        predicates.duration_in_simple_mode,
    ),
    too_many("imageUrls", 5, _GENERATE),
    too_many("videoUrls", 1, _GENERATE),
    Rule(
        "attachments_too_many",
        _GENERATE,
        422,
        "imageUrls, videoUrls and audioUrls take at most 10 together",
        predicates.too_many_attachments,
    ),
    *tuning_rules(WITH_MODES),
    *persona_rules(WITH_MODES),
    Rule(
        "continueAt_not_positive",
        EXTENSIONS,
        422,
        "continueAt must be greater than 0",
        predicates.continues_before_the_start,
    ),
    Rule(
        "continueAt_beyond_source",
        EXTENSIONS,
        422,
        "continueAt must be less than the length of the source audio",
        predicates.continues_after_the_end,
    ),
    Rule(
        "model_differs_from_source",
        _EXTEND,
        422,
        "model must be the one that the source audio was made by",
        predicates.other_model_than_source,
    ),
    source_not_too_long(_FROM_UPLOADS | _MASHUP),
    Rule(
        "source_too_long_for_model",
        _UPLOAD_EXTEND,
        422,
        lambda call, _profile: (
            f"The audio at uploadUrl must not be longer than 1 minute for model {call.text('model')}"
        ),
        predicates.source_too_long_for_model,
    ),
    credits_short(WITH_MODES),
    *ADDITION_RULES,
    *SECTION_RULES,
    *SOUND_RULES,
    needed("taskId", frozenset({Endpoint.RECORD_INFO})),
)
