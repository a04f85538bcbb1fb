"""Deterministic values, derived from names: different for every job, and always the same for one job."""

from __future__ import annotations

import hashlib
import uuid

_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"


def number_between(low: float, high: float, *names: str) -> float:
    """
    Return a number between two others, to a hundredth.

    :param low: the lowest number.
    :param high: the highest number.
    :param names: what the number is derived from.
    """
    return round(low + (high - low) * int.from_bytes(_digest(*names)[:4], "big") / 2**32, 2)


def hex_name(*names: str) -> str:
    """
    Return 32 hex digits, such as the name of a picture.

    :param names: what they are derived from.
    """
    return _digest(*names).hex()[:32]


def uuid_from(*names: str) -> str:
    """
    Return a UUID.

    :param names: what it is derived from.
    """
    return str(uuid.UUID(bytes=_digest(*names)[:16], version=4))


def dated_name(created_at: float, *names: str) -> str:
    """
    Return the name of a sound file, without its extension: milliseconds since 1970, and 11 digits of base 36.

    :param created_at: when the file was made, in epoch seconds.
    :param names: what the digits are derived from.
    """
    number, digits = int.from_bytes(_digest(*names), "big"), ""
    for _ in range(11):
        number, digit = divmod(number, len(_BASE36))
        digits += _BASE36[digit]
    return f"{int(created_at * 1000)}-{digits}"


def _digest(*names: str) -> bytes:
    return hashlib.sha256("/".join(names).encode()).digest()
