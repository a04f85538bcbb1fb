"""Credits: prices, and how an amount is shown."""

from __future__ import annotations

from decimal import Decimal

DEFAULT_CREDITS = Decimal("500.25")
MUSIC_PRICE = Decimal(12)
"""Credits for one music task. A persona is free."""


def plain_number(amount: Decimal) -> int | float:
    """
    Return an amount of credits as JSON shows it: whole amounts without a decimal point.

    :param amount: the credits.
    """
    return int(amount) if amount == amount.to_integral_value() else float(amount)
