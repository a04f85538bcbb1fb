"""The rules of the lyrics calls."""

from __future__ import annotations

from airflow_provider_suno.simulator.kinds.lyrics.job import LyricsJob
from airflow_provider_suno.simulator.rules.call import Call
from airflow_provider_suno.simulator.rules.field_readers import length
from airflow_provider_suno.simulator.rules.field_types import Fields
from airflow_provider_suno.simulator.rules.records import record_rules
from airflow_provider_suno.simulator.rules.rule import Rule, callback_needed, credits_short, needed, typed, unreadable
from airflow_provider_suno.simulator.state.endpoints import Endpoint
from airflow_provider_suno.simulator.state.host_profiles import HostProfile
from airflow_provider_suno.simulator.state.service_state import ServiceState

PROMPT_LIMIT = 200
"""The longest prompt, in characters, where words are not counted instead."""


def _prompt_too_long(call: Call, state: ServiceState, _now: float) -> bool:
    if state.profile.most_lyrics_words is None:
        return length(call, "prompt") > PROMPT_LIMIT
    return len(call.text("prompt").split()) > state.profile.most_lyrics_words


def _limit(_call: Call, profile: HostProfile) -> str:
    words = profile.most_lyrics_words
    return f"prompt cannot exceed {f'{PROMPT_LIMIT} characters' if words is None else f'{words} words'}"


_LYRICS = frozenset({Endpoint.LYRICS})
_FIELDS: Fields = {"prompt": "text", "callBackUrl": "text"}

RULES: tuple[Rule, ...] = (
    unreadable(_LYRICS),
    typed(_LYRICS, _FIELDS, null_is_absent=_FIELDS),
    callback_needed(_LYRICS),
    needed("prompt", _LYRICS),
    Rule("prompt_too_long", _LYRICS, 422, _limit, _prompt_too_long, overlong=True),
    credits_short(_LYRICS),
    *record_rules(Endpoint.LYRICS_RECORD, LyricsJob),
)
