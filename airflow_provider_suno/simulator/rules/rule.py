"""A rule, which is one reason to refuse a call, and functions that make the rules about missing and too long fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from airflow_provider_suno.simulator.rules import model_limits
from airflow_provider_suno.simulator.rules.call import Call
from airflow_provider_suno.simulator.rules.field_readers import (
    is_custom,
    is_missing,
    is_simple,
    length,
    mode_flag,
    wrongly_typed,
)
from airflow_provider_suno.simulator.state.endpoints import (
    CONVERSION_RECORDS,
    NEW_SONGS,
    SUBMISSIONS,
    UPLOADS,
    Endpoint,
)
from airflow_provider_suno.simulator.state.host_profiles import HostProfile, Refusal
from airflow_provider_suno.simulator.state.service_state import ServiceState

Refuses = Callable[[Call, ServiceState, float], bool]
Endpoints = frozenset[Endpoint]

EVERYWHERE: Endpoints = frozenset(Endpoint)
PERSONA: Endpoints = frozenset({Endpoint.GENERATE_PERSONA})
READS: Endpoints = CONVERSION_RECORDS | {Endpoint.RECORD_INFO}
POSTS: Endpoints = SUBMISSIONS | PERSONA


@dataclass(frozen=True)
class Rule:
    """
    One reason to refuse a call.

    :param name: its name in the ledger.
    :param endpoints: the calls it applies to.
    :param code: the envelope's code; None if the network edge answers, in plain text and with HTTP 403.
    :param msg: the envelope's message. ``{model}``, its ``{..._limit}``, the offered ``{models}``, ``{mode_flag}`` and
        the ``{wrongly_typed}`` fields are filled in.
    :param refuses: the predicate: whether a call is refused. It must not fail on fields that other rules check.
    :param by_profile: returns the answer of a reseller, if resellers differ; ``code`` and ``msg`` are those of Apikley
        then.
    :param overlong: whether the reason is a text that is too long; one reseller has another code for that.
    """

    name: str
    endpoints: Endpoints
    code: int | None
    msg: str
    refuses: Refuses
    by_profile: Callable[[HostProfile], Refusal] | None = None
    overlong: bool = False

    def refusal(self, call: Call, profile: HostProfile) -> Refusal:
        """Return the answer to a refused call."""
        if self.code is None:
            return Refusal(0, self.msg, http_status=403)
        if self.by_profile is not None:
            return self.by_profile(profile)
        if self.overlong:
            return Refusal(profile.too_long, self._message(call, profile))
        # The upload calls refuse with an HTTP status, the other calls with HTTP 200.
        return Refusal(
            self.code, self._message(call, profile), http_status=self.code if call.endpoint in UPLOADS else 200
        )

    def _message(self, call: Call, profile: HostProfile) -> str:
        model = call.text("model")
        return self.msg.format(
            model=model,
            models=", ".join(profile.models),
            prompt_limit=model_limits.prompt_limit(model),
            simple_prompt_limit=model_limits.simple_prompt_limit(model),
            style_limit=model_limits.style_limit(model),
            title_limit=model_limits.title_limit(model),
            mode_flag=mode_flag(call),
            wrongly_typed=", ".join(wrongly_typed(call)),
        )


def first_refusal(call: Call, state: ServiceState, now: float, rules: Iterable[Rule]) -> Rule | None:
    """
    Return the first rule that refuses a call, or None if it is accepted.

    :param now: simulated time.
    :param rules: the rules, in order.
    """
    return next((rule for rule in rules if call.endpoint in rule.endpoints and rule.refuses(call, state, now)), None)


def needed(field: str, endpoints: Endpoints, msg: str, code: int = 422) -> Rule:
    """
    Return the rule that a field is required.

    :param endpoints: the calls it applies to.
    """
    return Rule(f"{field}_missing", endpoints, code, msg, lambda call, _state, _now: is_missing(call, field))


def needed_in_custom_mode(field: str, endpoints: Endpoints) -> Rule:
    """
    Return the rule that a field is required in custom mode.

    :param endpoints: the calls it applies to.
    """
    return Rule(
        f"{field}_missing_in_custom_mode",
        endpoints,
        422,
        f"{field} cannot be empty when {{mode_flag}} is true",
        lambda call, _state, _now: is_custom(call) and is_missing(call, field),
    )


def not_simple(field: str, endpoints: Endpoints = NEW_SONGS) -> Rule:
    """
    Return the rule that a field must be left out in simple mode.

    :param endpoints: the calls it applies to.
    """
    return Rule(
        f"{field}_in_simple_mode",
        endpoints,
        422,
        f"{field} must be left out when {{mode_flag}} is false",
        lambda call, _state, _now: not is_custom(call) and not is_missing(call, field),
    )


def too_long(
    field: str,
    msg: str,
    limit: Callable[[Call], int],
    *,
    in_simple: bool | None = None,
    endpoints: Endpoints = SUBMISSIONS,
) -> Rule:
    """
    Return the rule that a text is not too long.

    :param limit: returns the longest text for a call, in characters.
    :param in_simple: check only in simple mode (True), only in custom mode (False), or in both (None).
    :param endpoints: the calls it applies to.
    """
    mode = {None: "", True: "_in_simple_mode", False: "_in_custom_mode"}[in_simple]
    return Rule(
        f"{field}_too_long{mode}",
        endpoints,
        422,
        msg,
        lambda call, _state, _now: in_simple in (None, is_simple(call)) and length(call, field) > limit(call),
        overlong=True,
    )
