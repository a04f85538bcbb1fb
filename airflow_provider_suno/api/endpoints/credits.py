"""The account's balance (docs.apikley.ru, "get-remaining-credits"); free."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from airflow_provider_suno.api.text import excerpt
from airflow_provider_suno.exceptions import SunoProtocolError

_LARGEST_BALANCE = 10**15


def read_credits(data: Any) -> Decimal:
    """Return the balance; raise a :class:`SunoProtocolError` when it is not a number."""
    if isinstance(data, bool) or not isinstance(data, (int, float)) or not abs(data) < _LARGEST_BALANCE:
        raise SunoProtocolError(f"The balance is not a number: {excerpt(data)}. Check the base URL and the profile.")
    return Decimal(str(data))
