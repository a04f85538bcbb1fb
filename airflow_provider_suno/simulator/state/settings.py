"""Settings of the simulated service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Callbacks = Literal["loopback", "any"]
"""Where callbacks are sent: to addresses of this machine only (``loopback``), or to any address."""


@dataclass(frozen=True)
class Settings:
    """
    How new jobs are made, how callbacks are sent, and the rate limits.

    :param tracks: tracks per music task.
    :param visible_after: simulated seconds during which record-info does not know a new job.
    :param submit_limit: submissions of the account in 10 seconds; None for no limit.
    :param read_limit: polls of one job in a second; None for no limit.
    :param account_read_limit: polls of all jobs of the account in 10 seconds; None for no limit. No page
        documents such a limit, but some clients assume one.
    :param polls_count_as_submissions: whether the polls of all jobs count towards ``submit_limit`` too, and are refused
        like submissions once it is reached. No page says so, but one client counts them to be safe.
    :param audio: what is wrong with the addresses of finished tracks, as in the directive ``[audio:...]``; None for
        nothing.
    :param callback_exception: whether the status becomes ``CALLBACK_EXCEPTION`` when a callback cannot be delivered.
        Off by default: real songs with an invalid callback address have ended in ``SUCCESS``.
    :param callback_timeout: real seconds within which a receiver must answer.
    :param callback_spacing: real seconds before the second attempt; twice that before the third.
    """

    tracks: int = 2
    visible_after: float = 0
    submit_limit: int | None = 20
    read_limit: int | None = 3
    account_read_limit: int | None = None
    polls_count_as_submissions: bool = False
    audio: str | None = None
    callback_exception: bool = False
    callback_timeout: float = 15
    callback_spacing: float = 1
