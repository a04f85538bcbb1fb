"""The rules of the calls that separate a track into stems."""

from __future__ import annotations

from airflow_provider_suno.simulator.kinds.stems.job import SEPARATION_TYPES, StemsJob
from airflow_provider_suno.simulator.rules.field_types import Fields
from airflow_provider_suno.simulator.rules.records import record_rules
from airflow_provider_suno.simulator.rules.rule import Rule, callback_needed, credits_short, needed, typed, unreadable
from airflow_provider_suno.simulator.rules.track_rules import track_rules
from airflow_provider_suno.simulator.rules.value_rules import one_of
from airflow_provider_suno.simulator.state.endpoints import Endpoint

_STEMS = frozenset({Endpoint.STEMS})
_FIELDS: Fields = {"taskId": "text", "audioId": "text", "type": "text", "callBackUrl": "text"}

RULES: tuple[Rule, ...] = (
    unreadable(_STEMS, 400),
    typed(_STEMS, _FIELDS, null_is_absent=("taskId", "audioId", "callBackUrl")),
    callback_needed(_STEMS),
    needed("taskId", _STEMS),
    needed("audioId", _STEMS),
    one_of("type", *SEPARATION_TYPES, endpoints=_STEMS),
    *track_rules(_STEMS),
    credits_short(_STEMS),
    *record_rules(Endpoint.STEMS_RECORD, StemsJob),
)
