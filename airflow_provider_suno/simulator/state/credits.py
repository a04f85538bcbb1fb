"""Credits: prices, and how an amount is shown."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from airflow_provider_suno.simulator.state.endpoints import CONVERSION_KINDS, Endpoint

DEFAULT_CREDITS = Decimal("500.25")
MUSIC_PRICE = Decimal(12)
"""Credits for one music task. A persona is free."""


def price_of(endpoint: Endpoint, request: Mapping[str, Any]) -> Decimal:
    """
    Return the credits that a submission costs.

    :param endpoint: the call: a submission of any kind.
    :param request: its fields.
    """
    kind = CONVERSION_KINDS.get(endpoint)
    return MUSIC_PRICE if kind is None else kind.price_of(request)


def plain_number(amount: Decimal) -> int | float:
    """
    Return an amount of credits as JSON shows it: whole amounts without a decimal point.

    :param amount: the credits.
    """
    return int(amount) if amount == amount.to_integral_value() else float(amount)
