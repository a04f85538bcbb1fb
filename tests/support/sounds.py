"""Sound files to upload."""

from __future__ import annotations

import wave
from pathlib import Path

_RATE = 8000


def write_wav(path: Path, seconds: float) -> Path:
    """Write a silent WAV file, 8-bit mono at 8 kHz: 8,000 bytes per second."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(_RATE)
        second = b"\x80" * _RATE
        for _ in range(int(seconds)):
            file.writeframes(second)
    return path
