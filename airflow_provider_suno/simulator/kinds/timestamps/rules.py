"""The rules of the call that returns when each word is sung."""

from __future__ import annotations

from airflow_provider_suno.simulator.rules.field_types import Fields
from airflow_provider_suno.simulator.rules.rule import Rule, credits_short, needed, typed, unreadable
from airflow_provider_suno.simulator.rules.track_rules import track_rules
from airflow_provider_suno.simulator.state.endpoints import Endpoint

_TIMESTAMPS = frozenset({Endpoint.TIMESTAMPED_LYRICS})
_FIELDS: Fields = {"taskId": "text", "audioId": "text"}

RULES: tuple[Rule, ...] = (
    unreadable(_TIMESTAMPS),
    typed(_TIMESTAMPS, _FIELDS, null_is_absent=_FIELDS),
    needed("taskId", _TIMESTAMPS),
    needed("audioId", _TIMESTAMPS),
    *track_rules(_TIMESTAMPS),
    credits_short(_TIMESTAMPS),
)
