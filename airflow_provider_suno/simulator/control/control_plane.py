"""
The control plane: what a test may read and change, under ``/_sim/``, without a key.

================================  =======================================================================
``GET /_sim/docs``                this table, the prompt directives, the faults and the other bodies, as text
``GET /_sim/ledger``              all requests, refusals, downloads, callbacks, charges and refunds; all
                                  songs, jobs of other kinds (``conversions``), files and personas; the balance
``GET POST DELETE /_sim/faults``  list the planned faults, add one, delete all
``GET POST DELETE /_sim/orders``  ``{"kind": "wav", "fail": "GENERATE_WAV_FAILED"}``, ``{"kind": "midi", "fail": 3}``,
                                  ``{"kind": "stems", "stuck": true}``: how the next job of a kind ends; list
                                  the orders that are left, delete all
``GET POST /_sim/clock``          ``{"speed": 12}``, ``{"manual": true}``, ``{"set": t}``, ``{"advance": 9}``
``POST /_sim/credits``            ``{"credits": 20.5}`` sets the balance
``POST /_sim/settings``           ``{"tracks": 3, "visible_after": 10, "audio": "null"}`` for new jobs,
                                  ``{"read_limit": null}``; what is not named does not change
``GET POST /_sim/callbacks``      ``{"held": true}`` holds callbacks, ``{"held": false, "reversed": true}``
                                  releases them in reversed order, ``{"signing_key": "s"}`` signs them
``POST /_sim/callbacks/send``     ``{"job_id": "...", "stage": "complete", "times": 2}`` sends now
``POST /_sim/tasks``              add a music task that has just reached a status, free of charge
``POST /_sim/reset``              start again; the body may set credits, api_keys, clock and profile
================================  =======================================================================
"""

from __future__ import annotations

from dataclasses import asdict
from inspect import cleandoc
from typing import Any

from fastapi import APIRouter
from starlette.responses import PlainTextResponse

from airflow_provider_suno.simulator.control.callback_control import CallbacksRequest, SendRequest, callback_control
from airflow_provider_suno.simulator.control.fault_plan import Fault
from airflow_provider_suno.simulator.control.order_control import order_control
from airflow_provider_suno.simulator.control.report import report, song
from airflow_provider_suno.simulator.control.request_bodies import (
    ClockRequest,
    CreditsRequest,
    ResetRequest,
    SettingsRequest,
    TaskRequest,
)
from airflow_provider_suno.simulator.control.simulation import Simulation
from airflow_provider_suno.simulator.jobs.order import Order
from airflow_provider_suno.simulator.kinds.music import prompt_directives
from airflow_provider_suno.simulator.state.clock import Clock
from airflow_provider_suno.simulator.state.credits import plain_number
from airflow_provider_suno.simulator.state.host_profiles import PROFILES
from airflow_provider_suno.simulator.state.settings import Settings
from airflow_provider_suno.simulator.state.submissions import seed_music

Json = dict[str, Any]

_BODIES = (ClockRequest, SettingsRequest, CallbacksRequest, SendRequest, TaskRequest, ResetRequest)
_DOCS = (__doc__, prompt_directives.__doc__, *(body.__doc__ for body in (Fault, Order, *_BODIES)))


def control_plane(simulation: Simulation) -> APIRouter:
    """Return the routes under ``/_sim``."""
    router = APIRouter(prefix="/_sim")
    router.include_router(_fault_routes(simulation))
    router.include_router(order_control(simulation))
    router.include_router(_clock_routes(simulation))
    router.include_router(_state_routes(simulation))
    router.include_router(callback_control(simulation))

    @router.get("/docs")
    async def docs() -> PlainTextResponse:
        return PlainTextResponse("\n\n\n".join(cleandoc(part) for part in _DOCS if part) + "\n")

    return router


def _fault_routes(simulation: Simulation) -> APIRouter:
    router = APIRouter()

    @router.get("/faults")
    async def list_faults() -> list[Json]:
        return simulation.faults.listed()

    @router.post("/faults")
    async def add_fault(fault: Fault) -> Json:
        return {"id": simulation.faults.add(fault)}

    @router.delete("/faults")
    async def clear_faults() -> list[Json]:
        simulation.faults.clear()
        return simulation.faults.listed()

    return router


def _clock_routes(simulation: Simulation) -> APIRouter:
    router = APIRouter()

    @router.get("/clock")
    async def show_clock() -> Json:
        return _clock_json(simulation.clock)

    @router.post("/clock")
    async def change_clock(update: ClockRequest) -> Json:
        _update_clock(simulation.clock, update)
        return _clock_json(simulation.clock)

    return router


def _state_routes(simulation: Simulation) -> APIRouter:
    router = APIRouter()

    @router.get("/ledger")
    async def show_ledger() -> Json:
        return report(simulation.state, simulation.clock.now())

    @router.post("/credits")
    async def set_credits(update: CreditsRequest) -> Json:
        simulation.state.apply_refunds(simulation.clock.now())
        simulation.state.credits = update.credits
        return {"credits": plain_number(update.credits)}

    @router.post("/settings")
    async def change_settings(update: SettingsRequest) -> Json:
        state = simulation.state
        state.settings = Settings(**{**asdict(state.settings), **update.model_dump(exclude_unset=True)})
        return asdict(state.settings)

    @router.post("/tasks")
    async def seed_task(task: TaskRequest) -> Json:
        now = simulation.clock.now()
        request = {**task.model_dump(exclude={"status"}), "customMode": True}
        return song(seed_music(simulation.state, request, task.status, now=now), now)

    @router.post("/reset")
    async def reset(update: ResetRequest | None = None) -> Json:
        update = update or ResetRequest()
        profile = PROFILES[update.profile] if update.profile else None
        simulation.reset(credits=update.credits, api_keys=update.api_keys, profile=profile)
        if update.clock:
            _update_clock(simulation.clock, update.clock)
        return report(simulation.state, simulation.clock.now())

    return router


def _clock_json(clock: Clock) -> Json:
    return {"now": clock.now(), "speed": clock.speed, "manual": clock.manual}


def _update_clock(clock: Clock, update: ClockRequest) -> None:
    if update.speed is not None or update.manual is False:
        clock.run(update.speed)
    if update.manual:
        clock.stop()
    if update.set is not None:
        clock.set(update.set)
    if update.advance is not None:
        clock.advance(update.advance)
