"""Readers of a call's fields. None of them fails, whatever the fields hold."""

from __future__ import annotations

import base64
import binascii
import math
from dataclasses import replace
from decimal import Decimal
from typing import Any

from airflow_provider_suno.simulator.rules.call import Call
from airflow_provider_suno.simulator.state.host_profiles import HostProfile


def is_refused_user_agent(user_agent: str) -> bool:
    """
    Return whether the network edge blocks a User-Agent. It blocks only that of Python's ``urllib``.

    :param user_agent: the header, or an empty text.
    """
    return user_agent.strip().lower().startswith("python-urllib")


def is_missing(call: Call, field: str) -> bool:
    """Return whether a field is absent, null, or blank."""
    value = call.fields.get(field)
    return value is None or (isinstance(value, str) and not value.strip())


def length(call: Call, field: str) -> int:
    """Return the length of a text in characters, with blanks. 0 if the field is no text."""
    value = call.fields.get(field)
    return len(value) if isinstance(value, str) else 0


def number(value: Any) -> Decimal | None:
    """Return a JSON number exactly, or None if the value is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return Decimal(str(value))


def outside(value: Any, lowest: float = -math.inf, highest: float = math.inf) -> bool:
    """
    Return whether a value is a number out of a range.

    :param lowest: the lowest number.
    :param highest: the highest number.
    """
    found = number(value)
    return found is not None and not lowest <= found <= highest


def count(call: Call, field: str) -> int:
    """Return the number of values in a list. 0 if the field is no list."""
    value = call.fields.get(field)
    return len(value) if isinstance(value, list) else 0


def finer_than_hundredths(value: Any) -> bool:
    """Return whether a value is a number with more than two decimals."""
    found = number(value)
    return found is not None and int(found.normalize().as_tuple().exponent) < -2


def decode_base64(text: str) -> tuple[str, bytes]:
    """
    Return the MIME type (empty if not stated) and the bytes of a data URL or of plain base64.

    :param text: the field's text.
    :raises ValueError: if it is neither.
    """
    mime_type = ""
    if text.startswith("data:"):
        head, comma, text = text.removeprefix("data:").partition(",")
        mime_type, base64_marker, _ = head.partition(";base64")
        if not comma or not base64_marker:
            raise ValueError("a data URL must hold base64")
    try:
        return mime_type, base64.b64decode("".join(text.split()), validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error


def without_ignored_fields(call: Call, profile: HostProfile) -> Call:
    """Return a call without the fields that the reseller does not document, and therefore ignores."""
    ignored = profile.ignored.get(call.endpoint)
    if not ignored:
        return call
    return replace(call, fields={name: value for name, value in call.fields.items() if name not in ignored})
