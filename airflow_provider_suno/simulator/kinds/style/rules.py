"""The rules of the call that enlarges a style."""

from __future__ import annotations

from airflow_provider_suno.simulator.rules.rule import Rule, credits_short, needed, typed, unreadable
from airflow_provider_suno.simulator.state.endpoints import Endpoint

_STYLE = frozenset({Endpoint.BOOST_STYLE})

RULES: tuple[Rule, ...] = (
    unreadable(_STYLE),
    typed(_STYLE, {"content": "text"}, null_is_absent=("content",)),
    needed("content", _STYLE),
    credits_short(_STYLE),
)
