"""
The tracks' cover pictures: small JPEGs, a mosaic of a few discs whose colours and places follow from the track's id.

Each square of 8 by 8 pixels has a single colour, so that a square is one number per colour channel and its encoding
takes no transform: a difference to the square before, and the mark that nothing else follows.
"""

from __future__ import annotations

import colorsys
import hashlib
import struct
from collections.abc import Iterator
from functools import lru_cache

SQUARES = 24
"""Squares along each side."""

_SIDE = SQUARES * 8
_DISCS = 5
_Colour = tuple[int, int, int]

# Every category of differences has a code of four bits, which is its own number; the end of a square has one bit, 0.
_CATEGORIES = range(12)
_DIFFERENCES = bytes((0, 0, 0, len(_CATEGORIES), *[0] * 12, *_CATEGORIES))
_END_OF_SQUARE = "0"
_NOTHING_ELSE = bytes((1, *[0] * 15, 0))
_COMPONENTS = (1, 2, 3)


@lru_cache(maxsize=64)
def jpeg_of(audio_id: str) -> bytes:
    """
    Return a track's picture as a baseline JPEG file.

    :param audio_id: the track's id.
    """
    head = struct.pack(">BHHB", 8, _SIDE, _SIDE, len(_COMPONENTS))
    components = b"".join(bytes((number, 0x11, 0)) for number in _COMPONENTS)
    scanned = b"".join(bytes((number, 0x00)) for number in _COMPONENTS)
    return (
        b"\xff\xd8"
        + _segment(0xE0, b"JFIF\0" + struct.pack(">BBBHHBB", 1, 1, 0, 1, 1, 0, 0))
        + _segment(0xDB, bytes((0, *[8] * 64)))
        + _segment(0xC0, head + components)
        + _segment(0xC4, b"\x00" + _DIFFERENCES)
        + _segment(0xC4, b"\x10" + _NOTHING_ELSE)
        + _segment(0xDA, bytes((len(_COMPONENTS),)) + scanned + bytes((0, 63, 0)))
        + _packed("".join(_bits(_mosaic(audio_id))))
        + b"\xff\xd9"
    )


def _mosaic(audio_id: str) -> Iterator[_Colour]:
    """Yield the colour of each square, row by row."""
    chance = hashlib.sha256(audio_id.encode()).digest()
    discs = [
        (chance[n] * SQUARES // 256, chance[n + 1] * SQUARES // 256, 2 + chance[n + 2] // 42) for n in range(0, 15, 3)
    ]
    palette = [_colour(chance[16 + n] / 256, 0.3 if n == 0 else 0.8) for n in range(_DISCS + 1)]
    for y in range(SQUARES):
        for x in range(SQUARES):
            yield palette[_disc_at(x, y, discs)]


def _disc_at(x: int, y: int, discs: list[tuple[int, int, int]]) -> int:
    """Return the number of the topmost disc at a place, from 1; 0 where there is none."""
    return max(
        (number for number, (left, top, radius) in enumerate(discs, 1) if (x - left) ** 2 + (y - top) ** 2 < radius**2),
        default=0,
    )


def _colour(hue: float, lightness: float) -> _Colour:
    """Return brightness and the two colour differences, each from -128 to 127."""
    red, green, blue = (255 * part for part in colorsys.hls_to_rgb(hue, lightness * 0.7, 0.6))
    brightness = 0.299 * red + 0.587 * green + 0.114 * blue
    return round(brightness - 128), round((blue - brightness) * 0.564), round((red - brightness) * 0.713)


def _bits(colours: Iterator[_Colour]) -> Iterator[str]:
    """Yield the squares as texts of 0 and 1: each channel as the difference to the square before."""
    before: _Colour = (0, 0, 0)
    for colour in colours:
        for value, last in zip(colour, before, strict=True):
            yield _difference(value - last) + _END_OF_SQUARE
        before = colour


def _difference(value: int) -> str:
    category = abs(value).bit_length()
    code = f"{category:04b}"
    if not category:
        return code
    return code + f"{value if value > 0 else value + 2**category - 1:0{category}b}"


def _packed(bits: str) -> bytes:
    """Return bits as bytes, filled up with ones; a byte of ones only must not look like a marker."""
    bits += "1" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\x00")


def _segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content
