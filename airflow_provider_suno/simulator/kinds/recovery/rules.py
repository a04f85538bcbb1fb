"""The rules of the recovery calls."""

from __future__ import annotations

from airflow_provider_suno.simulator.kinds.recovery.job import RecoveryJob
from airflow_provider_suno.simulator.rules.field_types import Fields
from airflow_provider_suno.simulator.rules.named_tracks import task_unknown
from airflow_provider_suno.simulator.rules.records import NO_SUCH_RECORD, record_rules
from airflow_provider_suno.simulator.rules.rule import Rule, callback_needed, needed, typed, unreadable
from airflow_provider_suno.simulator.state.endpoints import Endpoint

_RECOVERY = frozenset({Endpoint.RECOVERY})
_FIELDS: Fields = {"sunoTaskId": "text", "callBackUrl": "text"}

RULES: tuple[Rule, ...] = (
    unreadable(_RECOVERY),
    typed(_RECOVERY, _FIELDS, null_is_absent=_FIELDS),
    callback_needed(_RECOVERY),
    needed("sunoTaskId", _RECOVERY),
    Rule("source_unknown", _RECOVERY, 422, NO_SUCH_RECORD, task_unknown),
    *record_rules(Endpoint.RECOVERY_RECORD, RecoveryJob, "task_id"),
)
