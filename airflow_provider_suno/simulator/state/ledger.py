"""The ledger: every request, download, callback, charge and refund, in order."""

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
    :param http_status: HTTP status of the answer, or None if there was none.
    :param code: envelope code of the answer, or None if it had no envelope.
    :param accepted: whether the service did what was asked, even if the answer was lost or changed.
    :param rule: name of the rule that refused it.
    :param fault: kind of the fault that was applied.
    :param job_id: the job it created, else the one that it named.
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
    job_id: str | None = None
    persona_id: str | None = None


@dataclass(frozen=True)
class DownloadEntry:
    """
    One request for an audio file, a picture or an uploaded file.

    :param at: simulated time, in epoch seconds.
    :param method: HTTP method.
    :param path: path without the query.
    :param http_status: HTTP status of the answer, or None if there was none.
    :param had_key: whether the caller sent an Authorization header to the media host, which it should not.
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
    One charge or refund.

    :param at: simulated time, in epoch seconds.
    :param kind: ``charge`` or ``refund``.
    :param job_kind: the kind of the job it belongs to.
    :param job_id: that job.
    :param amount: credits, always positive.
    :param balance: balance afterwards.
    """

    at: float
    kind: Literal["charge", "refund"]
    job_kind: str
    job_id: str
    amount: Decimal
    balance: Decimal


@dataclass(frozen=True)
class CallbackEntry:
    """
    One attempt to send a callback.

    :param at: simulated time, in epoch seconds.
    :param job_kind: the kind of the job it reports.
    :param job_id: that job.
    :param stage: what it reports: text, first, complete or error.
    :param url: its address.
    :param attempt: number of the attempt, from 1.
    :param http_status: HTTP status of the receiver's answer, or None if there was none.
    :param error: why there was no answer, or None.
    """

    at: float
    job_kind: str
    job_id: str
    stage: str
    url: str
    attempt: int
    http_status: int | None
    error: str | None

    @property
    def taken(self) -> bool:
        """Whether the receiver answered with a 2xx status."""
        return self.http_status is not None and 200 <= self.http_status < 300


@dataclass
class Ledger:
    """All entries, oldest first."""

    requests: list[RequestEntry] = field(default_factory=list)
    downloads: list[DownloadEntry] = field(default_factory=list)
    credits: list[CreditEntry] = field(default_factory=list)
    callbacks: list[CallbackEntry] = field(default_factory=list)
