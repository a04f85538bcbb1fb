"""The tracks' sound: a short melody that follows from the track's id, as a WAV file."""

from __future__ import annotations

import hashlib
import io
import math
import sys
import wave
from array import array
from dataclasses import dataclass
from functools import lru_cache

SAMPLE_RATE = 8000
_FRAMES_PER_HUNDREDTH = SAMPLE_RATE // 100
_SCALE = (0, 2, 4, 7, 9, 12, 14, 16)
_SHORTEST, _LONGEST = 600, 1200
_TABLE_SIZE = 1024
_LOUDNESS = 9000


@dataclass(frozen=True)
class Note:
    """
    One tone.

    :param pitch: MIDI note number.
    :param hundredths: length in hundredths of a second.
    """

    pitch: int
    hundredths: int


@dataclass(frozen=True)
class Melody:
    """The notes of a track, one after the other."""

    notes: tuple[Note, ...]

    @property
    def duration(self) -> float:
        """Length in seconds, exact to the hundredth."""
        return sum(note.hundredths for note in self.notes) / 100

    def until(self, seconds: float) -> Melody:
        """
        Return the melody up to a second.

        :param seconds: where to stop; to the hundredth.
        """
        left = round(seconds * 100)
        notes: list[Note] = []
        for note in self.notes:
            if left <= 0:
                break
            notes.append(Note(note.pitch, min(note.hundredths, left)))
            left -= note.hundredths
        return Melody(tuple(notes))

    def then(self, other: Melody) -> Melody:
        """
        Return this melody followed by another.

        :param other: the other.
        """
        return Melody(self.notes + other.notes)


def melody_of(audio_id: str) -> Melody:
    """
    Return a track's melody of 6 to 12 seconds.

    :param audio_id: the track's id.
    """
    chance = hashlib.shake_256(audio_id.encode()).digest(80)
    root = 55 + chance[0] % 12
    beat = 20 + chance[1] % 16
    left = _SHORTEST + int.from_bytes(chance[2:4], "big") % (_LONGEST - _SHORTEST)
    notes: list[Note] = []
    for byte in chance[4:]:
        length = min(beat * (1 + byte % 2), left)
        notes.append(Note(root + _SCALE[byte // 2 % len(_SCALE)], length))
        left -= length
        if not left:
            break
    return Melody(tuple(notes))


def melody_lasting(name: str, seconds: float) -> Melody:
    """
    Return the melody of a name, over and over until it is as long as asked for.

    :param name: what the melody follows from.
    :param seconds: the length, to the hundredth.
    """
    once = melody_of(name)
    return Melody(once.notes * (int(seconds / once.duration) + 1)).until(seconds)


@lru_cache(maxsize=16)
def wav_of(melody: Melody) -> bytes:
    """
    Return a melody as a WAV file: one channel of 16 bits.

    :param melody: the melody.
    """
    frames = array("h")
    for note in melody.notes:
        frames.extend(_tone(note))
    if sys.byteorder == "big":
        frames.byteswap()
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(SAMPLE_RATE)
        sound.writeframes(frames.tobytes())
    return file.getvalue()


@lru_cache(maxsize=256)
def _tone(note: Note) -> array[int]:
    frequency = 440 * 2 ** ((note.pitch - 69) / 12)
    step = frequency * _TABLE_SIZE / SAMPLE_RATE
    frames = note.hundredths * _FRAMES_PER_HUNDREDTH
    table = _wave_table()
    # The linear fall of each note to silence is what keeps the joints from clicking.
    return array("h", [int(table[int(n * step) % _TABLE_SIZE] * (1 - n / frames)) for n in range(frames)])


@lru_cache(maxsize=1)
def _wave_table() -> tuple[float, ...]:
    turns = [2 * math.pi * n / _TABLE_SIZE for n in range(_TABLE_SIZE)]
    return tuple(_LOUDNESS * (math.sin(turn) + 0.4 * math.sin(2 * turn) + 0.2 * math.sin(3 * turn)) for turn in turns)
