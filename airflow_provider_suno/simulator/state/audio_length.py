"""The length of an uploaded audio file. Only WAV and MP3 files are supported; MP3 frames are counted."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import IO

_SHORTEST_AUDIO = 0.01
_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
"""Samples per second, by the version bits of a frame header: MPEG-1, MPEG-2 and MPEG-2.5."""

_KBITS = {
    1: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_LAYER_3 = 1


def audio_seconds(location: Path) -> float | None:
    """
    Return the length of an audio file in seconds, or None if it cannot be read.

    :param location: the file on disk.
    """
    seconds = _wav_seconds(location) or _mp3_seconds(location)
    return seconds if seconds >= _SHORTEST_AUDIO else None


def _wav_seconds(location: Path) -> float:
    try:
        with wave.open(str(location), "rb") as sound:
            return sound.getnframes() / sound.getframerate()
    except (wave.Error, EOFError, ZeroDivisionError):
        return 0


def _mp3_seconds(location: Path) -> float:
    seconds = 0.0
    with location.open("rb") as file:
        file.seek(_tag_size(file))
        while (frame := _frame(file.read(4))) is not None:
            size, lasts = frame
            seconds += lasts
            file.seek(size - 4, 1)
    return seconds


def _tag_size(file: IO[bytes]) -> int:
    """Return the size of the ID3 tag before the first frame, in bytes."""
    head = file.read(10)
    if len(head) < 10 or not head.startswith(b"ID3"):
        return 0
    return 10 + sum((byte & 0x7F) << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True))


def _frame(header: bytes) -> tuple[int, float] | None:
    """Return size and length in seconds of a Layer III frame, or None if this is not such a header."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return None
    version, layer = header[1] >> 3 & 3, header[1] >> 1 & 3
    rate_index, rate_of_bits = header[2] >> 2 & 3, header[2] >> 4
    if version not in _RATES or layer != _LAYER_3 or rate_index == 3 or not 0 < rate_of_bits < 15:
        return None
    rate = _RATES[version][rate_index]
    generation = 1 if version == 3 else 2
    samples = 1152 // generation
    kbits = _KBITS[generation][rate_of_bits - 1]
    return samples // 8 * kbits * 1000 // rate + (header[2] >> 1 & 1), samples / rate
