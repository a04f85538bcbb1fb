"""
The rule table: everything that the service refuses. The first rule that refuses a call gives the answer.

The order is the real service's: the caller, then the rate limits, then whether the body can be read, then
``callBackUrl`` before any length, then the account and the jobs.
"""

from __future__ import annotations

from airflow_provider_suno.simulator.rules import model_limits, predicates
from airflow_provider_suno.simulator.rules.caller_rules import CALLER_RULES
from airflow_provider_suno.simulator.rules.conversion_rules import CONVERSION_RULES
from airflow_provider_suno.simulator.rules.field_readers import (
    is_missing,
    is_simple,
    wrongly_typed,
)
from airflow_provider_suno.simulator.rules.persona_rules import PERSONA_RULES
from airflow_provider_suno.simulator.rules.rule import (
    PERSONA,
    POSTS,
    READS,
    Rule,
    needed,
    needed_in_custom_mode,
    not_simple,
    too_long,
)
from airflow_provider_suno.simulator.rules.upload_rules import UPLOAD_RULES
from airflow_provider_suno.simulator.rules.value_rules import one_of, too_many, weight, within
from airflow_provider_suno.simulator.state.endpoints import (
    CONVERSIONS,
    EXTENSIONS,
    FROM_UPLOADS,
    NEW_SONGS,
    OF_TRACKS,
    SUBMISSIONS,
    Endpoint,
)

GENERATE = frozenset({Endpoint.GENERATE})
EXTEND = frozenset({Endpoint.EXTEND})
UPLOAD_EXTEND = frozenset({Endpoint.UPLOAD_EXTEND})

RULES: tuple[Rule, ...] = (
    *CALLER_RULES,
    Rule(
        "body_unreadable",
        POSTS,
        422,
        "The request body must be a JSON object",
        lambda call, _state, _now: not call.readable,
    ),
    Rule(
        "conversion_unreadable",
        CONVERSIONS,
        400,
        "The request body must be a JSON object",
        lambda call, _state, _now: not call.readable,
    ),
    Rule(
        "field_of_wrong_type",
        POSTS | CONVERSIONS,
        422,
        "wrong JSON type: {wrongly_typed}",
        lambda call, _state, _now: bool(wrongly_typed(call)),
    ),
    needed("callBackUrl", SUBMISSIONS | CONVERSIONS, "Please enter callBackUrl."),
    needed("uploadUrl", FROM_UPLOADS, "uploadUrl cannot be null"),
    needed("taskId", PERSONA | CONVERSIONS | READS, "taskId cannot be empty"),
    needed("audioId", PERSONA | EXTEND | OF_TRACKS, "audioId cannot be empty"),
    needed("customMode", NEW_SONGS, "customMode cannot be null"),
    needed("defaultParamFlag", EXTENSIONS, "defaultParamFlag cannot be null"),
    needed("instrumental", SUBMISSIONS - EXTEND, "instrumental cannot be null"),
    needed("model", SUBMISSIONS, "model cannot be null"),
    Rule("model_unknown", SUBMISSIONS, 422, "model must be one of {models}", predicates.model_not_offered),
    needed("continueAt", UPLOAD_EXTEND, "continueAt cannot be null"),
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
        "style and title cannot both be empty when {mode_flag} is true",
        predicates.custom_settings_missing,
    ),
    needed_in_custom_mode("continueAt", EXTEND),
    Rule(
        "prompt_missing_for_vocals",
        SUBMISSIONS,
        422,
        "prompt cannot be empty when {mode_flag} is true and there are vocals: it is what will be sung",
        predicates.vocals_without_lyrics,
    ),
    too_long(
        "prompt",
        "music prompt cannot exceed {simple_prompt_limit} characters when customMode is false",
        lambda call: model_limits.simple_prompt_limit(call.text("model")),
        in_simple=True,
        endpoints=NEW_SONGS,
    ),
    too_long(
        "prompt",
        "music prompt cannot exceed {prompt_limit} characters for model {model}",
        lambda call: model_limits.prompt_limit(call.text("model")),
        in_simple=False,
    ),
    too_long(
        "style",
        "music style cannot exceed {style_limit} characters for model {model}",
        lambda call: model_limits.style_limit(call.text("model")),
    ),
    too_long(
        "title",
        "music title cannot exceed {title_limit} characters for model {model}",
        lambda call: model_limits.title_limit(call.text("model")),
    ),
    too_long(
        "negativeTags",
        f"negativeTags cannot exceed {model_limits.NEGATIVE_TAGS_LIMIT} characters",
        lambda _call: model_limits.NEGATIVE_TAGS_LIMIT,
    ),
    too_long(
        "lyrics",
        f"lyrics cannot exceed {model_limits.LYRICS_LIMIT} characters",
        lambda _call: model_limits.LYRICS_LIMIT,
        endpoints=GENERATE,
    ),
    within("duration", 10, 360, GENERATE),
    Rule("duration_not_for_model", GENERATE, 422, "model {model} takes no duration", predicates.duration_not_for_model),
    Rule(
        "duration_in_simple_mode",
        GENERATE,
        422,
        "duration must be left out when customMode is false",
        predicates.duration_in_simple_mode,
    ),
    within("variety", 0, 4, SUBMISSIONS),
    too_many("imageUrls", 5, GENERATE),
    too_many("videoUrls", 1, GENERATE),
    Rule(
        "attachments_too_many",
        GENERATE,
        422,
        "imageUrls, videoUrls and audioUrls take at most 10 together",
        predicates.too_many_attachments,
    ),
    one_of("vocalGender", "m", "f"),
    one_of("personaModel", "style_persona", "voice_persona"),
    Rule(
        "voice_not_for_model",
        SUBMISSIONS,
        422,
        "personaModel voice_persona needs V5 or a later model",
        predicates.voice_not_for_model,
    ),
    *weight("styleWeight"),
    *weight("weirdnessConstraint"),
    *weight("audioWeight"),
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
        EXTEND,
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
        UPLOAD_EXTEND,
        422,
        "The audio at uploadUrl must not be longer than 1 minute for model {model}",
        predicates.source_too_long_for_model,
    ),
    Rule(
        "persona_unknown",
        SUBMISSIONS,
        422,
        "personaId names no persona of this account",
        predicates.persona_unknown,
    ),
    *CONVERSION_RULES,
    Rule(
        "credits_short",
        SUBMISSIONS | CONVERSIONS,
        402,
        "The current credits are insufficient. Please top up.",
        predicates.credits_short,
        by_profile=lambda profile: profile.no_credits,
    ),
    *PERSONA_RULES,
    *UPLOAD_RULES,
)
