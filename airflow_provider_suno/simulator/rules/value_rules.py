"""Functions that make the rules about single values: lists, numbers, and texts from a list."""

from __future__ import annotations

import re

from airflow_provider_suno.simulator.rules.field_readers import count, finer_than_hundredths, outside
from airflow_provider_suno.simulator.rules.rule import Endpoints, Rule


def too_many(field: str, most: int, endpoints: Endpoints) -> Rule:
    """
    Return the rule that a list is not too long.

    :param most: the highest number of values.
    :param endpoints: the calls it applies to.
    """
    return Rule(
        f"{field}_too_many",
        endpoints,
        422,
        f"{field} takes at most {most}",
        lambda call, _state, _now: count(call, field) > most,
    )


def within(field: str, lowest: int, highest: int, endpoints: Endpoints) -> Rule:
    """
    Return the rule that a number is within a range, if it is given and not null.

    :param lowest: the lowest number.
    :param highest: the highest number.
    :param endpoints: the calls it applies to.
    """
    return Rule(
        f"{field}_out_of_range",
        endpoints,
        422,
        f"{field} must lie between {lowest} and {highest}",
        lambda call, _state, _now: outside(call.fields.get(field), lowest, highest),
    )


def one_of(field: str, *allowed: str, endpoints: Endpoints) -> Rule:
    """
    Return the rule that a field has one of some values, if it is given.

    :param endpoints: the calls it applies to.
    """
    return Rule(
        f"{field}_unknown",
        endpoints,
        422,
        f"{field} must be one of {', '.join(allowed)}",
        lambda call, _state, _now: call.fields.get(field, allowed[0]) not in allowed,
    )


def weight(field: str, endpoints: Endpoints) -> tuple[Rule, Rule]:
    """
    Return the rules of a weight: between 0 and 1, with at most two decimals.

    :param endpoints: the calls they apply to.
    """
    return (
        Rule(
            f"{field}_out_of_range",
            endpoints,
            422,
            f"{field} must lie between 0 and 1",
            lambda call, _state, _now: outside(call.fields.get(field), 0, 1),
        ),
        at_most_two_decimals(field, endpoints),
    )


def at_most_two_decimals(field: str, endpoints: Endpoints) -> Rule:
    """
    Return the rule that a number is not finer than hundredths.

    :param endpoints: the calls it applies to.
    """
    return Rule(
        f"{field}_too_fine",
        endpoints,
        422,
        f"{field} takes at most two decimals",
        lambda call, _state, _now: finer_than_hundredths(call.fields.get(field)),
    )


def not_http(field: str, endpoints: Endpoints, code: int = 422) -> Rule:
    """
    Return the rule that a field is an HTTP address, if it is given.

    :param endpoints: the calls it applies to.
    """
    return Rule(
        f"{field}_not_http",
        endpoints,
        code,
        f"{field} must be an http or https address",
        lambda call, _state, _now: field in call.fields and not is_http(call.text(field)),
    )


def is_http(address: str) -> bool:
    """Return whether an address is that of an HTTP server."""
    return re.match(r"https?://[^\s/]", address, re.IGNORECASE) is not None
