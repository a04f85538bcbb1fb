"""
What the service refuses: one table, read from top to bottom, and the first rule that refuses answers.

The order is the service's own: who is calling, then whether the body can be read, then ``callBackUrl`` before
any length, then what the account and the named music tasks allow.
"""

from __future__ import annotations

from decimal import Decimal

from airflow_provider_suno.simulator import models
from airflow_provider_suno.simulator.call import Call
from airflow_provider_suno.simulator.fields import bare_library, custom, missing, vocal_window, wrongly_typed
from airflow_provider_suno.simulator.rule import (
    EVERYWHERE,
    PERSONA,
    POSTS,
    READS,
    SUBMITS,
    Rule,
    needed,
    not_simple,
    one_of,
    too_long,
    weight,
)
from airflow_provider_suno.simulator.world import PRICE, MusicTask, World


def _known_key(call: Call, world: World) -> bool:
    scheme, _, key = call.authorization.partition(" ")
    return scheme.lower() == "bearer" and key.strip() in world.api_keys


def _named_task(call: Call, world: World, now: float) -> MusicTask | None:
    return world.find(call.text("taskId"), now)


def _unfinished(call: Call, world: World, now: float) -> bool:
    task = _named_task(call, world, now)
    return task is not None and not task.finished(now)


def _stray_track(call: Call, world: World, now: float) -> bool:
    task = _named_task(call, world, now)
    return task is not None and call.text("audioId") not in task.audio_ids


def _retired_source(call: Call, world: World, now: float) -> bool:
    task = _named_task(call, world, now)
    return task is not None and task.request.get("model") in models.RETIRED


def _unknown_persona(call: Call, world: World) -> bool:
    persona_id = call.text("personaId")
    return bool(persona_id) and persona_id not in world.personas


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
        lambda call, world, _now: not _known_key(call, world),
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
    needed("customMode", SUBMITS, "customMode cannot be null"),
    needed("instrumental", SUBMITS, "instrumental cannot be null"),
    needed("model", SUBMITS, "model cannot be null"),
    one_of("model", *models.OFFERED),
    Rule(
        "prompt_missing_in_simple_mode",
        SUBMITS,
        422,
        "prompt cannot be empty when customMode is false",
        lambda call, _world, _now: not custom(call) and missing(call, "prompt"),
    ),
    *map(not_simple, ("style", "title", "negativeTags", "vocalGender", "personaId")),
    Rule(
        "style_missing_in_custom_mode",
        SUBMITS,
        422,
        "style cannot be empty when customMode is true",
        lambda call, _world, _now: custom(call) and missing(call, "style"),
    ),
    Rule(
        "title_missing_in_custom_mode",
        SUBMITS,
        422,
        "title cannot be empty when customMode is true",
        lambda call, _world, _now: custom(call) and missing(call, "title"),
    ),
    Rule(
        "prompt_missing_for_vocals",
        SUBMITS,
        422,
        "prompt cannot be empty when customMode is true and instrumental is false: it is what will be sung",
        lambda call, _world, _now: (
            custom(call) and call.fields.get("instrumental") is False and missing(call, "prompt")
        ),
    ),
    too_long(
        "prompt",
        f"music prompt cannot exceed {models.SIMPLE_PROMPT_LIMIT} characters when customMode is false",
        lambda _call: models.SIMPLE_PROMPT_LIMIT,
        in_custom=False,
    ),
    too_long(
        "prompt",
        "music prompt cannot exceed {prompt_limit} characters for model {model}",
        lambda call: models.prompt_limit(call.text("model")),
        in_custom=True,
    ),
    too_long(
        "style",
        "music style cannot exceed {style_limit} characters for model {model}",
        lambda call: models.style_limit(call.text("model")),
    ),
    too_long(
        "title",
        f"music title cannot exceed {models.TITLE_LIMIT} characters",
        lambda _call: models.TITLE_LIMIT,
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
        "persona_unknown",
        SUBMITS,
        422,
        "personaId names no persona of this account",
        lambda call, world, _now: _unknown_persona(call, world),
    ),
    Rule(
        "credits_short",
        SUBMITS,
        402,
        "The current credits are insufficient. Please top up.",
        lambda _call, world, _now: world.credits < PRICE,
    ),
    needed("taskId", PERSONA | READS, "taskId cannot be empty"),
    needed("audioId", PERSONA, "audioId cannot be empty"),
    needed("name", PERSONA, "name cannot be empty"),
    needed("description", PERSONA, "description cannot be empty"),
    Rule(
        "vocalStart_negative",
        PERSONA,
        422,
        "vocalStart cannot be negative",
        lambda call, _world, _now: vocal_window(call)[0] < 0,
    ),
    Rule(
        "vocal_window_length",
        PERSONA,
        422,
        "vocalStart and vocalEnd must lie 10 to 30 seconds apart",
        lambda call, _world, _now: not Decimal(10) <= vocal_window(call)[1] - vocal_window(call)[0] <= Decimal(30),
    ),
    Rule(
        "music_task_unknown",
        PERSONA,
        404,
        "taskId names no music task of this account",
        lambda call, world, now: _named_task(call, world, now) is None,
    ),
    Rule(
        "music_unfinished",
        PERSONA,
        422,
        "The music task has not finished: a persona needs the whole audio",
        _unfinished,
    ),
    Rule("track_unknown", PERSONA, 404, "audioId names no track of this music task", _stray_track),
    Rule(
        "source_model_retired",
        PERSONA,
        422,
        "The track was made by v3_5 or older, of which no persona can be made",
        _retired_source,
    ),
    Rule(
        "persona_exists",
        PERSONA,
        409,
        "A persona has already been made of this audioId",
        lambda call, world, _now: world.persona_of(call.text("audioId")) is not None,
    ),
)
