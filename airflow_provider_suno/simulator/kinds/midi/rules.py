"""The rules of the MIDI calls, and how they find the stems that a call names."""

from __future__ import annotations

from airflow_provider_suno.simulator.kinds.midi.job import MidiJob
from airflow_provider_suno.simulator.kinds.stems.job import Stem, StemsJob
from airflow_provider_suno.simulator.rules.call import Call
from airflow_provider_suno.simulator.rules.field_types import Fields
from airflow_provider_suno.simulator.rules.records import NO_SUCH_RECORD, record_rules
from airflow_provider_suno.simulator.rules.rule import Rule, callback_needed, credits_short, needed, typed, unreadable
from airflow_provider_suno.simulator.rules.track_rules import UNFINISHED
from airflow_provider_suno.simulator.state.endpoints import Endpoint
from airflow_provider_suno.simulator.state.service_state import ServiceState


def find_separation(call: Call, state: ServiceState, now: float) -> StemsJob | None:
    """
    Return the separation into stems that a call names, finished or not. None if there is none.

    :param now: simulated time.
    """
    job = state.find_job(call.text("taskId"), now)
    return job if isinstance(job, StemsJob) else None


def chosen_stems(call: Call, separation: StemsJob) -> tuple[Stem, ...]:
    """
    Return the stem that a call names, or all stems if it names none.

    :param separation: the separation that made them.
    """
    if "audioId" not in call.fields:
        return separation.stems
    return tuple(stem for stem in separation.stems if stem.stem_id == call.text("audioId"))


def _separation_unknown(call: Call, state: ServiceState, now: float) -> bool:
    return find_separation(call, state, now) is None


def _separation_unfinished(call: Call, state: ServiceState, now: float) -> bool:
    separation = find_separation(call, state, now)
    return separation is None or not separation.finished(now)


def _stem_unknown(call: Call, state: ServiceState, now: float) -> bool:
    """Return whether a stem is named that the separation did not make."""
    separation = find_separation(call, state, now)
    return "audioId" in call.fields and separation is not None and not chosen_stems(call, separation)


_MIDI = frozenset({Endpoint.MIDI})
_FIELDS: Fields = {"taskId": "text", "audioId": "text", "callBackUrl": "text"}

RULES: tuple[Rule, ...] = (
    unreadable(_MIDI, 400),
    typed(_MIDI, _FIELDS, null_is_absent=_FIELDS),
    callback_needed(_MIDI),
    needed("taskId", _MIDI),
    Rule("source_unknown", _MIDI, 422, NO_SUCH_RECORD, _separation_unknown),
    Rule("source_unfinished", _MIDI, 422, UNFINISHED, _separation_unfinished),
    Rule("stem_unknown", _MIDI, 422, NO_SUCH_RECORD, _stem_unknown),
    credits_short(_MIDI),
    *record_rules(Endpoint.MIDI_RECORD, MidiJob),
)
