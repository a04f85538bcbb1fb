"""The modes of a submission of music: in custom mode the caller gives style, title and lyrics, in simple mode not."""

from __future__ import annotations

from airflow_provider_suno.simulator.rules.call import Call
from airflow_provider_suno.simulator.rules.field_readers import is_missing
from airflow_provider_suno.simulator.rules.rule import Endpoints, Rule
from airflow_provider_suno.simulator.state.endpoints import EXTENSIONS, NEW_SONGS, WITH_MODES, Endpoint


def mode_flag(call: Call) -> str:
    """Return the name of the flag for custom mode."""
    return "defaultParamFlag" if call.endpoint in EXTENSIONS else "customMode"


def is_custom(call: Call) -> bool:
    """
    Return whether a submission is in custom mode: the caller gives style, title and lyrics.

    A mashup without the flag is in custom mode: one reseller has dropped the flag there.
    """
    if call.endpoint is Endpoint.MASHUP:
        return call.fields.get("customMode") is not False
    return call.fields.get(mode_flag(call)) is True


def is_simple(call: Call) -> bool:
    """Return whether a submission is in simple mode: the service writes the lyrics."""
    return call.endpoint in WITH_MODES and mode_flag(call) == "customMode" and not is_custom(call)


def needed_in_custom_mode(field: str, endpoints: Endpoints) -> Rule:
    """
    Return the rule that a field is required in custom mode.

    :param endpoints: the calls it applies to.
    """
    return Rule(
        f"{field}_missing_in_custom_mode",
        endpoints,
        422,
        lambda call, _profile: f"{field} cannot be empty when {mode_flag(call)} is true",
        lambda call, _state, _now: is_custom(call) and is_missing(call, field),
    )


def not_simple(field: str, endpoints: Endpoints = NEW_SONGS | {Endpoint.MASHUP}) -> Rule:
    """
    Return the rule that a field must be left out in simple mode.

    :param endpoints: the calls it applies to.
    """
    return Rule(
        f"{field}_in_simple_mode",
        endpoints,
        422,
        lambda call, _profile: f"{field} must be left out when {mode_flag(call)} is false",
        lambda call, _state, _now: not is_custom(call) and not is_missing(call, field),
    )
