"""What can be set about how the service behaves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Callbacks = Literal["loopback", "any"]
"""Where callbacks are sent: only to addresses of this machine, or to any address."""


@dataclass(frozen=True)
class Settings:
    """
    How new music tasks come into the state, and how often one may ask.

    :param tracks: tracks per music task.
    :param visible_after: simulated seconds during which record-info does not know a new task.
    :param submit_limit: new music tasks that the account may ask for in 10 seconds; None for any number.
    :param read_limit: times that one music task may be looked at in a second; None for any number.
    :param account_read_limit: times that the account may look at music tasks in 10 seconds. No page names such
        a limit, but callers reckon with one.
    :param audio: what is wrong with the addresses of finished tracks, as in the marker ``[audio:...]``; None for
        nothing.
    :param callback_exception: whether the record says ``CALLBACK_EXCEPTION`` once a callback was not taken. The
        pages only say what the status means; in the field, songs with a made-up address have ended in
        ``SUCCESS``, so it is no unless wanted.
    :param callback_timeout: real seconds within which a receiver must answer.
    :param callback_spacing: real seconds before the second attempt; twice that before the third.
    """

    tracks: int = 2
    visible_after: float = 0
    submit_limit: int | None = 20
    read_limit: int | None = 3
    account_read_limit: int | None = None
    audio: str | None = None
    callback_exception: bool = False
    callback_timeout: float = 15
    callback_spacing: float = 1
