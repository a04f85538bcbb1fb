"""The rules of the call that makes sound effects and loops."""

from __future__ import annotations

from airflow_provider_suno.simulator.kinds.music import model_limits
from airflow_provider_suno.simulator.kinds.music.tuning import model_known, needed_at_reseller
from airflow_provider_suno.simulator.rules.field_types import Fields
from airflow_provider_suno.simulator.rules.rule import Rule, credits_short, needed, too_long, typed, unreadable
from airflow_provider_suno.simulator.rules.value_rules import one_of, within
from airflow_provider_suno.simulator.state.endpoints import Endpoint

_SOUNDS = frozenset({Endpoint.SOUNDS})
_NOTES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
SOUND_KEYS = ("Any", *_NOTES, *(f"{note}m" for note in _NOTES))
_FIELDS: Fields = {
    "prompt": "text",
    "model": "text",
    "soundLoop": "flag",
    "soundTempo": "whole",
    "soundKey": "text",
    "grabLyrics": "flag",
    "callBackUrl": "text",
}

SOUND_RULES: tuple[Rule, ...] = (
    unreadable(_SOUNDS),
    typed(_SOUNDS, _FIELDS, null_is_absent=("prompt", "soundTempo")),
    needed("prompt", _SOUNDS),
    needed_at_reseller(_SOUNDS),
    model_known(_SOUNDS),
    too_long("prompt", model_limits.SOUND_PROMPT_LIMIT, _SOUNDS),
    within("soundTempo", 1, 300, _SOUNDS),
    one_of("soundKey", *SOUND_KEYS, endpoints=_SOUNDS),
    credits_short(_SOUNDS),
)
