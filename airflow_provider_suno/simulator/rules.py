"""
What the service refuses: one table, read from top to bottom, and the first rule that refuses answers.

The order is the service's own: who is calling, then whether the body can be read, then ``callBackUrl`` before any
length, then what the account and the named music tasks allow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal

from airflow_provider_suno.simulator import models
from airflow_provider_suno.simulator.call import Call, Endpoint
from airflow_provider_suno.simulator.fields import (
    bare_library,
    custom,
    finer_than_hundredths,
    missing,
    outside_unit,
    vocal_window,
    wrongly_typed,
)
from airflow_provider_suno.simulator.world import PRICE, MusicTask, World

Refuses = Callable[[Call, World, float], bool]

EVERYWHERE = frozenset(Endpoint)
SUBMITS = frozenset({Endpoint.GENERATE})
PERSONA = frozenset({Endpoint.GENERATE_PERSONA})
POSTS = SUBMITS | PERSONA
READS = frozenset({Endpoint.RECORD_INFO})


@dataclass(frozen=True)
class Rule:
    """
    One reason to refuse.

    :param name: what the ledger calls it.
    :param endpoints: where it applies.
    :param code: the envelope's code; None means that the edge answers, in plain text and with HTTP 403.
    :param msg: the envelope's message; ``{model}`` and the ``{..._limit}`` of that model are filled in.
    :param refuses: whether a call at a time is refused. Must not mind fields that other rules guard.
    """

    name: str
    endpoints: frozenset[Endpoint]
    code: int | None
    msg: str
    refuses: Refuses

    def message(self, call: Call) -> str:
        """
        Return the message for a call.

        :param call: the refused call.
        """
        model = call.text("model")
        return self.msg.format(
            model=model, prompt_limit=models.prompt_limit(model), style_limit=models.style_limit(model)
        )


def first_refusal(call: Call, world: World, now: float, rules: Iterable[Rule]) -> Rule | None:
    """
    Return the first rule that refuses a call, or None if the service does what is asked.

    :param call: the request.
    :param world: the service's state.
    :param now: simulated time.
    :param rules: the table.
    """
    return next((rule for rule in rules if call.endpoint in rule.endpoints and rule.refuses(call, world, now)), None)


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


def _needed(field: str, endpoints: frozenset[Endpoint], msg: str) -> Rule:
    return Rule(f"{field}_missing", endpoints, 422, msg, lambda call, _world, _now: missing(call, field))


def _not_simple(field: str) -> Rule:
    return Rule(
        f"{field}_in_simple_mode",
        SUBMITS,
        422,
        f"{field} must be left out when customMode is false",
        lambda call, _world, _now: not custom(call) and not missing(call, field),
    )


def _too_long(field: str, msg: str, limit: Callable[[Call], int], *, in_custom: bool | None = None) -> Rule:
    mode = {None: "", True: "_in_custom_mode", False: "_in_simple_mode"}[in_custom]
    return Rule(
        f"{field}_too_long{mode}",
        SUBMITS,
        422,
        msg,
        lambda call, _world, _now: in_custom in (None, custom(call)) and len(call.text(field)) > limit(call),
    )


def _one_of(field: str, *allowed: str) -> Rule:
    return Rule(
        f"{field}_unknown",
        SUBMITS,
        422,
        f"{field} must be one of {', '.join(allowed)}",
        lambda call, _world, _now: not missing(call, field) and call.text(field) not in allowed,
    )


def _weight(field: str) -> tuple[Rule, Rule]:
    return (
        Rule(
            f"{field}_out_of_range",
            SUBMITS,
            422,
            f"{field} must lie between 0 and 1",
            lambda call, _world, _now: outside_unit(call.fields.get(field)),
        ),
        Rule(
            f"{field}_too_fine",
            SUBMITS,
            422,
            f"{field} takes at most two decimals",
            lambda call, _world, _now: finer_than_hundredths(call.fields.get(field)),
        ),
    )


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
        "A field has the wrong JSON type",
        lambda call, _world, _now: wrongly_typed(call),
    ),
    _needed("callBackUrl", SUBMITS, "Please enter callBackUrl."),
    _needed("customMode", SUBMITS, "customMode cannot be null"),
    _needed("instrumental", SUBMITS, "instrumental cannot be null"),
    _needed("model", SUBMITS, "model cannot be null"),
    _one_of("model", *models.OFFERED),
    Rule(
        "prompt_missing_in_simple_mode",
        SUBMITS,
        422,
        "prompt cannot be empty when customMode is false",
        lambda call, _world, _now: not custom(call) and missing(call, "prompt"),
    ),
    *map(_not_simple, ("style", "title", "negativeTags", "vocalGender", "personaId")),
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
    _too_long(
        "prompt",
        f"music prompt cannot exceed {models.SIMPLE_PROMPT_LIMIT} characters when customMode is false",
        lambda _call: models.SIMPLE_PROMPT_LIMIT,
        in_custom=False,
    ),
    _too_long(
        "prompt",
        "music prompt cannot exceed {prompt_limit} characters for model {model}",
        lambda call: models.prompt_limit(call.text("model")),
        in_custom=True,
    ),
    _too_long(
        "style",
        "music style cannot exceed {style_limit} characters for model {model}",
        lambda call: models.style_limit(call.text("model")),
    ),
    _too_long(
        "title",
        f"music title cannot exceed {models.TITLE_LIMIT} characters",
        lambda _call: models.TITLE_LIMIT,
    ),
    _too_long(
        "negativeTags",
        f"negativeTags cannot exceed {models.NEGATIVE_TAGS_LIMIT} characters",
        lambda _call: models.NEGATIVE_TAGS_LIMIT,
    ),
    _one_of("vocalGender", "m", "f"),
    _one_of("personaModel", "style_persona", "voice_persona"),
    *_weight("styleWeight"),
    *_weight("weirdnessConstraint"),
    *_weight("audioWeight"),
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
    _needed("taskId", PERSONA | READS, "taskId cannot be empty"),
    _needed("audioId", PERSONA, "audioId cannot be empty"),
    _needed("name", PERSONA, "name cannot be empty"),
    _needed("description", PERSONA, "description cannot be empty"),
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
