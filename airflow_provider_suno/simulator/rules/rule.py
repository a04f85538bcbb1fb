"""A rule, which is one reason to refuse a call, and functions that make the rules that calls of several kinds have."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

from airflow_provider_suno.simulator.rules.call import Call
from airflow_provider_suno.simulator.rules.field_readers import is_missing, length
from airflow_provider_suno.simulator.rules.field_types import Fields, wrongly_typed
from airflow_provider_suno.simulator.state.credits import price_of
from airflow_provider_suno.simulator.state.endpoints import UPLOADS, Endpoint
from airflow_provider_suno.simulator.state.host_profiles import HostProfile, Refusal
from airflow_provider_suno.simulator.state.service_state import ServiceState

Refuses = Callable[[Call, ServiceState, float], bool]
Words = str | Callable[[Call, HostProfile], str]
Endpoints = frozenset[Endpoint]

EVERYWHERE: Endpoints = frozenset(Endpoint)


@dataclass(frozen=True)
class Rule:
    """
    One reason to refuse a call.

    :param name: its name in the ledger.
    :param endpoints: the calls it applies to.
    :param code: the envelope's code; None if the network edge answers, in plain text and with HTTP 403.
    :param msg: the envelope's message, or a function that returns it.
    :param refuses: the predicate: whether a call is refused. It must not fail on fields that other rules check.
    :param by_profile: returns the answer of a reseller, if resellers differ; ``code`` and ``msg`` are those of Apikley
        then.
    :param data: returns the envelope's data, where a refusal has any.
    :param overlong: whether the reason is a text that is too long; one reseller has another code for that.
    """

    name: str
    endpoints: Endpoints
    code: int | None
    msg: Words
    refuses: Refuses
    by_profile: Callable[[HostProfile], Refusal] | None = None
    overlong: bool = False
    data: Callable[[Call, ServiceState, float], Any] | None = None

    def refusal(self, call: Call, profile: HostProfile) -> Refusal:
        """Return the answer to a refused call."""
        msg = self.msg if isinstance(self.msg, str) else self.msg(call, profile)
        if self.code is None:
            return Refusal(0, msg, http_status=403)
        if self.by_profile is not None:
            return self.by_profile(profile)
        if self.overlong:
            return Refusal(profile.too_long, msg)
        # The upload calls refuse with an HTTP status, the other calls with HTTP 200.
        return Refusal(self.code, msg, http_status=self.code if call.endpoint in UPLOADS else 200)


def first_refusal(call: Call, state: ServiceState, now: float, rules: Iterable[Rule]) -> Rule | None:
    """
    Return the first rule that refuses a call, or None if it is accepted.

    :param now: simulated time.
    :param rules: the rules, in order.
    """
    return next((rule for rule in rules if call.endpoint in rule.endpoints and rule.refuses(call, state, now)), None)


def unreadable(endpoints: Endpoints, code: int = 422) -> Rule:
    """
    Return the rule that the body is a JSON object.

    :param endpoints: the calls it applies to.
    """
    msg = "The request body must be a JSON object"
    return Rule("body_unreadable", endpoints, code, msg, lambda call, _state, _now: not call.readable)


def typed(endpoints: Endpoints, fields: Fields, *, null_is_absent: Collection[str], code: int = 422) -> Rule:
    """
    Return the rule that the fields have the right JSON types.

    :param endpoints: the calls it applies to.
    :param fields: the types.
    :param null_is_absent: fields whose null is handled by a rule of their own, as if they were absent.
    """
    return Rule(
        "field_of_wrong_type",
        endpoints,
        code,
        lambda call, _profile: f"wrong JSON type: {', '.join(wrongly_typed(call, fields, null_is_absent))}",
        lambda call, _state, _now: bool(wrongly_typed(call, fields, null_is_absent)),
    )


def needed(field: str, endpoints: Endpoints, msg: str = "", code: int = 422) -> Rule:
    """
    Return the rule that a field is required.

    :param endpoints: the calls it applies to.
    """
    msg = msg or f"{field} cannot be empty"
    return Rule(f"{field}_missing", endpoints, code, msg, lambda call, _state, _now: is_missing(call, field))


def callback_needed(endpoints: Endpoints) -> Rule:
    """
    Return the rule that an address for callbacks is required.

    :param endpoints: the calls it applies to.
    """
    return needed("callBackUrl", endpoints, "Please enter callBackUrl.")


def too_long(field: str, limit: int, endpoints: Endpoints) -> Rule:
    """
    Return the rule that a text is not too long.

    :param limit: the longest text, in characters.
    :param endpoints: the calls it applies to.
    """
    return Rule(
        f"{field}_too_long",
        endpoints,
        422,
        f"{field} cannot exceed {limit} characters",
        lambda call, _state, _now: length(call, field) > limit,
        overlong=True,
    )


def credits_short(endpoints: Endpoints) -> Rule:
    """
    Return the rule that the balance is not lower than the price.

    :param endpoints: the calls it applies to.
    """
    return Rule(
        "credits_short",
        endpoints,
        402,
        "The current credits are insufficient. Please top up.",
        lambda call, state, _now: state.credits < price_of(call.endpoint, call.fields),
        by_profile=lambda profile: profile.no_credits,
    )
