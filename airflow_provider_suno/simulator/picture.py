"""The tracks' cover pictures: a few circles whose colours and places follow from the track's id."""

from __future__ import annotations

import hashlib


def svg_of(audio_id: str) -> str:
    """
    Return a track's picture as SVG.

    :param audio_id: the track's id.
    """
    chance = hashlib.sha256(audio_id.encode()).digest()
    circles = "".join(_circle(chance[n], chance[n + 1], chance[n + 2], chance[n + 3]) for n in range(4, 24, 4))
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 256 256" width="256" height="256">'
        f'<rect width="256" height="256" fill="hsl({_hue(chance[0])},45%,22%)"/>{circles}</svg>'
    )


def _circle(x: int, y: int, size: int, colour: int) -> str:
    return f'<circle cx="{x}" cy="{y}" r="{20 + size // 4}" fill="hsl({_hue(colour)},70%,60%)" opacity="0.6"/>'


def _hue(byte: int) -> int:
    return byte * 360 // 256
