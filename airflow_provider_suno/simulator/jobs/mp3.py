"""
The tracks as MP3 files, put together from recorded notes.

``notes.mp3`` holds one note for each of the pitches a melody can have, a fixed number of frames each. A track's file is
a row of such frames. That needs no encoder, and each track has a file of its own. ``make_notes.py`` tells how the
notes were made.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from airflow_provider_suno.simulator.jobs.melody import PITCHES, Melody

NOTES_FILE = Path(__file__).with_name("notes.mp3")
SAMPLE_RATE = 48_000
SAMPLES_PER_FRAME = 1152
FRAME_SIZE = 96
"""Bytes of a frame: 24 ms at 32 kbit/s."""

FRAMES_PER_NOTE = 30
_FRAMES_PER_SECOND = SAMPLE_RATE / SAMPLES_PER_FRAME


@lru_cache(maxsize=16)
def mp3_of(melody: Melody) -> bytes:
    """
    Return a melody as an MP3 file: MPEG-1 Layer III, one channel, 48 kHz, a constant 32 kbit/s.

    It lasts as long as the melody does, to the nearest frame.

    :param melody: the melody.
    """
    parts = []
    begun, elapsed = 0, 0
    for note in melody.notes:
        elapsed += note.hundredths
        ends = max(round(elapsed / 100 * _FRAMES_PER_SECOND), begun)
        parts.append(_note(note.pitch, ends - begun))
        begun = ends
    # No file is empty, however short the melody.
    return b"".join(parts) or _note(PITCHES[0], 1)


def _note(pitch: int, frames: int) -> bytes:
    recorded = _recorded()[pitch]
    # A note has died away by its last frame, so that any silence after it is more of the same.
    return recorded[: frames * FRAME_SIZE] + recorded[-FRAME_SIZE:] * (frames - FRAMES_PER_NOTE)


@lru_cache(maxsize=1)
def _recorded() -> dict[int, bytes]:
    content = NOTES_FILE.read_bytes()
    size = FRAME_SIZE * FRAMES_PER_NOTE
    return {pitch: content[n * size : (n + 1) * size] for n, pitch in enumerate(PITCHES)}
