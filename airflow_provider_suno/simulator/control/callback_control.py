"""
The part of the control plane that is about callbacks: late, twice, in the wrong order, signed.

Held back and let go in the opposite order, or sent while it is not their turn, they come out of order; sent again,
they come twice; held back and never let go, they are lost.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict, Field

from airflow_provider_suno.simulator.control.simulation import Simulation
from airflow_provider_suno.simulator.jobs.callback import callback_of
from airflow_provider_suno.simulator.state.callback_queue import CallbackType

Json = dict[str, Any]


class CallbacksRequest(BaseModel):
    """
    What to do with callbacks. What is not given stays.

    :param held: true keeps back what falls due; false lets it go.
    :param reversed: put what is held back into the opposite order first.
    :param signing_key: sign them with this secret; null signs no more. Only where the reseller signs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    held: bool | None = None
    reversed: bool = False
    signing_key: str | None = Field(default=None, min_length=1)


class SendRequest(BaseModel):
    """
    One callback to send now.

    :param music_task_id: the music task it tells of.
    :param kind: what it tells: text, first, complete or error.
    :param times: how often.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    music_task_id: str
    kind: CallbackType
    times: int = Field(default=1, ge=1, le=100)


def callback_control(simulation: Simulation) -> APIRouter:
    """
    Return the routes under ``/_sim/callbacks``.

    :param simulation: the state they show and move.
    """
    router = APIRouter(prefix="/callbacks")

    def shown() -> Json:
        callback_queue = simulation.state.callback_queue
        return {
            "held": callback_queue.held,
            "signed": callback_queue.signing_key is not None,
            "waiting": callback_queue.held_back(),
        }

    @router.get("")
    async def callbacks() -> Json:
        return shown()

    @router.post("")
    async def order_callbacks(update: CallbacksRequest) -> Json:
        callback_queue = simulation.state.callback_queue
        if "signing_key" in update.model_fields_set:
            if not simulation.state.profile.signs_callbacks:
                raise HTTPException(422, f"{simulation.state.profile.name} does not sign callbacks")
            callback_queue.signing_key = update.signing_key
        if update.reversed:
            callback_queue.reverse_held()
        if update.held is not None:
            callback_queue.held = update.held
        return shown()

    @router.post("/send")
    async def send(update: SendRequest) -> Json:
        task = simulation.state.music_tasks.get(update.music_task_id)
        if task is None or callback_of(task, update.kind) is None:
            raise HTTPException(422, "this music task has nothing of that kind to tell, or no address to tell it to")
        simulation.state.callback_queue.send_now(update.music_task_id, update.kind, update.times)
        return {"queued": update.times}

    return router
