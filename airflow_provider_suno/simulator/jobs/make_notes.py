"""
Make ``notes.mp3``, the notes that the MP3 files of the tracks are built from.

Run it as ``python -m airflow_provider_suno.simulator.jobs.make_notes``.

Each note is synthesised here and encoded by itself with the ``lame`` command, which only this script needs. The
encoder's settings make frames that can be joined in any order: a constant bit rate, so that all frames have one
size, and no bit reservoir, so that no frame holds data of another. Each note begins with
silence, so that the joints cannot be heard.
"""

from __future__ import annotations

import subprocess

from airflow_provider_suno.simulator.jobs.melody import PITCHES
from airflow_provider_suno.simulator.jobs.mp3 import (
    FRAME_SIZE,
    FRAMES_PER_NOTE,
    NOTES_FILE,
    SAMPLES_PER_FRAME,
)
from airflow_provider_suno.simulator.jobs.tone import tone

_LEAD = bytes(2 * 600)
"""The silence before each note."""

_ENCODE = (
    "lame --quiet -r --signed --bitwidth 16 --little-endian -s 48 --resample 48 -m m -b 32 --cbr --nores -t -q 2 - -"
)


def main() -> None:
    """Write the file."""
    notes = [_encoded(_LEAD + tone(pitch)) for pitch in PITCHES]
    NOTES_FILE.write_bytes(b"".join(notes))
    print(f"{NOTES_FILE}: {NOTES_FILE.stat().st_size} bytes")


def _encoded(samples: bytes) -> bytes:
    silence = bytes(2 * SAMPLES_PER_FRAME)
    stream = subprocess.run(_ENCODE.split(), input=samples + silence, capture_output=True, check=True).stdout
    # The first frame holds only the encoder's delay.
    return stream[FRAME_SIZE : FRAME_SIZE * (FRAMES_PER_NOTE + 1)]


if __name__ == "__main__":
    main()
