"""The reply to a call that a rule refuses."""

from __future__ import annotations

from collections.abc import Iterable

from airflow_provider_suno.simulator.calls.replies import Reply, envelope, upload_envelope
from airflow_provider_suno.simulator.kinds.rule_table import RULES
from airflow_provider_suno.simulator.rules.call import Call
from airflow_provider_suno.simulator.rules.rule import Rule, first_refusal
from airflow_provider_suno.simulator.state.endpoints import UPLOADS
from airflow_provider_suno.simulator.state.service_state import ServiceState


def refusal(call: Call, state: ServiceState, now: float, rules: Iterable[Rule] = RULES) -> Reply | None:
    """
    Return the reply to a call that is refused, or None if it is accepted.

    :param now: simulated time.
    """
    state.apply_refunds(now)
    rule = first_refusal(call, state, now, rules)
    if rule is None:
        return None
    refused = rule.refusal(call, state.profile)
    data = None if rule.data is None else rule.data(call, state, now)
    wrap = upload_envelope if call.endpoint in UPLOADS else envelope
    return Reply(
        refused.http_status,
        wrap(refused.code, refused.msg, data) if refused.code else refused.msg,
        accepted=False,
        rule=rule.name,
        job_id=call.job_id or None,
        persona_id=call.text("personaId") or None,
    )
