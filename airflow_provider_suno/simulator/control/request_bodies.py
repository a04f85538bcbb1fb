"""The request bodies of the control plane."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from airflow_provider_suno.simulator.kinds.music.prompt_directives import AUDIO_DEFECT_PATTERN


class _RequestBody(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ClockRequest(_RequestBody):
    """
    Body of ``POST /_sim/clock``. The changes are made in this order.

    :param manual: true stops the clock, false lets it run.
    :param speed: simulated seconds per real second; lets the clock run.
    :param set: the time to set, in epoch seconds.
    :param advance: simulated seconds to advance the time by.
    """

    manual: bool | None = None
    speed: float | None = Field(default=None, gt=0)
    set: float | None = None
    advance: float | None = None


class CreditsRequest(_RequestBody):
    """Body of ``POST /_sim/credits``: the new balance."""

    credits: Decimal = Field(ge=0, allow_inf_nan=False)


class SettingsRequest(_RequestBody):
    """
    Body of ``POST /_sim/settings``. What is not given does not change.

    :param tracks: tracks per music task.
    :param visible_after: simulated seconds during which record-info does not know a new job.
    :param submit_limit: submissions in 10 seconds; null for no limit.
    :param read_limit: polls of one job in a second; null for no limit.
    :param account_read_limit: polls of all jobs in 10 seconds; null for no limit.
    :param polls_count_as_submissions: whether polls count towards ``submit_limit`` too.
    :param audio: what is wrong with the addresses of finished tracks, as in the directive ``[audio:...]``.
    :param callback_exception: whether the record shows a callback that could not be delivered.
    :param callback_timeout: real seconds within which a receiver must answer.
    :param callback_spacing: real seconds before the second attempt; twice that before the third.
    """

    tracks: int = Field(default=2, ge=1, le=4)
    visible_after: float = Field(default=0, ge=0)
    submit_limit: int | None = Field(default=None, ge=0)
    read_limit: int | None = Field(default=None, ge=0)
    account_read_limit: int | None = Field(default=None, ge=0)
    polls_count_as_submissions: bool = False
    audio: str | None = Field(default=None, pattern=f"^{AUDIO_DEFECT_PATTERN}$")
    callback_exception: bool = False
    callback_timeout: float = Field(default=15, gt=0)
    callback_spacing: float = Field(default=1, ge=0)


class ResetRequest(_RequestBody):
    """
    Body of ``POST /_sim/reset``. What is not given is as it was when the simulator started.

    :param credits: the balance.
    :param api_keys: the account's keys.
    :param clock: changes of the clock.
    :param profile: the reseller to simulate.
    """

    credits: Decimal | None = Field(default=None, ge=0, allow_inf_nan=False)
    api_keys: list[str] | None = None
    clock: ClockRequest | None = None
    profile: Literal["apikley", "kie", "sunoapi"] | None = None


class TaskRequest(_RequestBody):
    """
    Body of ``POST /_sim/tasks``: a music task that has just reached a status, free of charge.

    :param status: that status; one that is not part of a normal lifecycle is a failure.
    :param model: its model; a retired one such as ``V3_5`` is allowed.
    :param prompt: its prompt; directives work.
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
