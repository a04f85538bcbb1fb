"""The rules of the music calls, in the order of the real service: ``callBackUrl`` before any length."""

from __future__ import annotations

from collections.abc import Callable

from airflow_provider_suno.simulator.kinds.music import model_limits, predicates
from airflow_provider_suno.simulator.kinds.music.modes import (
    is_simple,
    mode_flag,
    needed_in_custom_mode,
    not_simple,
)
from airflow_provider_suno.simulator.rules.field_readers import is_missing, length
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
from airflow_provider_suno.simulator.rules.value_rules import one_of, too_many, weight, within
from airflow_provider_suno.simulator.state.endpoints import (
    EXTENSIONS,
    FROM_UPLOADS,
    NEW_SONGS,
    SUBMISSIONS,
    Endpoint,
)

_GENERATE = frozenset({Endpoint.GENERATE})
_EXTEND = frozenset({Endpoint.EXTEND})
_UPLOAD_COVER = frozenset({Endpoint.UPLOAD_COVER})
_UPLOAD_EXTEND = frozenset({Endpoint.UPLOAD_EXTEND})

_FIELDS: Fields = {
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
"""Fields of all submissions."""

_NEW: Fields = {"customMode": "flag", "instrumental": "flag"}
_CONTINUED: Fields = {"defaultParamFlag": "flag", "continueAt": "number"}
_NEEDED = ("callBackUrl", "customMode", "defaultParamFlag", "instrumental", "model", "uploadUrl", "audioId")


def _typed(endpoints: Endpoints, own: Fields) -> Rule:
    return typed(endpoints, {**_FIELDS, **own}, null_is_absent=_NEEDED)


def _text_too_long(
    field: str, limit: Callable[[str], int], endpoints: Endpoints = SUBMISSIONS, *, in_simple: bool | None = None
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
    unreadable(SUBMISSIONS),
    _typed(
        _GENERATE,
        {
            **_NEW,
            "duration": "whole",
            "lyrics": "text",
            "imageUrls": "texts",
            "videoUrls": "texts",
            "audioUrls": "texts",
        },
    ),
    _typed(_EXTEND, {**_CONTINUED, "audioId": "text"}),
    _typed(_UPLOAD_COVER, {**_NEW, "uploadUrl": "text"}),
    _typed(_UPLOAD_EXTEND, {**_CONTINUED, "uploadUrl": "text", "instrumental": "flag"}),
    callback_needed(SUBMISSIONS),
    needed("uploadUrl", FROM_UPLOADS, "uploadUrl cannot be null"),
    needed("audioId", _EXTEND),
    needed("customMode", NEW_SONGS, "customMode cannot be null"),
    needed("defaultParamFlag", EXTENSIONS, "defaultParamFlag cannot be null"),
    needed("instrumental", SUBMISSIONS - _EXTEND, "instrumental cannot be null"),
    needed("model", SUBMISSIONS, "model cannot be null"),
    Rule(
        "model_unknown",
        SUBMISSIONS,
        422,
        lambda _call, profile: f"model must be one of {', '.join(profile.models)}",
        predicates.model_not_offered,
    ),
    needed("continueAt", _UPLOAD_EXTEND, "continueAt cannot be null"),
    Rule(
        "prompt_missing_in_simple_mode",
        NEW_SONGS,
        422,
        "prompt cannot be empty when customMode is false",
        lambda call, _state, _now: is_simple(call) and is_missing(call, "prompt"),
    ),
    *map(not_simple, ("style", "title")),
    not_simple("personaId", SUBMISSIONS),
    Rule(
        "own_settings_missing",
        SUBMISSIONS,
        422,
        lambda call, _profile: f"style and title cannot both be empty when {mode_flag(call)} is true",
        predicates.custom_settings_missing,
    ),
    needed_in_custom_mode("continueAt", _EXTEND),
    Rule(
        "prompt_missing_for_vocals",
        SUBMISSIONS,
        422,
        lambda call, _profile: (
            f"prompt cannot be empty when {mode_flag(call)} is true and there are vocals: it is what will be sung"
        ),
        predicates.vocals_without_lyrics,
    ),
    _text_too_long("prompt", model_limits.simple_prompt_limit, NEW_SONGS, in_simple=True),
    _text_too_long("prompt", model_limits.prompt_limit, in_simple=False),
    _text_too_long("style", model_limits.style_limit),
    _text_too_long("title", model_limits.title_limit),
    too_long("negativeTags", model_limits.NEGATIVE_TAGS_LIMIT, SUBMISSIONS),
    too_long("lyrics", model_limits.LYRICS_LIMIT, _GENERATE),
    within("duration", 10, 360, _GENERATE),
    Rule(
        "duration_not_for_model",
        _GENERATE,
        422,
        lambda call, _profile: f"model {call.text('model')} takes no duration",
        predicates.duration_not_for_model,
    ),
    Rule(
        "duration_in_simple_mode",
        _GENERATE,
        422,
        "duration must be left out when customMode is false",
        predicates.duration_in_simple_mode,
    ),
    within("variety", 0, 4, SUBMISSIONS),
    too_many("imageUrls", 5, _GENERATE),
    too_many("videoUrls", 1, _GENERATE),
    Rule(
        "attachments_too_many",
        _GENERATE,
        422,
        "imageUrls, videoUrls and audioUrls take at most 10 together",
        predicates.too_many_attachments,
    ),
    one_of("vocalGender", "m", "f", endpoints=SUBMISSIONS),
    one_of("personaModel", "style_persona", "voice_persona", endpoints=SUBMISSIONS),
    Rule(
        "voice_not_for_model",
        SUBMISSIONS,
        422,
        "personaModel voice_persona needs V5 or a later model",
        predicates.voice_not_for_model,
    ),
    *weight("styleWeight", SUBMISSIONS),
    *weight("weirdnessConstraint", SUBMISSIONS),
    *weight("audioWeight", SUBMISSIONS),
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
    Rule(
        "source_too_long",
        FROM_UPLOADS,
        422,
        "The audio at uploadUrl must not be longer than 8 minutes",
        predicates.source_too_long,
    ),
    Rule(
        "source_too_long_for_model",
        _UPLOAD_EXTEND,
        422,
        lambda call, _profile: (
            f"The audio at uploadUrl must not be longer than 1 minute for model {call.text('model')}"
        ),
        predicates.source_too_long_for_model,
    ),
    Rule(
        "persona_unknown",
        SUBMISSIONS,
        422,
        "personaId names no persona of this account",
        predicates.persona_unknown,
    ),
    credits_short(SUBMISSIONS),
    needed("taskId", frozenset({Endpoint.RECORD_INFO})),
)
