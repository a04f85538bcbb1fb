"""Handler of the persona call."""

from __future__ import annotations

from airflow_provider_suno.simulator.calls.handler import Context, Handler
from airflow_provider_suno.simulator.calls.replies import Reply, success
from airflow_provider_suno.simulator.rules.call import Call
from airflow_provider_suno.simulator.state.endpoints import Endpoint


def _make_persona(call: Call, context: Context) -> Reply:
    persona = context.state.make_persona(
        call.text("taskId"), call.text("audioId"), call.text("name"), call.text("description"), now=context.now
    )
    data = {"personaId": persona.persona_id, "name": persona.name, "description": persona.description}
    return success(data, job_id=persona.music_task_id, persona_id=persona.persona_id)


HANDLERS: dict[Endpoint, Handler] = {Endpoint.GENERATE_PERSONA: _make_persona}
