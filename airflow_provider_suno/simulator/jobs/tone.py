"""The sound of one note, from which the files of the tracks are made."""

from __future__ import annotations

import math
import sys
from array import array
from functools import lru_cache

SAMPLE_RATE = 48_000
"""Samples per second. There is one channel, with 16 bits per sample."""

SAMPLES_PER_NOTE = 33_408
"""A note fades out within this many samples: 29 frames of an MP3 file."""

_LOUDNESS = 9000
_ATTACK = 0.004
_DECAY = 0.22
_OVERTONES = ((1, 1.0), (2, 0.4), (3, 0.2))


@lru_cache(maxsize=32)
def tone(pitch: int) -> bytes:
    """
    Return the samples of a plucked note, as little-endian numbers of 16 bits.

    :param pitch: MIDI note number.
    """
    frequency = 440 * 2 ** ((pitch - 69) / 12)
    samples = array("h")
    for n in range(SAMPLES_PER_NOTE):
        second = n / SAMPLE_RATE
        fade = 1 - n / SAMPLES_PER_NOTE
        loudness = _LOUDNESS * min(second / _ATTACK, 1) * math.exp(-second / _DECAY) * fade
        sound = sum(part * math.sin(2 * math.pi * frequency * step * second) for step, part in _OVERTONES)
        samples.append(round(loudness * sound))
    if sys.byteorder == "big":
        samples.byteswap()
    return samples.tobytes()
