"""Which bytes a request asks for (RFC 9110, section 14)."""

from __future__ import annotations

import re

_ONE_RANGE = re.compile(r"\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*", re.IGNORECASE)
_MOST_DIGITS = 18


class UnsatisfiableRangeError(Exception):
    """The range begins after the end of the file."""


def read_range(header: str | None, size: int) -> tuple[int, int] | None:
    """
    Return the first byte and the one after the last that a ``Range`` header asks for; ``None`` for the whole file.

    Several ranges and invalid headers count as no header, as the standard allows.

    :param size: that of the file in bytes.
    :raises UnsatisfiableRangeError: when no byte of the file is in the range.
    """
    found = _ONE_RANGE.fullmatch(header or "")
    if not found or not any(found.groups()) or any(len(number) > _MOST_DIGITS for number in found.groups()):
        return None
    first, last = found.groups()
    if not first:
        start, end = max(size - int(last), 0), size
    elif last and int(last) < int(first):
        return None
    else:
        start, end = int(first), min(int(last) + 1, size) if last else size
    if start >= end:
        raise UnsatisfiableRangeError
    return start, end
