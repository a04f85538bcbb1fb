"""Write a picture as a PNG file."""

from __future__ import annotations

import struct
import zlib
from functools import lru_cache

from airflow_provider_suno.simulator.jobs.picture import SIDE, pixels_of

_EIGHT_BITS_RGB = (8, 2, 0, 0, 0)
_NO_FILTER = b"\0"


@lru_cache(maxsize=64)
def png_of(name: str) -> bytes:
    """
    Return a picture as a PNG file.

    :param name: what the picture follows from.
    """
    rows = b"".join(_NO_FILTER + row for row in pixels_of(name))
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", struct.pack(">IIBBBBB", SIDE, SIDE, *_EIGHT_BITS_RGB))
        + _chunk(b"IDAT", zlib.compress(rows, 9))
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
