"""
Answer a call: check the rules, then let the handler of its endpoint do what is asked.

A new call needs its line in ``state/endpoints.py``, its handlers in a file of ``wire/handlers``, the line of that file
in ``HANDLERS`` below, and its rules in the table. A new kind of conversion needs a file in ``jobs`` too, its class in
``CONVERSION_KINDS`` and its name in ``ConversionKind``; most of its rules then hold by themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from airflow_provider_suno.simulator.rules.call import Call
from airflow_provider_suno.simulator.rules.field_readers import without_ignored_fields
from airflow_provider_suno.simulator.rules.rule import Rule
from airflow_provider_suno.simulator.rules.rule_table import RULES
from airflow_provider_suno.simulator.state.endpoints import Endpoint
from airflow_provider_suno.simulator.state.service_state import ServiceState
from airflow_provider_suno.simulator.wire.handler import Context, Handler
from airflow_provider_suno.simulator.wire.handlers import account, midi, music, persona, stems, wav
from airflow_provider_suno.simulator.wire.refusals import refusal
from airflow_provider_suno.simulator.wire.replies import Reply

HANDLERS: Mapping[Endpoint, Handler] = {
    **music.HANDLERS,
    **persona.HANDLERS,
    **wav.HANDLERS,
    **stems.HANDLERS,
    **midi.HANDLERS,
    **account.HANDLERS,
}
"""The handler of each call, except the uploads: they wait for files, see ``wire/handlers/uploads.py``."""


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
