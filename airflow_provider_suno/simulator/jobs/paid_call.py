"""A call that is paid and answered at once: it starts no job, but it is charged like one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any


@dataclass(frozen=True)
class PaidCall:
    """
    A charge without a job.

    :param kind: what was asked for, as the ledger shows it.
    :param job_id: the id in the answer or, if it has none, the job that the call names.
    :param request: the submitted fields.
    :param price: credits charged.
    """

    kind: str
    job_id: str
    request: Mapping[str, Any]
    price: Decimal

    @property
    def refund_at(self) -> None:
        """Nothing is refunded: a call that fails is not charged."""
