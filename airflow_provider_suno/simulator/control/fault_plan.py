"""Faults to order: what shall go wrong, with which request, how often."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Kind = Literal[
    "status",
    "code",
    "html",
    "truncated",
    "garbage",
    "hang",
    "slow",
    "drip_head",
    "drip_body",
    "flood",
    "reset",
    "drop_before",
    "drop_after",
    "another",
    "back",
]
RunningStatus = Literal["PENDING", "TEXT_SUCCESS", "FIRST_SUCCESS"]

_REFUSED = frozenset({"drop_before"})
_TOLD_APART = frozenset({"status", "code", "html", "garbage", "hang"})


class Fault(BaseModel):
    """
    One ordered fault.

    ============== ==================================================================================
    ``status``     an HTTP status with an envelope of the same code, or with ``body``
    ``code``       HTTP 200 with an envelope of this ``code`` and ``msg``
    ``html``       a page of the CDN: ``http_status`` 502 (default) as HTML, 403 as ``error code: 1010``
    ``truncated``  the true reply, cut off in the middle under its full Content-Length
    ``garbage``    HTTP 200 that is no JSON
    ``hang``       silence for ``seconds``, then the connection is closed without an answer
    ``slow``       the true reply, ``seconds`` late
    ``drip_head``  the true reply, from its first byte on a byte every ``seconds``
    ``drip_body``  the true reply: its head at once, its body a byte every ``seconds``
    ``flood``      HTTP 200 and the beginning of an envelope, whose body never ends
    ``reset``      the true reply up to its middle, then a TCP reset
    ``drop_before``  the connection is closed without a byte; the request was not accepted
    ``drop_after``   the connection is closed without a byte; the request was accepted, and charged
    ``another``    the true reply, but of another music task
    ``back``       the true record, but with the status and the tracks that it had at ``stage``
    ============== ==================================================================================

    :param path: path of the requests to apply_fault; ``*`` and ``?`` are wildcards.
    :param kind: what goes wrong.
    :param method: only requests of this HTTP method.
    :param times: how many requests are spoiled; None is for ever.
    :param lasts: real seconds from the first request that is spoiled on, after which none is any more; None is for
        ever. It goes with ``times`` None, for audio_defect that passes by itself such as a maintenance.
    :param skip: how many matching requests are let through first.
    :param accept: whether the service does what was asked all the same: to be said for ``status``, ``code``,
        ``html``, ``garbage`` and ``hang``, where it is no unless said; the other kinds know it themselves.
    :param http_status: for ``status`` and ``html``.
    :param code: envelope code, for ``code``; for ``status`` the HTTP status if not given.
    :param msg: envelope message, for ``code`` and ``status``.
    :param body: body in place of the envelope, for ``status``; an empty text for none.
    :param seconds: real seconds, for ``hang``, ``slow`` and the drips.
    :param stage: for ``back``.
    :param retry_after: value of a ``Retry-After`` header, for ``status``, ``code`` and ``html``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    kind: Kind
    method: str | None = None
    times: int | None = Field(default=1, ge=1)
    lasts: float | None = Field(default=None, gt=0)
    skip: int = Field(default=0, ge=0)
    accept: bool | None = None
    http_status: int | None = Field(default=None, ge=200, le=599)
    code: int | None = None
    msg: str | None = None
    body: str | None = None
    seconds: float = Field(default=5, ge=0)
    stage: RunningStatus = "PENDING"
    retry_after: str | int | None = None

    @model_validator(mode="after")
    def _accept_is_open(self) -> Self:
        if self.accept is not None and self.kind not in _TOLD_APART:
            raise ValueError(f"{self.kind} settles by itself whether the request is accepted")
        return self

    @property
    def accepts(self) -> bool:
        """Whether the service does what was asked."""
        return bool(self.accept) if self.kind in _TOLD_APART else self.kind not in _REFUSED

    def matches(self, method: str, path: str) -> bool:
        """
        Return whether the fault is meant for a request.

        :param method: its HTTP method.
        :param path: its path.
        """
        return self.method in (None, method) and fnmatchcase(path, self.path)


@dataclass
class _Order:
    number: int
    fault: Fault
    skip: int
    left: int | None
    ends: float | None = None


class FaultPlan:
    """
    The ordered faults, in the order in which they were ordered.

    :param clock: tells real seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._orders: list[_Order] = []
        self._ordered = 0

    def add(self, fault: Fault) -> int:
        """
        Order a fault.

        :param fault: the fault.
        :return: its number.
        """
        self._ordered += 1
        self._orders.append(_Order(self._ordered, fault, fault.skip, fault.times))
        return self._ordered

    def clear(self) -> None:
        """Forget all faults."""
        self._orders.clear()

    def take_matching(self, method: str, path: str) -> Fault | None:
        """
        Return the fault to apply to a request, if any, and count it as applied.

        :param method: the request's HTTP method.
        :param path: its path.
        """
        for order in self._still_on():
            if not order.fault.matches(method, path):
                continue
            if order.skip:
                order.skip -= 1
                continue
            self._count(order)
            return order.fault
        return None

    def _still_on(self) -> list[_Order]:
        now = self._clock()
        # In place: somebody may order another one just now.
        for over in [order for order in self._orders if order.ends is not None and order.ends <= now]:
            self._orders.remove(over)
        return self._orders

    def _count(self, order: _Order) -> None:
        if order.ends is None and order.fault.lasts is not None:
            order.ends = self._clock() + order.fault.lasts
        if order.left is None:
            return
        order.left -= 1
        if not order.left:
            self._orders.remove(order)

    def listed(self) -> list[dict[str, Any]]:
        """Return the faults still to come, as JSON shows them."""
        return [
            {
                **order.fault.model_dump(exclude_none=True),
                "id": order.number,
                "skip": order.skip,
                "times": order.left,
            }
            for order in self._still_on()
        ]
