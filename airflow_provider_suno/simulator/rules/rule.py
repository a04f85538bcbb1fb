"""One reason to refuse a call, and the kinds of reason that recur from field to field."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from airflow_provider_suno.simulator.jobs import models
from airflow_provider_suno.simulator.rules.call import UPLOADS, Call, Endpoint
from airflow_provider_suno.simulator.rules.field_readers import (
    count,
    custom,
    finer_than_hundredths,
    length,
    missing,
    mode_flag,
    number,
    outside_unit,
    simple,
    wrongly_typed,
)
from airflow_provider_suno.simulator.state.host_profiles import Profile, Refusal
from airflow_provider_suno.simulator.state.service_state import ServiceState

Refuses = Callable[[Call, ServiceState, float], bool]
Endpoints = frozenset[Endpoint]

EVERYWHERE: Endpoints = frozenset(Endpoint)
FROM_UPLOADS: Endpoints = frozenset({Endpoint.UPLOAD_COVER, Endpoint.UPLOAD_EXTEND})
CONTINUING: Endpoints = frozenset({Endpoint.EXTEND, Endpoint.UPLOAD_EXTEND})
NEW_SONGS: Endpoints = frozenset({Endpoint.GENERATE, Endpoint.UPLOAD_COVER})
SUBMITS: Endpoints = NEW_SONGS | CONTINUING
PERSONA: Endpoints = frozenset({Endpoint.GENERATE_PERSONA})
READS: Endpoints = frozenset({Endpoint.RECORD_INFO})
POSTS: Endpoints = SUBMITS | PERSONA


@dataclass(frozen=True)
class Rule:
    """
    One reason to refuse.

    :param name: what the ledger calls it.
    :param endpoints: where it applies.
    :param code: the envelope's code; None means that the edge answers, in plain text and with HTTP 403.
    :param msg: the envelope's message; ``{model}``, its ``{..._limit}``, the ``{models}`` there are, the
        ``{mode_flag}`` and the fields ``{wrongly_typed}`` are filled in.
    :param refuses: whether a call at a time is refused. Must not mind fields that other rules guard.
    :param by_profile: code and message where they differ from reseller to reseller; ``code`` and ``msg`` are
        those of Apikley then.
    :param overlong: whether it is about a text that is too long, for which one reseller has a code of its own.
    """

    name: str
    endpoints: Endpoints
    code: int | None
    msg: str
    refuses: Refuses
    by_profile: Callable[[Profile], Refusal] | None = None
    overlong: bool = False

    def refusal(self, call: Call, profile: Profile) -> Refusal:
        """
        Return the answer to a call.

        :param call: the refused call.
        :param profile: the reseller that is played.
        """
        if self.code is None:
            return Refusal(0, self.msg, http_status=403)
        if self.by_profile is not None:
            return self.by_profile(profile)
        if self.overlong:
            return Refusal(profile.too_long, self._words(call, profile))
        # The pages of the upload calls list the refusals as HTTP statuses; the others come in an HTTP 200.
        return Refusal(
            self.code, self._words(call, profile), http_status=self.code if call.endpoint in UPLOADS else 200
        )

    def _words(self, call: Call, profile: Profile) -> str:
        model = call.text("model")
        return self.msg.format(
            model=model,
            models=", ".join(profile.models),
            prompt_limit=models.prompt_limit(model),
            simple_prompt_limit=models.simple_prompt_limit(model),
            style_limit=models.style_limit(model),
            title_limit=models.title_limit(model),
            mode_flag=mode_flag(call),
            wrongly_typed=", ".join(wrongly_typed(call)),
        )


def first_refusal(call: Call, state: ServiceState, now: float, rules: Iterable[Rule]) -> Rule | None:
    """
    Return the first rule that refuses a call, or None if the service does what is asked.

    :param call: the request.
    :param state: the service's state.
    :param now: simulated time.
    :param rules: the table.
    """
    return next((rule for rule in rules if call.endpoint in rule.endpoints and rule.refuses(call, state, now)), None)


def needed(field: str, endpoints: Endpoints, msg: str, code: int = 422) -> Rule:
    """
    Return the rule that a field must be given.

    :param field: the field.
    :param endpoints: where.
    :param msg: the refusal's words.
    :param code: the envelope's code.
    """
    return Rule(f"{field}_missing", endpoints, code, msg, lambda call, _state, _now: missing(call, field))


def needed_in_custom_mode(field: str, endpoints: Endpoints) -> Rule:
    """
    Return the rule that a field must be given when the caller brings settings of its own.

    :param field: the field.
    :param endpoints: where.
    """
    return Rule(
        f"{field}_missing_in_custom_mode",
        endpoints,
        422,
        f"{field} cannot be empty when {{mode_flag}} is true",
        lambda call, _state, _now: custom(call) and missing(call, field),
    )


def not_simple(field: str, endpoints: Endpoints = NEW_SONGS) -> Rule:
    """
    Return the rule that a field must be left out when the caller brings no settings of its own.

    :param field: the field.
    :param endpoints: where.
    """
    return Rule(
        f"{field}_in_simple_mode",
        endpoints,
        422,
        f"{field} must be left out when {{mode_flag}} is false",
        lambda call, _state, _now: not custom(call) and not missing(call, field),
    )


def too_many(field: str, most: int, endpoints: Endpoints) -> Rule:
    """
    Return the rule that limits a list.

    :param field: the field.
    :param most: how many values it may hold.
    :param endpoints: where.
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
    Return the rule that a number, if it is there, lies between two others.

    :param field: the field.
    :param lowest: the lowest number.
    :param highest: the highest number.
    :param endpoints: where.
    """
    return Rule(
        f"{field}_out_of_range",
        endpoints,
        422,
        f"{field} must lie between {lowest} and {highest}",
        lambda call, _state, _now: not lowest <= (number(call.fields.get(field, lowest)) or 0) <= highest,
    )


def too_long(
    field: str,
    msg: str,
    limit: Callable[[Call], int],
    *,
    in_simple: bool | None = None,
    endpoints: Endpoints = SUBMITS,
) -> Rule:
    """
    Return the rule that limits a text.

    :param field: the field.
    :param msg: the refusal's words.
    :param limit: the longest text for a call, in characters.
    :param in_simple: only in simple mode (true), only outside of it (false), or in both (None).
    :param endpoints: where.
    """
    mode = {None: "", True: "_in_simple_mode", False: "_in_custom_mode"}[in_simple]
    return Rule(
        f"{field}_too_long{mode}",
        endpoints,
        422,
        msg,
        lambda call, _state, _now: in_simple in (None, simple(call)) and length(call, field) > limit(call),
        overlong=True,
    )


def one_of(field: str, *allowed: str) -> Rule:
    """
    Return the rule that a field, if it is there, holds one of these values.

    :param field: the field.
    :param allowed: the values.
    """
    return Rule(
        f"{field}_unknown",
        SUBMITS,
        422,
        f"{field} must be one of {', '.join(allowed)}",
        lambda call, _state, _now: call.fields.get(field, allowed[0]) not in allowed,
    )


def weight(field: str) -> tuple[Rule, Rule]:
    """
    Return the rules of a weight: between 0 and 1, and no finer than hundredths.

    :param field: the field.
    """
    return (
        Rule(
            f"{field}_out_of_range",
            SUBMITS,
            422,
            f"{field} must lie between 0 and 1",
            lambda call, _state, _now: outside_unit(call.fields.get(field)),
        ),
        Rule(
            f"{field}_too_fine",
            SUBMITS,
            422,
            f"{field} takes at most two decimals",
            lambda call, _state, _now: finer_than_hundredths(call.fields.get(field)),
        ),
    )
