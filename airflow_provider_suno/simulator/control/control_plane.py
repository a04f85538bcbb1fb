"""
The control plane: what a test or a demonstration may see and move, under ``/_sim/``, without a key.

================================  =======================================================================
``GET /_sim/ledger``              all requests, refusals, downloads, callbacks, charges, refunds; songs, files,
                                  personas, balance
``GET POST DELETE /_sim/faults``  what shall go wrong: list, order one (see ``faults.py``), clear
``GET POST /_sim/clock``          ``{"speed": 12}``, ``{"manual": true}``, ``{"set": t}``, ``{"advance": 9}``
``POST /_sim/credits``            ``{"credits": 20.5}``
``POST /_sim/settings``           ``{"tracks": 3, "visible_after": 10, "audio": "null"}``, for the music tasks to
                                  come, and ``{"read_limit": null}``; what is not named stays (see ``settings.py``)
``GET POST /_sim/callbacks``      hold callbacks back, let them go, sign them (see ``callback_control.py``)
``POST /_sim/callbacks/send``     one callback now, as often as wanted, its turn or not
``POST /_sim/tasks``              a music task as if it had just reached a status, free of charge
``POST /_sim/reset``              an empty world, if wanted with other credits, keys, time and profile
================================  =======================================================================
"""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from airflow_provider_suno.simulator.control.callback_control import callback_control
from airflow_provider_suno.simulator.control.fault_plan import Fault
from airflow_provider_suno.simulator.control.report import report, song
from airflow_provider_suno.simulator.control.simulation import Simulation
from airflow_provider_suno.simulator.jobs.prompt_directives import AUDIO_ORDER
from airflow_provider_suno.simulator.state.clock import Clock
from airflow_provider_suno.simulator.state.host_profiles import PROFILES
from airflow_provider_suno.simulator.state.settings import Settings
from airflow_provider_suno.simulator.wire.api import plain_number

Json = dict[str, Any]


class _Order(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ClockOrder(_Order):
    """
    What to do with the clock, in this order.

    :param manual: true stops it, false lets it run.
    :param speed: simulated seconds per real second; lets it run.
    :param set: epoch seconds to put it at.
    :param advance: simulated seconds to move it by.
    """

    manual: bool | None = None
    speed: float | None = Field(default=None, gt=0)
    set: float | None = None
    advance: float | None = None


class CreditsOrder(_Order):
    """The balance to have."""

    credits: Decimal = Field(ge=0, allow_inf_nan=False)


class SettingsOrder(_Order):
    """
    How new music tasks come into the world, and how often one may ask. What is not given stays.

    :param tracks: tracks per music task.
    :param visible_after: simulated seconds during which record-info does not know a new task.
    :param submit_limit: new music tasks in 10 seconds; null for any number.
    :param read_limit: looks at one music task in a second; null for any number.
    :param account_read_limit: looks at music tasks in 10 seconds; null for any number.
    :param audio: what is wrong with the addresses of finished tracks, as in the marker ``[audio:...]``.
    :param callback_exception: whether a callback that nobody takes shows in the record.
    :param callback_timeout: real seconds within which a receiver must answer.
    :param callback_spacing: real seconds before the second attempt; twice that before the third.
    """

    tracks: int = Field(default=2, ge=1, le=4)
    visible_after: float = Field(default=0, ge=0)
    submit_limit: int | None = Field(default=None, ge=0)
    read_limit: int | None = Field(default=None, ge=0)
    account_read_limit: int | None = Field(default=None, ge=0)
    audio: str | None = Field(default=None, pattern=f"^{AUDIO_ORDER}$")
    callback_exception: bool = False
    callback_timeout: float = Field(default=15, gt=0)
    callback_spacing: float = Field(default=1, ge=0)


class ResetOrder(_Order):
    """
    What the emptied world starts with; what is not given stays as it is at the simulator's start.

    :param credits: the balance.
    :param api_keys: the keys that open the account.
    :param clock: what to do with the clock.
    :param profile: the reseller to play.
    """

    credits: Decimal | None = Field(default=None, ge=0, allow_inf_nan=False)
    api_keys: list[str] | None = None
    clock: ClockOrder | None = None
    profile: Literal["apikley", "kie", "sunoapi"] | None = None


class TaskOrder(_Order):
    """
    A music task to put into the world, free of charge, as if it had just reached a status.

    :param status: that status; one that is not of the normal course is a failure.
    :param model: the model that made it, a retired one such as ``V3_5`` included.
    :param prompt: its prompt; markers count (see ``markers.py``).
    :param title: its title.
    :param style: its style.
    :param instrumental: whether it has no vocals.
    """

    status: str = "SUCCESS"
    model: str = "V5"
    prompt: str = "A seeded song"
    title: str = "Seeded"
    style: str = "ambient"
    instrumental: bool = False


def control_plane(simulation: Simulation) -> APIRouter:
    """
    Return the routes under ``/_sim``.

    :param simulation: the state they show and move.
    """
    router = APIRouter(prefix="/_sim")
    router.include_router(_faults(simulation))
    router.include_router(_time(simulation))
    router.include_router(_world(simulation))
    router.include_router(callback_control(simulation))
    return router


def _faults(simulation: Simulation) -> APIRouter:
    router = APIRouter()

    @router.get("/faults")
    async def faults() -> list[Json]:
        return simulation.faults.listed()

    @router.post("/faults")
    async def order_fault(fault: Fault) -> Json:
        return {"id": simulation.faults.add(fault)}

    @router.delete("/faults")
    async def clear_faults() -> list[Json]:
        simulation.faults.clear()
        return simulation.faults.listed()

    return router


def _time(simulation: Simulation) -> APIRouter:
    router = APIRouter()

    @router.get("/clock")
    async def clock() -> Json:
        return _face(simulation.clock)

    @router.post("/clock")
    async def move_clock(order: ClockOrder) -> Json:
        _move(simulation.clock, order)
        return _face(simulation.clock)

    return router


def _world(simulation: Simulation) -> APIRouter:
    router = APIRouter()

    @router.get("/ledger")
    async def ledger() -> Json:
        return report(simulation.world, simulation.clock.now())

    @router.post("/credits")
    async def set_credits(order: CreditsOrder) -> Json:
        simulation.world.settle(simulation.clock.now())
        simulation.world.credits = order.credits
        return {"credits": plain_number(order.credits)}

    @router.post("/settings")
    async def set_settings(order: SettingsOrder) -> Json:
        world = simulation.world
        world.settings = Settings(**{**asdict(world.settings), **order.model_dump(exclude_unset=True)})
        return asdict(world.settings)

    @router.post("/tasks")
    async def seed_task(order: TaskOrder) -> Json:
        now = simulation.clock.now()
        request = {**order.model_dump(exclude={"status"}), "customMode": True}
        return song(simulation.world.seed(request, order.status, now=now), now)

    @router.post("/reset")
    async def reset(order: ResetOrder | None = None) -> Json:
        order = order or ResetOrder()
        profile = PROFILES[order.profile] if order.profile else None
        simulation.reset(credits=order.credits, api_keys=order.api_keys, profile=profile)
        if order.clock:
            _move(simulation.clock, order.clock)
        return report(simulation.world, simulation.clock.now())

    return router


def _face(clock: Clock) -> Json:
    return {"now": clock.now(), "speed": clock.speed, "manual": clock.manual}


def _move(clock: Clock, order: ClockOrder) -> None:
    if order.speed is not None or order.manual is False:
        clock.run(order.speed)
    if order.manual:
        clock.hold()
    if order.set is not None:
        clock.set(order.set)
    if order.advance is not None:
        clock.advance(order.advance)
