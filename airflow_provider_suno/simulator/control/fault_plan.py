"""Planned faults: what goes wrong, with which requests, how often."""

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

_NEVER_ACCEPTED = frozenset({"drop_before"})
_ACCEPT_OPTIONAL = frozenset({"status", "code", "html", "garbage", "hang"})


class Fault(BaseModel):
    """
    A planned fault: what goes wrong with which requests.

    ===============  =================================================================================
    ``status``       an HTTP status with an envelope of the same code, or with ``body``
    ``code``         HTTP 200 with an envelope of this ``code`` and ``msg``
    ``html``         a page of the network edge: ``http_status`` 502 (default) as HTML, 403 as
                     ``error code: 1010``
    ``truncated``    the true reply, cut off in the middle, with its full Content-Length
    ``garbage``      HTTP 200 with a body that is not JSON
    ``hang``         no answer for ``seconds``, then the connection is closed
    ``slow``         the true reply, ``seconds`` late
    ``drip_head``    the true reply, one byte every ``seconds``
    ``drip_body``    the true reply: its head at once, its body one byte every ``seconds``
    ``flood``        HTTP 200 and the beginning of an envelope; the body never ends
    ``reset``        the true reply up to its middle, then a TCP reset
    ``drop_before``  the connection is closed without an answer; the request was not accepted
    ``drop_after``   the connection is closed without an answer; the request was accepted and charged
    ``another``      the true reply, but of another job
    ``back``         the true record of music, but with the status and the tracks that it had at ``stage``
    ===============  =================================================================================

    :param path: path of the requests; ``*`` and ``?`` are wildcards.
    :param kind: what goes wrong.
    :param method: only requests of this HTTP method.
    :param times: how many requests fail; None for no limit.
    :param lasts: real seconds after the first failed request in which requests fail; None for no limit. Set
        ``times`` to None too, for a fault that ends by itself, such as a maintenance.
    :param skip: how many matching requests succeed first.
    :param accept: whether the service accepts the request nevertheless. Only for ``status``, ``code``, ``html``,
        ``garbage`` and ``hang``, where the default is no; the other kinds determine it themselves.
    :param http_status: for ``status`` and ``html``.
    :param code: envelope code, for ``code``; for ``status`` the HTTP status if not given.
    :param msg: envelope message, for ``code`` and ``status``.
    :param body: body instead of the envelope, for ``status``; an empty text for no body.
    :param seconds: real seconds, for ``hang``, ``slow``, ``drip_head`` and ``drip_body``.
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
    def _accept_is_allowed(self) -> Self:
        if self.accept is not None and self.kind not in _ACCEPT_OPTIONAL:
            raise ValueError(f"accept cannot be set for {self.kind}, which determines it itself")
        return self

    @property
    def accepts(self) -> bool:
        """Whether the service does what was asked."""
        return bool(self.accept) if self.kind in _ACCEPT_OPTIONAL else self.kind not in _NEVER_ACCEPTED

    def matches(self, method: str, path: str) -> bool:
        """Return whether the fault applies to a request."""
        return self.method in (None, method) and fnmatchcase(path, self.path)


@dataclass
class _PlannedFault:
    number: int
    fault: Fault
    skip: int
    left: int | None
    ends: float | None = None


class FaultPlan:
    """
    The planned faults, in the order in which they were added.

    :param clock: returns the real time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._planned: list[_PlannedFault] = []
        self._added = 0

    def add(self, fault: Fault) -> int:
        """
        Add a fault.

        :return: its number.
        """
        self._added += 1
        self._planned.append(_PlannedFault(self._added, fault, fault.skip, fault.times))
        return self._added

    def clear(self) -> None:
        """Delete all faults."""
        self._planned.clear()

    def take_matching(self, method: str, path: str) -> Fault | None:
        """Return the fault that applies to a request, if any, and count it."""
        for planned in self._active():
            if not planned.fault.matches(method, path):
                continue
            if planned.skip:
                planned.skip -= 1
                continue
            self._count(planned)
            return planned.fault
        return None

    def _active(self) -> list[_PlannedFault]:
        now = self._clock()
        # Change the list in place: another thread may add a fault at the same time.
        for over in [planned for planned in self._planned if planned.ends is not None and planned.ends <= now]:
            self._planned.remove(over)
        return self._planned

    def _count(self, planned: _PlannedFault) -> None:
        if planned.ends is None and planned.fault.lasts is not None:
            planned.ends = self._clock() + planned.fault.lasts
        if planned.left is None:
            return
        planned.left -= 1
        if not planned.left:
            self._planned.remove(planned)

    def listed(self) -> list[dict[str, Any]]:
        """Return the faults that can still apply, as JSON."""
        return [
            {
                **planned.fault.model_dump(exclude_none=True),
                "id": planned.number,
                "skip": planned.skip,
                "times": planned.left,
            }
            for planned in self._active()
        ]
