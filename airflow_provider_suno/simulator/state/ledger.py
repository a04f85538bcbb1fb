"""What happened, in order: every request, every download, every callback, and every movement of credits."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal


@dataclass(frozen=True)
class RequestEntry:
    """
    One request to the API.

    :param n: running number, from 1.
    :param at: simulated time of its arrival, in epoch seconds.
    :param wall: real time of its arrival, in epoch seconds.
    :param method: HTTP method.
    :param path: path without the query.
    :param http_status: status answered, or None if nothing was.
    :param code: envelope code answered, or None if no envelope was.
    :param accepted: whether the service did what was asked, whatever the caller got to read.
    :param rule: the rule that refused it.
    :param fault: kind of the fault that was applied.
    :param music_task_id: the music task it created or asked for.
    :param persona_id: the persona it created or used.
    """

    n: int
    at: float
    wall: float
    method: str
    path: str
    http_status: int | None
    code: int | None
    accepted: bool
    rule: str | None = None
    fault: str | None = None
    music_task_id: str | None = None
    persona_id: str | None = None


@dataclass(frozen=True)
class DownloadEntry:
    """
    One request for a sound, a picture or an uploaded file.

    :param at: simulated time, in epoch seconds.
    :param method: HTTP method.
    :param path: path without the query.
    :param http_status: status answered, or None if nothing was.
    :param had_key: whether the caller gave its API key away to the media host.
    :param fault: kind of the fault that was applied.
    """

    at: float
    method: str
    path: str
    http_status: int | None
    had_key: bool
    fault: str | None = None


@dataclass(frozen=True)
class CreditEntry:
    """
    One movement of credits.

    :param at: simulated time, in epoch seconds.
    :param kind: ``charge`` or ``refund``.
    :param music_task_id: the music task it belongs to.
    :param amount: credits moved, always positive.
    :param balance: balance afterwards.
    """

    at: float
    kind: Literal["charge", "refund"]
    music_task_id: str
    amount: Decimal
    balance: Decimal


@dataclass(frozen=True)
class CallbackEntry:
    """
    One attempt to deliver a callback.

    :param at: simulated time, in epoch seconds.
    :param music_task_id: the music task it told of.
    :param kind: its ``callbackType``.
    :param url: where it went.
    :param attempt: which attempt it was, from 1.
    :param http_status: what the receiver answered, or None if it did not.
    :param error: why there was no answer, or None.
    """

    at: float
    music_task_id: str
    kind: str
    url: str
    attempt: int
    http_status: int | None
    error: str | None

    @property
    def taken(self) -> bool:
        """Whether the receiver took it."""
        return self.http_status is not None and 200 <= self.http_status < 300


@dataclass
class Ledger:
    """The lists, oldest first."""

    requests: list[RequestEntry] = field(default_factory=list)
    downloads: list[DownloadEntry] = field(default_factory=list)
    credits: list[CreditEntry] = field(default_factory=list)
    callbacks: list[CallbackEntry] = field(default_factory=list)
