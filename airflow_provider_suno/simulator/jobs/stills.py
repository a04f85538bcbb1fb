"""
The prepared still pictures that videos show, so that no encoder is needed.

``stills.h264`` holds them as H.264: the parameters that all of them share, and two frames for each picture. The frames
differ in their number only, since two that follow each other must. ``make_stills.py`` made the file.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

STILLS_FILE = Path(__file__).with_name("stills.h264")
START = b"\0\0\0\1"
"""What each unit of the file begins with."""

SIDE = 192
"""Width and height of a still, in pixels."""

_SEQUENCE_PARAMETERS, _PICTURE_PARAMETERS, _FRAME = 7, 8, 5


@dataclass(frozen=True)
class Still:
    """
    One picture.

    :param sequence_parameters: H.264's parameters of the whole video.
    :param picture_parameters: those of its frames.
    :param frames: the picture twice, as frames that can follow each other.
    """

    sequence_parameters: bytes
    picture_parameters: bytes
    frames: tuple[bytes, bytes]


def still_of(audio_id: str) -> Still:
    """Return the picture that the video of a track shows."""
    stills = _stills()
    return stills[hashlib.sha256(audio_id.encode()).digest()[0] % len(stills)]


@lru_cache(maxsize=1)
def _stills() -> tuple[Still, ...]:
    units = units_of(STILLS_FILE.read_bytes())
    (sequence,) = (unit for unit in units if type_of(unit) == _SEQUENCE_PARAMETERS)
    (picture,) = (unit for unit in units if type_of(unit) == _PICTURE_PARAMETERS)
    frames = [unit for unit in units if type_of(unit) == _FRAME]
    return tuple(Still(sequence, picture, (frames[n], frames[n + 1])) for n in range(0, len(frames), 2))


def units_of(stream: bytes) -> list[bytes]:
    """Return the units of an H.264 stream, without what marks their beginning."""
    return [unit for unit in stream.split(START) if unit]


def type_of(unit: bytes) -> int:
    """Return the type of a unit."""
    return unit[0] & 0x1F
