"""
The cover picture of a track: a small JPEG of a few discs whose colours and places follow from the track's id.

Each block of 8 by 8 pixels has one colour. Such a block is one number per colour channel, so that the encoder needs no
transform: it writes the difference to the block before, then an end-of-block mark.
"""

from __future__ import annotations

import colorsys
import hashlib
import struct
from collections.abc import Iterator
from functools import lru_cache

_BLOCK = 8
BLOCKS = 24
"""Blocks of pixels along each side."""

SIDE = BLOCKS * _BLOCK
"""Width and height of a picture, in pixels."""

_DISCS = 5
_Colour = tuple[int, int, int]

# Huffman tables: the code of a category of differences is its number in four bits; the end of a block is one bit, 0.
_CATEGORIES = range(12)
_DIFFERENCE_TABLE = bytes((0, 0, 0, len(_CATEGORIES), *[0] * 12, *_CATEGORIES))
_END_OF_BLOCK = "0"
_END_TABLE = bytes((1, *[0] * 15, 0))
_COMPONENTS = (1, 2, 3)


@lru_cache(maxsize=64)
def jpeg_of(audio_id: str) -> bytes:
    """Return a track's picture as a baseline JPEG file."""
    head = struct.pack(">BHHB", 8, SIDE, SIDE, len(_COMPONENTS))
    components = b"".join(bytes((number, 0x11, 0)) for number in _COMPONENTS)
    scanned = b"".join(bytes((number, 0x00)) for number in _COMPONENTS)
    return (
        b"\xff\xd8"
        + _segment(0xE0, b"JFIF\0" + struct.pack(">BBBHHBB", 1, 1, 0, 1, 1, 0, 0))
        + _segment(0xDB, bytes((0, *[8] * 64)))
        + _segment(0xC0, head + components)
        + _segment(0xC4, b"\x00" + _DIFFERENCE_TABLE)
        + _segment(0xC4, b"\x10" + _END_TABLE)
        + _segment(0xDA, bytes((len(_COMPONENTS),)) + scanned + bytes((0, 63, 0)))
        + _packed("".join(_bits(_mosaic(audio_id))))
        + b"\xff\xd9"
    )


def pixels_of(name: str) -> Iterator[bytes]:
    """
    Yield the rows of a picture, from top to bottom: three bytes for each pixel, red, green and blue.

    :param name: what the picture follows from.
    """
    colours = list(_mosaic(name))
    for y in range(BLOCKS):
        row = b"".join(_rgb(colour) * _BLOCK for colour in colours[y * BLOCKS : (y + 1) * BLOCKS])
        for _ in range(_BLOCK):
            yield row


def _rgb(colour: _Colour) -> bytes:
    brightness, blueness, redness = colour
    red, blue = brightness + 128 + redness / 0.713, brightness + 128 + blueness / 0.564
    green = (brightness + 128 - 0.299 * red - 0.114 * blue) / 0.587
    return bytes(min(max(round(part), 0), 255) for part in (red, green, blue))


def _mosaic(audio_id: str) -> Iterator[_Colour]:
    """Yield the colour of each block, row by row."""
    digest = hashlib.sha256(audio_id.encode()).digest()
    discs = [
        (digest[n] * BLOCKS // 256, digest[n + 1] * BLOCKS // 256, 2 + digest[n + 2] // 42) for n in range(0, 15, 3)
    ]
    palette = [_colour(digest[16 + n] / 256, 0.3 if n == 0 else 0.8) for n in range(_DISCS + 1)]
    for y in range(BLOCKS):
        for x in range(BLOCKS):
            yield palette[_disc_at(x, y, discs)]


def _disc_at(x: int, y: int, discs: list[tuple[int, int, int]]) -> int:
    """Return the number of the topmost disc at a place, from 1; 0 if there is none."""
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
    """Yield the blocks as texts of 0 and 1: each channel as the difference to the block before."""
    before: _Colour = (0, 0, 0)
    for colour in colours:
        for value, last in zip(colour, before, strict=True):
            yield _difference(value - last) + _END_OF_BLOCK
        before = colour


def _difference(value: int) -> str:
    category = abs(value).bit_length()
    code = f"{category:04b}"
    if not category:
        return code
    return code + f"{value if value > 0 else value + 2**category - 1:0{category}b}"


def _packed(bits: str) -> bytes:
    """Return bits as bytes, padded with ones. A byte 0xFF is followed by 0x00, so that it is no JPEG marker."""
    bits += "1" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\x00")


def _segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content
