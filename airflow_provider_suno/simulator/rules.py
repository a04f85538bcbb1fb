"""
What the service refuses: one table, read from top to bottom, and the first rule that refuses answers.

The order is the service's own: who is calling, then whether the body can be read, then ``callBackUrl`` before
any length, then what the account and the named music tasks allow.
"""

from __future__ import annotations

from airflow_provider_suno.simulator import grounds, models
from airflow_provider_suno.simulator.call import Endpoint
from airflow_provider_suno.simulator.fields import bare_library, missing, simple, wrongly_typed
from airflow_provider_suno.simulator.rule import (
    CONTINUING,
    EVERYWHERE,
    FROM_UPLOADS,
    NEW_SONGS,
    PERSONA,
    POSTS,
    READS,
    SUBMITS,
    Rule,
    needed,
    needed_in_custom_mode,
    not_simple,
    one_of,
    too_long,
    weight,
)

EXTEND = frozenset({Endpoint.EXTEND})
UPLOAD_EXTEND = frozenset({Endpoint.UPLOAD_EXTEND})

RULES: tuple[Rule, ...] = (
    Rule(
        "bare_user_agent",
        EVERYWHERE,
        None,
        "error code: 1010",
        lambda call, _world, _now: bare_library(call.user_agent),
    ),
    Rule(
        "key_unknown",
        EVERYWHERE,
        401,
        "You do not have access permissions: the API key is missing or wrong",
        grounds.unknown_key,
    ),
    Rule(
        "body_unreadable",
        POSTS,
        422,
        "The request body must be a JSON object",
        lambda call, _world, _now: not call.readable,
    ),
    Rule(
        "field_of_wrong_type",
        POSTS,
        422,
        "wrong JSON type: {wrongly_typed}",
        lambda call, _world, _now: bool(wrongly_typed(call)),
    ),
    needed("callBackUrl", SUBMITS, "Please enter callBackUrl."),
    needed("uploadUrl", FROM_UPLOADS, "uploadUrl cannot be null"),
    needed("taskId", PERSONA | READS, "taskId cannot be empty"),
    needed("audioId", PERSONA | EXTEND, "audioId cannot be empty"),
    needed("customMode", NEW_SONGS, "customMode cannot be null"),
    needed("defaultParamFlag", CONTINUING, "defaultParamFlag cannot be null"),
    needed("instrumental", SUBMITS - EXTEND, "instrumental cannot be null"),
    needed("model", SUBMITS, "model cannot be null"),
    one_of("model", *models.OFFERED),
    needed("continueAt", UPLOAD_EXTEND, "continueAt cannot be null"),
    Rule(
        "prompt_missing_in_simple_mode",
        NEW_SONGS,
        422,
        "prompt cannot be empty when customMode is false",
        lambda call, _world, _now: simple(call) and missing(call, "prompt"),
    ),
    *map(not_simple, ("style", "title", "negativeTags", "vocalGender")),
    not_simple("personaId", SUBMITS),
    needed_in_custom_mode("style"),
    needed_in_custom_mode("title"),
    needed_in_custom_mode("continueAt", EXTEND),
    Rule(
        "prompt_missing_for_vocals",
        SUBMITS,
        422,
        "prompt cannot be empty when {mode_flag} is true and there are vocals: it is what will be sung",
        grounds.nothing_to_sing,
    ),
    too_long(
        "prompt",
        f"music prompt cannot exceed {models.SIMPLE_PROMPT_LIMIT} characters when customMode is false",
        lambda _call: models.SIMPLE_PROMPT_LIMIT,
        in_simple=True,
    ),
    too_long(
        "prompt",
        "music prompt cannot exceed {prompt_limit} characters for model {model}",
        lambda call: models.prompt_limit(call.text("model")),
        in_simple=False,
    ),
    too_long(
        "style",
        "music style cannot exceed {style_limit} characters for model {model}",
        lambda call: models.style_limit(call.text("model")),
    ),
    too_long(
        "title",
        "music title cannot exceed {title_limit} characters for model {model}",
        lambda call: models.title_limit(call.text("model")),
    ),
    too_long(
        "negativeTags",
        f"negativeTags cannot exceed {models.NEGATIVE_TAGS_LIMIT} characters",
        lambda _call: models.NEGATIVE_TAGS_LIMIT,
    ),
    one_of("vocalGender", "m", "f"),
    one_of("personaModel", "style_persona", "voice_persona"),
    *weight("styleWeight"),
    *weight("weirdnessConstraint"),
    *weight("audioWeight"),
    Rule(
        "continueAt_not_positive",
        CONTINUING,
        422,
        "continueAt must be greater than 0",
        grounds.continues_before_the_start,
    ),
    Rule(
        "continueAt_beyond_source",
        CONTINUING,
        422,
        "continueAt must be less than the length of the source audio",
        grounds.continues_after_the_end,
    ),
    Rule(
        "model_differs_from_source",
        EXTEND,
        422,
        "model must be the one that the source audio was made by",
        grounds.other_model_than_source,
    ),
    Rule(
        "source_too_long",
        FROM_UPLOADS,
        422,
        "The audio at uploadUrl must not be longer than 8 minutes",
        grounds.source_too_long,
    ),
    Rule(
        "source_too_long_for_model",
        UPLOAD_EXTEND,
        422,
        "The audio at uploadUrl must not be longer than 1 minute for model {model}",
        grounds.source_too_long_for_model,
    ),
    Rule(
        "persona_unknown",
        SUBMITS,
        422,
        "personaId names no persona of this account",
        grounds.unknown_persona,
    ),
    Rule(
        "credits_short",
        SUBMITS,
        402,
        "The current credits are insufficient. Please top up.",
        grounds.credits_short,
    ),
    needed("name", PERSONA, "name cannot be empty"),
    needed("description", PERSONA, "description cannot be empty"),
    Rule(
        "vocalStart_negative",
        PERSONA,
        422,
        "vocalStart cannot be negative",
        grounds.window_before_the_start,
    ),
    Rule(
        "vocal_window_length",
        PERSONA,
        422,
        "vocalStart and vocalEnd must lie 10 to 30 seconds apart",
        grounds.window_of_wrong_length,
    ),
    Rule(
        "music_task_unknown",
        PERSONA,
        404,
        "taskId names no music task of this account",
        grounds.unknown_task,
    ),
    Rule(
        "music_unfinished",
        PERSONA,
        422,
        "The music task has not finished: a persona needs the whole audio",
        grounds.unfinished,
    ),
    Rule("track_unknown", PERSONA, 404, "audioId names no track of this music task", grounds.stray_track),
    Rule(
        "source_model_retired",
        PERSONA,
        422,
        "The track was made by v3_5 or older, of which no persona can be made",
        grounds.retired_source,
    ),
    Rule(
        "persona_exists",
        PERSONA,
        409,
        "A persona has already been made of this audioId",
        grounds.persona_exists,
    ),
)
