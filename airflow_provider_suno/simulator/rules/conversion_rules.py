"""The rules of the conversions: a part of the table in ``rule_table.py``, and the predicates that only they need."""

from __future__ import annotations

from airflow_provider_suno.simulator.jobs.stems import SEPARATION_TYPES
from airflow_provider_suno.simulator.rules.call import Call
from airflow_provider_suno.simulator.rules.conversion_sources import (
    chosen_stems,
    find_separation,
    find_track,
    has_audio,
)
from airflow_provider_suno.simulator.rules.rule import Rule
from airflow_provider_suno.simulator.rules.value_rules import one_of
from airflow_provider_suno.simulator.state.endpoints import (
    CONVERSION_KINDS,
    CONVERSION_RECORDS,
    CONVERSIONS,
    OF_TRACKS,
    Endpoint,
)
from airflow_provider_suno.simulator.state.service_state import ServiceState

_NO_SUCH_RECORD = "Record does not exist"


def _record_unknown(call: Call, state: ServiceState, now: float) -> bool:
    """Return whether no job of this kind has the id, or none that is visible yet."""
    return not isinstance(state.find_conversion(call.text("taskId"), now), CONVERSION_KINDS[call.endpoint])


def _source_unknown(call: Call, state: ServiceState, now: float) -> bool:
    """Return whether there is nothing of this name to convert."""
    find = find_track if call.endpoint in OF_TRACKS else find_separation
    return find(call, state, now) is None


def _source_unfinished(call: Call, state: ServiceState, now: float) -> bool:
    """Return whether what is to be converted has no audio, or not yet."""
    if call.endpoint in OF_TRACKS:
        return not has_audio(state.find(call.text("taskId"), now), call.text("audioId"), now)
    separation = find_separation(call, state, now)
    return separation is None or not separation.finished(now)


def _stem_unknown(call: Call, state: ServiceState, now: float) -> bool:
    """Return whether a stem is named that the separation did not make."""
    separation = find_separation(call, state, now)
    return "audioId" in call.fields and separation is not None and not chosen_stems(call, separation)


def _already_converted(call: Call, state: ServiceState, now: float) -> bool:
    """Return whether the track has such a conversion that did not fail."""
    kind, audio_id = CONVERSION_KINDS[call.endpoint], call.text("audioId")
    return any(
        isinstance(job, kind) and job.track.audio_id == audio_id and not (job.fails and job.ended(now))
        for job in list(state.conversions.values())
    )


CONVERSION_RULES: tuple[Rule, ...] = (
    Rule("record_unknown", CONVERSION_RECORDS, 422, _NO_SUCH_RECORD, _record_unknown),
    one_of("type", *SEPARATION_TYPES, endpoints=frozenset({Endpoint.STEMS})),
    Rule("source_unknown", CONVERSIONS, 422, _NO_SUCH_RECORD, _source_unknown),
    Rule("source_unfinished", CONVERSIONS, 422, "What is to be converted has not finished", _source_unfinished),
    Rule("stem_unknown", frozenset({Endpoint.MIDI}), 422, _NO_SUCH_RECORD, _stem_unknown),
    Rule("wav_exists", frozenset({Endpoint.WAV}), 409, "The WAV file of this track exists already", _already_converted),
)
