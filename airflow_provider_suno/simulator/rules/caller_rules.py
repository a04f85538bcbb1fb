"""The rules about the caller and the rate limits: the first part of the table in ``rule_table.py``."""

from __future__ import annotations

from airflow_provider_suno.simulator.rules import predicates
from airflow_provider_suno.simulator.rules.field_readers import is_refused_user_agent
from airflow_provider_suno.simulator.rules.rule import EVERYWHERE, READS, Rule
from airflow_provider_suno.simulator.state.endpoints import CONVERSIONS, SUBMISSIONS

CALLER_RULES: tuple[Rule, ...] = (
    Rule(
        "bare_user_agent",
        EVERYWHERE,
        None,
        "error code: 1010",
        lambda call, _state, _now: is_refused_user_agent(call.user_agent),
    ),
    Rule(
        "key_unknown",
        EVERYWHERE,
        401,
        "You do not have access permissions: the API key is missing or wrong",
        predicates.key_unknown,
    ),
    Rule(
        "submits_too_fast",
        SUBMISSIONS | CONVERSIONS,
        429,
        "Too many requests",
        predicates.too_many_submissions,
        by_profile=lambda profile: profile.too_fast,
    ),
    Rule(
        "reads_too_fast",
        READS,
        429,
        "Too many requests",
        predicates.too_many_polls,
        by_profile=lambda profile: profile.too_fast,
    ),
    Rule(
        "account_reads_too_fast",
        READS,
        429,
        "Too many requests",
        predicates.too_many_polls_of_account,
        by_profile=lambda profile: profile.too_fast,
    ),
)
