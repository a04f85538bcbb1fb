"""
Control of callbacks, under ``/_sim/callbacks``: hold them, release them, send them again, sign them.

Callbacks out of order: hold them and release them reversed, or send one before it is due. Callbacks twice: send one
again. Lost callbacks: hold them and never release them.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict, Field

from airflow_provider_suno.simulator.control.simulation import Simulation
from airflow_provider_suno.simulator.jobs.callback import CallbackStage

Json = dict[str, Any]


class CallbacksRequest(BaseModel):
    """
    Body of ``POST /_sim/callbacks``. What is not given does not change.

    :param held: true holds callbacks that are due; false releases them.
    :param reversed: reverse the order of the held callbacks first.
    :param signing_key: sign callbacks with this secret; null signs no more. Only if the reseller signs callbacks.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    held: bool | None = None
    reversed: bool = False
    signing_key: str | None = Field(default=None, min_length=1)


class SendRequest(BaseModel):
    """
    Body of ``POST /_sim/callbacks/send``: a callback to send now.

    :param job_id: the job.
    :param stage: which callback: text, first, complete or error.
    :param times: how often.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    job_id: str
    stage: CallbackStage
    times: int = Field(default=1, ge=1, le=100)


def callback_control(simulation: Simulation) -> APIRouter:
    """Return the routes under ``/_sim/callbacks``."""
    router = APIRouter(prefix="/callbacks")

    def as_json() -> Json:
        queue = simulation.state.callback_queue
        return {"held": queue.held, "signed": queue.signing_key is not None, "waiting": queue.held_back()}

    @router.get("")
    async def show_callbacks() -> Json:
        return as_json()

    @router.post("")
    async def change_callbacks(update: CallbacksRequest) -> Json:
        queue = simulation.state.callback_queue
        if "signing_key" in update.model_fields_set:
            if not simulation.state.profile.signs_callbacks:
                raise HTTPException(422, f"{simulation.state.profile.name} does not sign callbacks")
            queue.signing_key = update.signing_key
        if update.reversed:
            queue.reverse_held()
        if update.held is not None:
            queue.held = update.held
        return as_json()

    @router.post("/send")
    async def send_callback(request: SendRequest) -> Json:
        queue = simulation.state.callback_queue
        callback = queue.find(request.job_id, request.stage)
        if callback is None:
            raise HTTPException(422, "there is no such job, or it has no callback of this stage")
        queue.send_now(callback, request.times)
        return {"queued": request.times}

    return router
