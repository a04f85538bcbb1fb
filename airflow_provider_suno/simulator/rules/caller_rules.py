"""The rules about the caller and the rate limits: the first part of the table in ``kinds/rule_table.py``."""

from __future__ import annotations

from airflow_provider_suno.simulator.rules.call import Call
from airflow_provider_suno.simulator.rules.field_readers import is_refused_user_agent
from airflow_provider_suno.simulator.rules.rule import EVERYWHERE, Rule
from airflow_provider_suno.simulator.state.endpoints import JOB_SUBMISSIONS, RECORDS
from airflow_provider_suno.simulator.state.service_state import ServiceState


def key_unknown(call: Call, state: ServiceState, _now: float) -> bool:
    """Return whether the caller has no key of the account."""
    return not has_valid_key(call.authorization, state)


def has_valid_key(authorization: str, state: ServiceState) -> bool:
    """Return whether an Authorization header holds a key of the account."""
    scheme, _, key = authorization.partition(" ")
    return scheme.lower() == "bearer" and key.strip() in state.api_keys


def too_many_submissions(call: Call, state: ServiceState, _now: float) -> bool:
    """Return whether the account has reached its limit of submissions."""
    limits, settings, at = state.rate_limits, state.settings, call.arrived_at
    polls = limits.all_reads.count(at) if settings.polls_count_as_submissions else 0
    return settings.submit_limit is not None and limits.submits.count(at) + polls >= settings.submit_limit


def too_many_polls(call: Call, state: ServiceState, _now: float) -> bool:
    """Return whether the limit of polls of this job is reached."""
    return state.rate_limits.reads(call.job_id).is_full(state.settings.read_limit, call.arrived_at)


def too_many_polls_of_account(call: Call, state: ServiceState, now: float) -> bool:
    """Return whether the account has reached its limit of polls, or the one that it shares with submissions."""
    if state.settings.polls_count_as_submissions and too_many_submissions(call, state, now):
        return True
    return state.rate_limits.all_reads.is_full(state.settings.account_read_limit, call.arrived_at)


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
        key_unknown,
    ),
    Rule(
        "submits_too_fast",
        JOB_SUBMISSIONS,
        429,
        "Too many requests",
        too_many_submissions,
        by_profile=lambda profile: profile.too_fast,
    ),
    Rule(
        "reads_too_fast",
        RECORDS,
        429,
        "Too many requests",
        too_many_polls,
        by_profile=lambda profile: profile.too_fast,
    ),
    Rule(
        "account_reads_too_fast",
        RECORDS,
        429,
        "Too many requests",
        too_many_polls_of_account,
        by_profile=lambda profile: profile.too_fast,
    ),
)
