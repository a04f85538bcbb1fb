"""One API call from start to end, without any HTTP: judge it, do it, answer it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from airflow_provider_suno.simulator.jobs.record import record_of
from airflow_provider_suno.simulator.jobs.source import find_source
from airflow_provider_suno.simulator.rules.call import OPERATIONS, UPLOADS, Call, Endpoint
from airflow_provider_suno.simulator.rules.rule import Rule, first_refusal
from airflow_provider_suno.simulator.rules.rule_table import RULES
from airflow_provider_suno.simulator.state.service_state import ServiceState


@dataclass(frozen=True)
class Reply:
    """
    What goes back over the wire, and what the ledger keeps of it.

    :param http_status: HTTP status.
    :param content: an envelope, or a plain text from the edge.
    :param accepted: whether the service did what was asked.
    :param rule: name of the rule that refused.
    :param music_task_id: the music task created or asked for.
    :param persona_id: the persona created or used.
    """

    http_status: int
    content: Mapping[str, Any] | str
    accepted: bool
    rule: str | None = None
    music_task_id: str | None = None
    persona_id: str | None = None

    @property
    def code(self) -> int | None:
        """The envelope's code, or None if there is no envelope."""
        return None if isinstance(self.content, str) else self.content["code"]


def envelope(code: int, msg: str, data: Any = None) -> dict[str, Any]:
    """
    Wrap an answer as every JSON answer of the service is wrapped.

    :param code: the verdict; 200 is a yes.
    :param msg: the verdict in words.
    :param data: what was asked for.
    """
    return {"code": code, "msg": msg, "data": data}


def upload_envelope(code: int, msg: str, data: Any = None) -> dict[str, Any]:
    """
    Wrap an answer as the upload calls do.

    :param code: the verdict; 200 is a yes.
    :param msg: the verdict in words.
    :param data: what became of the file.
    """
    return {"success": code == 200, **envelope(code, msg, data)}


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

    :param call: the request.
    :param state: the service's state; changed if the call is accepted.
    :param now: simulated time.
    :param record_time: time to print on new records; ``now`` if not given.
    :param base_url: where the simulator is reached, for the addresses in a record.
    :param rules: what is refused.
    """
    call = state.profile.read(call)
    refused = refusal(call, state, now, rules)
    if refused is not None:
        return refused
    if call.endpoint in OPERATIONS:
        state.rate_limits.submits.add(call.arrived_at)
        operation, source = OPERATIONS[call.endpoint], find_source(call, state, now)
        task = state.submit(
            call.fields, now=now, record_time=record_time, operation=operation, source=source, base_url=base_url
        )
        return _yes({"taskId": task.music_task_id}, music_task_id=task.music_task_id, persona_id=_persona_id(call))
    if call.endpoint is Endpoint.GENERATE_PERSONA:
        return _make_persona(call, state, now)
    if call.endpoint is Endpoint.RECORD_INFO:
        state.rate_limits.reads(call.text("taskId")).add(call.arrived_at)
        state.rate_limits.all_reads.add(call.arrived_at)
        found = state.find(call.text("taskId"), now)
        return _yes(record_of(found, now, base_url) if found else None, music_task_id=call.text("taskId"))
    return _yes(plain_number(state.credits))


def plain_number(amount: Decimal) -> int | float:
    """
    Return an amount of credits as JSON shows it: whole ones without a point.

    :param amount: the credits.
    """
    return int(amount) if amount == amount.to_integral_value() else float(amount)


def _make_persona(call: Call, state: ServiceState, now: float) -> Reply:
    persona = state.make_persona(
        call.text("taskId"), call.text("audioId"), call.text("name"), call.text("description"), now=now
    )
    data = {"personaId": persona.persona_id, "name": persona.name, "description": persona.description}
    return _yes(data, music_task_id=persona.music_task_id, persona_id=persona.persona_id)


def _yes(data: Any, *, music_task_id: str | None = None, persona_id: str | None = None) -> Reply:
    return Reply(200, envelope(200, "success", data), accepted=True, music_task_id=music_task_id, persona_id=persona_id)


def refusal(call: Call, state: ServiceState, now: float, rules: Iterable[Rule] = RULES) -> Reply | None:
    """
    Return the answer to a call that is refused, or None if the service does what is asked.

    :param call: the request.
    :param state: the service's state.
    :param now: simulated time.
    :param rules: what is refused.
    """
    state.apply_refunds(now)
    rule = first_refusal(call, state, now, rules)
    if rule is None:
        return None
    no = rule.refusal(call, state.profile)
    wrap = upload_envelope if call.endpoint in UPLOADS else envelope
    return Reply(
        no.http_status,
        wrap(no.code, no.msg) if no.code else no.msg,
        accepted=False,
        rule=rule.name,
        music_task_id=call.text("taskId") or None,
        persona_id=_persona_id(call),
    )


def _persona_id(call: Call) -> str | None:
    return call.text("personaId") or None
