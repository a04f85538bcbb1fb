"""The rules about fields that tune a song: how it varies, who sings it, and how strictly it keeps to its style."""

from __future__ import annotations

from airflow_provider_suno.simulator.kinds.music import predicates
from airflow_provider_suno.simulator.rules.field_types import Fields
from airflow_provider_suno.simulator.rules.rule import Endpoints, Rule
from airflow_provider_suno.simulator.rules.value_rules import one_of, weight, within

_WEIGHTS = ("styleWeight", "weirdnessConstraint", "audioWeight")

TUNING_FIELDS: Fields = {"variety": "whole", "vocalGender": "text", **dict.fromkeys(_WEIGHTS, "number")}
PERSONA_FIELDS: Fields = {"personaId": "text", "personaModel": "text"}


def tuning_rules(endpoints: Endpoints) -> tuple[Rule, ...]:
    """
    Return the rules about variety, voice and weights.

    :param endpoints: the calls they apply to.
    """
    return (
        within("variety", 0, 4, endpoints),
        one_of("vocalGender", "m", "f", endpoints=endpoints),
        *(rule for field in _WEIGHTS for rule in weight(field, endpoints)),
    )


def persona_rules(endpoints: Endpoints) -> tuple[Rule, ...]:
    """
    Return the rules about the persona that sings.

    :param endpoints: the calls they apply to.
    """
    return (
        one_of("personaModel", "style_persona", "voice_persona", endpoints=endpoints),
        Rule(
            "voice_not_for_model",
            endpoints,
            422,
            "personaModel voice_persona needs V5 or a later model",
            predicates.voice_not_for_model,
        ),
        Rule(
            "persona_unknown",
            endpoints,
            422,
            "personaId names no persona of this account",
            predicates.persona_unknown,
        ),
    )


def model_known(endpoints: Endpoints) -> Rule:
    """
    Return the rule that the reseller offers the model for the call, if one is given.

    :param endpoints: the calls it applies to.
    """
    return Rule(
        "model_unknown",
        endpoints,
        422,
        lambda call, profile: f"model must be one of {', '.join(predicates.models_for(call, profile))}",
        predicates.model_not_offered,
    )


def needed_at_reseller(endpoints: Endpoints) -> Rule:
    """
    Return the rule about fields that only some resellers need.

    :param endpoints: the calls it applies to.
    """
    return Rule(
        "missing_at_reseller",
        endpoints,
        422,
        lambda call, profile: f"{', '.join(predicates.missing_at_reseller(call, profile))} cannot be empty",
        lambda call, state, _now: bool(predicates.missing_at_reseller(call, state.profile)),
    )


def source_not_too_long(endpoints: Endpoints) -> Rule:
    """
    Return the rule about the length of the source.

    :param endpoints: the calls it applies to.
    """
    return Rule(
        "source_too_long",
        endpoints,
        422,
        "The source audio must not be longer than 8 minutes",
        predicates.source_too_long,
    )
