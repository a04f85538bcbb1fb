"""The tracks' cover pictures: small PNGs, a few discs whose colours and places follow from the track's id."""

from __future__ import annotations

import colorsys
import hashlib
import struct
import zlib
from functools import lru_cache

SIDE = 96
"""Pixels along each side."""

_DISCS = 5


@lru_cache(maxsize=64)
def png_of(audio_id: str) -> bytes:
    """
    Return a track's picture as a PNG file.

    :param audio_id: the track's id.
    """
    chance = hashlib.sha256(audio_id.encode()).digest()
    discs = [(chance[n] * SIDE // 256, chance[n + 1] * SIDE // 256, 8 + chance[n + 2] // 12) for n in range(0, 15, 3)]
    rows = (bytes((0, *(_colour_at(x, y, discs) for x in range(SIDE)))) for y in range(SIDE))
    palette = b"".join(_rgb(chance[16 + n] / 256, 0.3 if n == 0 else 0.8) for n in range(_DISCS + 1))
    head = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 3, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", head)
        + _chunk(b"PLTE", palette)
        + _chunk(b"IDAT", zlib.compress(b"".join(rows)))
        + _chunk(b"IEND", b"")
    )


def _colour_at(x: int, y: int, discs: list[tuple[int, int, int]]) -> int:
    """Return the number of the topmost disc at a place, from 1; 0 where there is none."""
    return max(
        (number for number, (left, top, radius) in enumerate(discs, 1) if (x - left) ** 2 + (y - top) ** 2 < radius**2),
        default=0,
    )


def _rgb(hue: float, lightness: float) -> bytes:
    return bytes(round(255 * part) for part in colorsys.hls_to_rgb(hue, lightness * 0.7, 0.6))


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
