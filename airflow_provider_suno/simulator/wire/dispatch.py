"""
Answer a call: check the rules, then let the handler of its endpoint do what is asked.

A new kind of job is a folder in ``kinds``: what it is (``job.py``), what its calls refuse (``rules.py``) and what they
do (``calls.py``). Beside it, it needs its calls in ``state/endpoints.py``, their prices in ``state/credits.py``, its
name in ``OrderedKind``, and a line here and in ``kinds/rule_table.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from airflow_provider_suno.simulator.calls.handler import Context, Handler
from airflow_provider_suno.simulator.calls.refusals import refusal
from airflow_provider_suno.simulator.calls.replies import Reply
from airflow_provider_suno.simulator.kinds.account import calls as account
from airflow_provider_suno.simulator.kinds.cover_art import calls as cover_art
from airflow_provider_suno.simulator.kinds.download_url import calls as download_url
from airflow_provider_suno.simulator.kinds.lyrics import calls as lyrics
from airflow_provider_suno.simulator.kinds.midi import calls as midi
from airflow_provider_suno.simulator.kinds.music import calls as music
from airflow_provider_suno.simulator.kinds.persona import calls as persona
from airflow_provider_suno.simulator.kinds.recovery import calls as recovery
from airflow_provider_suno.simulator.kinds.rule_table import RULES
from airflow_provider_suno.simulator.kinds.stems import calls as stems
from airflow_provider_suno.simulator.kinds.style import calls as style
from airflow_provider_suno.simulator.kinds.timestamps import calls as timestamps
from airflow_provider_suno.simulator.kinds.video import calls as video
from airflow_provider_suno.simulator.kinds.voice import calls as voice
from airflow_provider_suno.simulator.kinds.wav import calls as wav
from airflow_provider_suno.simulator.rules.call import Call
from airflow_provider_suno.simulator.rules.field_readers import without_ignored_fields
from airflow_provider_suno.simulator.rules.rule import Rule
from airflow_provider_suno.simulator.state.endpoints import Endpoint
from airflow_provider_suno.simulator.state.service_state import ServiceState

HANDLERS: Mapping[Endpoint, Handler] = {
    **music.HANDLERS,
    **persona.HANDLERS,
    **wav.HANDLERS,
    **stems.HANDLERS,
    **midi.HANDLERS,
    **lyrics.HANDLERS,
    **video.HANDLERS,
    **cover_art.HANDLERS,
    **voice.HANDLERS,
    **recovery.HANDLERS,
    **timestamps.HANDLERS,
    **style.HANDLERS,
    **download_url.HANDLERS,
    **account.HANDLERS,
}
"""The handler of each call, except the uploads: they wait for files, see ``kinds/uploads/calls.py``."""


def answer(
    call: Call,
    state: ServiceState,
    *,
    now: float,
    record_time: float | None = None,
    base_url: str = "",
    rules: Iterable[Rule] = RULES,
) -> Reply:
    """
    Answer a call.

    :param state: the service's state; changed if the call is accepted.
    :param now: simulated time.
    :param record_time: time of creation to show on new records; ``now`` if not given.
    :param base_url: the simulator's address as the caller used it, for the addresses in a record.
    """
    call = without_ignored_fields(call, state.profile)
    refused = refusal(call, state, now, rules)
    if refused is not None:
        return refused
    return HANDLERS[call.endpoint](call, Context(state, now, record_time, base_url))
