"""
A plain job: one that runs for a while and then ends, as its order says. Every kind but music is of this sort.

Each kind is a subclass in a folder of ``kinds``, which says what its record shows and how long it takes. Whether a job
fails follows from its order alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, ClassVar, Self

from airflow_provider_suno.simulator.jobs.callback import Callback, CallbackStage, callback_url
from airflow_provider_suno.simulator.jobs.derived import number_between
from airflow_provider_suno.simulator.jobs.failures import CALLBACK_EXCEPTION
from airflow_provider_suno.simulator.jobs.order import Order, OrderedKind

Flag = str | int
"""What a record says of the job's progress: a status in words, or a number."""


@dataclass(frozen=True, kw_only=True)
class PlainJob(ABC):
    """
    One submitted job of a kind other than music.

    :param job_id: its id.
    :param request: the submitted fields.
    :param order: what a test asked of it.
    :param created_at: simulated time of the submission.
    :param visible_at: simulated time from which record-info knows it.
    :param create_time: time of the submission as the record shows it, in epoch seconds.
    :param base_url: the simulator's address as the caller used it, for the addresses in callbacks.
    :param callback_lost: whether its callback could not be delivered.
    """

    kind: ClassVar[OrderedKind]
    takes: ClassVar[tuple[float, float]]
    """Shortest and longest simulated seconds from the submission to the end."""

    running: ClassVar[Flag] = "PENDING"
    succeeded: ClassVar[Flag] = "SUCCESS"
    shows_callback_exception: ClassVar[bool] = True

    job_id: str
    request: Mapping[str, Any]
    order: Order
    created_at: float
    visible_at: float
    create_time: float
    base_url: str = ""
    callback_lost: bool = False

    @classmethod
    @abstractmethod
    def price_of(cls, request: Mapping[str, Any]) -> Decimal:
        """Return the credits that a request costs."""

    @abstractmethod
    def record(self, now: float, base_url: str) -> Any:
        """
        Return the ``data`` of its record.

        :param now: simulated time.
        :param base_url: the simulator's address, without a slash at the end.
        """

    @abstractmethod
    def callback_body(self) -> dict[str, Any]:
        """Return the body of its callback."""

    def files(self) -> tuple[str, ...]:
        """Return the names of its files at the media host."""
        return ()

    def content_of(self, file_name: str) -> tuple[bytes, str]:
        """Return the content and the MIME type of one of its files."""
        raise KeyError(file_name)

    @property
    def price(self) -> Decimal:
        """The credits that were charged."""
        return self.price_of(self.request)

    @property
    def ends_after(self) -> float | None:
        """The age at which it ends, in simulated seconds; None if it never does."""
        if self.order.stuck:
            return None
        usual = number_between(*self.takes, self.kind, self.job_id)
        return usual if self.order.seconds is None else self.order.seconds

    @property
    def ends_at(self) -> float | None:
        """Simulated time at which it ends; None if it never does."""
        return None if self.ends_after is None else self.created_at + self.ends_after

    @property
    def completed_at(self) -> float:
        """Time of the end as the record shows it, in epoch seconds."""
        return self.create_time + (self.ends_after or 0)

    @property
    def fails(self) -> bool:
        """Whether it fails in the end."""
        return self.order.fail not in (None, CALLBACK_EXCEPTION)

    @property
    def makes_something(self) -> bool:
        """Whether there is a result in the end."""
        return not self.fails and not self.order.empty and not self.order.stuck

    @property
    def refund_at(self) -> float | None:
        """Simulated time at which the credits are refunded; None if they are not."""
        return self.ends_at if self.order.fail is not None and not self.makes_something else None

    def age(self, now: float) -> float:
        """Return the simulated seconds since the submission, to a millisecond: epoch seconds are no more exact."""
        return round(now - self.created_at, 3)

    def ended(self, now: float) -> bool:
        """Return whether it has ended, well or not."""
        return self.ends_after is not None and self.age(now) >= self.ends_after

    def finished(self, now: float) -> bool:
        """Return whether it has ended well."""
        return self.ended(now) and not self.fails

    def failed(self, now: float) -> bool:
        """Return whether it has failed."""
        return self.ended(now) and self.fails

    def file_age(self, now: float) -> float | None:
        """Return for how many simulated seconds its files have existed. None if they do not."""
        return None if self.ends_at is None or not self.makes_something or not self.ended(now) else now - self.ends_at

    def flag(self, now: float) -> Flag:
        """Return what its record says of its progress."""
        if not self.ended(now):
            return self.running_flag(now)
        if self.order.fail is not None:
            return self.order.fail
        return CALLBACK_EXCEPTION if self.callback_lost and self.shows_callback_exception else self.succeeded

    def running_flag(self, now: float) -> Flag:  # noqa: ARG002
        """Return what its record says while it runs."""
        return self.running

    def error_code(self) -> int | str | None:
        """Return the ``errorCode`` that it shows if it fails."""
        return self.order.code

    def callback_address(self) -> str | None:
        """Return the address for its callback, or None if its request has none."""
        return callback_url(self.request)

    def callbacks(self) -> list[Callback]:
        """Return its callbacks: one at its end, or none if it has no end or no address."""
        url = self.callback_address()
        if url is None or self.ends_at is None:
            return []
        due_at = None if self.order.fail == CALLBACK_EXCEPTION else self.ends_at
        stage: CallbackStage = "error" if self.fails else "complete"
        return [Callback(self.kind, self.job_id, stage, url, due_at, self.callback_body)]

    def with_callback_exception(self) -> Self:
        """Return the job after its callback could not be delivered."""
        return replace(self, callback_lost=True)
