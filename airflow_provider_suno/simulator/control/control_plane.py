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
``POST /_sim/reset``              an empty state, if wanted with other credits, keys, time and profile
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
from airflow_provider_suno.simulator.jobs.prompt_directives import AUDIO_DEFECT_PATTERN
from airflow_provider_suno.simulator.state.clock import Clock
from airflow_provider_suno.simulator.state.host_profiles import PROFILES
from airflow_provider_suno.simulator.state.settings import Settings
from airflow_provider_suno.simulator.wire.api import plain_number

Json = dict[str, Any]


class _Order(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ClockRequest(_Order):
    """
    What to do with the clock, in this update.

    :param manual: true stops it, false lets it run.
    :param speed: simulated seconds per real second; lets it run.
    :param set: epoch seconds to put it at.
    :param advance: simulated seconds to move it by.
    """

    manual: bool | None = None
    speed: float | None = Field(default=None, gt=0)
    set: float | None = None
    advance: float | None = None


class CreditsRequest(_Order):
    """The balance to have."""

    credits: Decimal = Field(ge=0, allow_inf_nan=False)


class SettingsRequest(_Order):
    """
    How new music tasks come into the state, and how often one may ask. What is not given stays.

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
    audio: str | None = Field(default=None, pattern=f"^{AUDIO_DEFECT_PATTERN}$")
    callback_exception: bool = False
    callback_timeout: float = Field(default=15, gt=0)
    callback_spacing: float = Field(default=1, ge=0)


class ResetRequest(_Order):
    """
    What the emptied state starts with; what is not given stays as it is at the simulator's start.

    :param credits: the balance.
    :param api_keys: the keys that open the account.
    :param clock: what to do with the clock.
    :param profile: the reseller to play.
    """

    credits: Decimal | None = Field(default=None, ge=0, allow_inf_nan=False)
    api_keys: list[str] | None = None
    clock: ClockRequest | None = None
    profile: Literal["apikley", "kie", "sunoapi"] | None = None


class TaskRequest(_Order):
    """
    A music task to put into the state, free of charge, as if it had just reached a status.

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
    router.include_router(_state(simulation))
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
        return _clock_json(simulation.clock)

    @router.post("/clock")
    async def move_clock(update: ClockRequest) -> Json:
        _update_clock(simulation.clock, update)
        return _clock_json(simulation.clock)

    return router


def _state(simulation: Simulation) -> APIRouter:
    router = APIRouter()

    @router.get("/ledger")
    async def ledger() -> Json:
        return report(simulation.state, simulation.clock.now())

    @router.post("/credits")
    async def set_credits(update: CreditsRequest) -> Json:
        simulation.state.apply_refunds(simulation.clock.now())
        simulation.state.credits = update.credits
        return {"credits": plain_number(update.credits)}

    @router.post("/settings")
    async def set_settings(update: SettingsRequest) -> Json:
        state = simulation.state
        state.settings = Settings(**{**asdict(state.settings), **update.model_dump(exclude_unset=True)})
        return asdict(state.settings)

    @router.post("/tasks")
    async def seed_task(update: TaskRequest) -> Json:
        now = simulation.clock.now()
        request = {**update.model_dump(exclude={"status"}), "customMode": True}
        return song(simulation.state.seed(request, update.status, now=now), now)

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
