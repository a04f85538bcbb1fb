"""
Build the MP3 file of a melody from prepared notes, so that no encoder is needed.

``notes.mp3`` holds one note for each pitch that a melody can have, with a fixed number of MP3 frames per note. The
file of a track is a sequence of these frames. ``make_notes.py`` made the notes.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from airflow_provider_suno.simulator.jobs.melody import PITCHES, Melody
from airflow_provider_suno.simulator.jobs.tone import SAMPLE_RATE

NOTES_FILE = Path(__file__).with_name("notes.mp3")
SAMPLES_PER_FRAME = 1152
KBITS = 32
FRAME_SIZE = 96
"""Bytes of a frame: 24 ms at ``KBITS`` kilobits per second."""

FRAMES_PER_NOTE = 30
_HEADER_SIZE = 4
_FRAMES_PER_SECOND = SAMPLE_RATE / SAMPLES_PER_FRAME


@lru_cache(maxsize=16)
def mp3_of(melody: Melody) -> bytes:
    """
    Return a melody as an MP3 file: MPEG-1 Layer III, one channel, 48 kHz, a constant 32 kbit/s.

    It is as long as the melody, rounded to whole frames.
    """
    parts = []
    start, elapsed = 0, 0
    for note in melody.notes:
        elapsed += note.hundredths
        end = max(round(elapsed / 100 * _FRAMES_PER_SECOND), start)
        parts.append(_note_frames(note.pitch, end - start))
        start = end
    # A file has at least one frame, even if the melody is empty.
    return b"".join(parts) or _note_frames(PITCHES[0], 1)


def _note_frames(pitch: int | None, frames: int) -> bytes:
    if pitch is None:
        return _silence() * frames
    note = _notes()[pitch]
    # The last frame of a note is silent: repeat it where a longer note is needed.
    return note[: frames * FRAME_SIZE] + note[-FRAME_SIZE:] * (frames - FRAMES_PER_NOTE)


def _silence() -> bytes:
    """Return a frame that sounds like nothing: the header of a note's frame, and zeros."""
    return next(iter(_notes().values()))[:_HEADER_SIZE].ljust(FRAME_SIZE, b"\0")


@lru_cache(maxsize=1)
def _notes() -> dict[int, bytes]:
    content = NOTES_FILE.read_bytes()
    size = FRAME_SIZE * FRAMES_PER_NOTE
    return {pitch: content[n * size : (n + 1) * size] for n, pitch in enumerate(PITCHES)}
