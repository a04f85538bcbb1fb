"""
Make ``notes.mp3``, the notes that the MP3 files of the tracks are built from.

Run it as ``python -m airflow_provider_suno.simulator.jobs.make_notes``.

Each note is synthesised here and encoded by itself with the ``lame`` command, which only this script needs. The
encoder's settings make frames that can be joined in any order: a constant bit rate, so that all frames have one
size, and no bit reservoir, so that no frame holds data of another. Each note begins with
silence, so that joints are not heard.
"""

from __future__ import annotations

import math
import subprocess
import sys
from array import array

from airflow_provider_suno.simulator.jobs.melody import PITCHES
from airflow_provider_suno.simulator.jobs.mp3 import (
    FRAME_SIZE,
    FRAMES_PER_NOTE,
    NOTES_FILE,
    SAMPLE_RATE,
    SAMPLES_PER_FRAME,
)

_LOUDNESS = 9000
_LEAD = 600
_ATTACK = 0.004
_DECAY = 0.22
_OVERTONES = ((1, 1.0), (2, 0.4), (3, 0.2))
_ENCODE = (
    "lame --quiet -r --signed --bitwidth 16 --little-endian -s 48 --resample 48 -m m -b 32 --cbr --nores -t -q 2 - -"
)


def main() -> None:
    """Write the file."""
    notes = [_encoded(_tone(pitch)) for pitch in PITCHES]
    NOTES_FILE.write_bytes(b"".join(notes))
    print(f"{NOTES_FILE}: {NOTES_FILE.stat().st_size} bytes")


def _tone(pitch: int) -> bytes:
    """Return the samples of a plucked note, as long as its frames are, in 16 bits."""
    frequency = 440 * 2 ** ((pitch - 69) / 12)
    samples = array("h", [0] * _LEAD)
    length = SAMPLES_PER_FRAME * (FRAMES_PER_NOTE - 1)
    for n in range(length):
        second = n / SAMPLE_RATE
        loudness = _LOUDNESS * min(second / _ATTACK, 1) * math.exp(-second / _DECAY) * (1 - n / length)
        sound = sum(part * math.sin(2 * math.pi * frequency * step * second) for step, part in _OVERTONES)
        samples.append(round(loudness * sound))
    if sys.byteorder == "big":
        samples.byteswap()
    return samples.tobytes()


def _encoded(samples: bytes) -> bytes:
    silence = bytes(2 * SAMPLES_PER_FRAME)
    stream = subprocess.run(_ENCODE.split(), input=samples + silence, capture_output=True, check=True).stdout
    # The first frame holds only the encoder's delay.
    return stream[FRAME_SIZE : FRAME_SIZE * (FRAMES_PER_NOTE + 1)]


if __name__ == "__main__":
    main()
