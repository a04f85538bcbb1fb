"""The rules of the WAV calls."""

from __future__ import annotations

from airflow_provider_suno.simulator.kinds.wav.job import WavJob
from airflow_provider_suno.simulator.rules.field_types import Fields
from airflow_provider_suno.simulator.rules.records import record_rules
from airflow_provider_suno.simulator.rules.rule import Rule, callback_needed, credits_short, needed, typed, unreadable
from airflow_provider_suno.simulator.rules.track_rules import already_made, track_rules
from airflow_provider_suno.simulator.state.endpoints import Endpoint

_WAV = frozenset({Endpoint.WAV})
_FIELDS: Fields = {"taskId": "text", "audioId": "text", "callBackUrl": "text"}

RULES: tuple[Rule, ...] = (
    unreadable(_WAV, 400),
    typed(_WAV, _FIELDS, null_is_absent=_FIELDS),
    callback_needed(_WAV),
    needed("taskId", _WAV),
    needed("audioId", _WAV),
    *track_rules(_WAV),
    Rule("wav_exists", _WAV, 409, "The WAV file of this track exists already", already_made(WavJob)),
    credits_short(_WAV),
    *record_rules(Endpoint.WAV_RECORD, WavJob),
)
