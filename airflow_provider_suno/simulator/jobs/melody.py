"""The melody of a track. It is short and follows from the track's id."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

PITCHES = (55, 57, 60, 62, 64, 67, 69, 72, 74, 76, 79, 81)
"""MIDI note numbers that melodies are made of: a pentatonic scale, so that any two notes sound well together."""

_RANGE = 8
_SHORTEST, _LONGEST = 600, 1200
_SHORTEST_NOTE = 8


@dataclass(frozen=True)
class Note:
    """
    One note.

    :param pitch: MIDI note number; None for silence.
    :param hundredths: length in hundredths of a second.
    """

    pitch: int | None
    hundredths: int


@dataclass(frozen=True)
class Melody:
    """The notes of a track, in order."""

    notes: tuple[Note, ...]

    @property
    def duration(self) -> float:
        """Length in seconds, exact to a hundredth."""
        return sum(note.hundredths for note in self.notes) / 100

    def cut_to(self, seconds: float) -> Melody:
        """
        Return the beginning of the melody.

        :param seconds: length of the beginning, to a hundredth.
        """
        left = round(seconds * 100)
        notes: list[Note] = []
        for note in self.notes:
            if left <= 0:
                break
            notes.append(Note(note.pitch, min(note.hundredths, left)))
            left -= note.hundredths
        return Melody(tuple(notes))

    def part(self, number: int, parts: int) -> Melody:
        """
        Return one of several parts that sound together like the whole: each note is in one of them, by turns.

        :param number: number of the part, from 0.
        :param parts: how many there are.
        """
        return Melody(
            tuple(note if n % parts == number else Note(None, note.hundredths) for n, note in enumerate(self.notes))
        )

    def after(self, seconds: float) -> Melody:
        """
        Return the rest of the melody.

        :param seconds: where the rest begins, to a hundredth.
        """
        skipped = round(seconds * 100)
        notes: list[Note] = []
        for note in self.notes:
            left = min(note.hundredths, note.hundredths - skipped)
            if left > 0:
                notes.append(Note(note.pitch, left))
            skipped = max(skipped - note.hundredths, 0)
        return Melody(tuple(notes))

    def followed_by(self, other: Melody) -> Melody:
        """Return this melody followed by another."""
        return Melody(self.notes + other.notes)


def melody_of(audio_id: str) -> Melody:
    """Return a track's melody. It is 6 to 12 seconds long."""
    digest = hashlib.shake_256(audio_id.encode()).digest(80)
    lowest = digest[0] % (len(PITCHES) - _RANGE + 1)
    beat = 20 + digest[1] % 16
    left = _SHORTEST + int.from_bytes(digest[2:4], "big") % (_LONGEST - _SHORTEST)
    notes: list[Note] = []
    for byte in digest[4:]:
        length = beat * (1 + byte % 2)
        # A rest that is too short to be heard as a note lengthens the last one.
        length = left if left - length < _SHORTEST_NOTE else length
        notes.append(Note(PITCHES[lowest + byte // 2 % _RANGE], length))
        left -= length
        if not left:
            break
    return Melody(tuple(notes))


def melody_of_length(name: str, seconds: float) -> Melody:
    """
    Return a melody of a given length: that of a name, repeated as often as needed.

    :param name: the name that the melody follows from.
    :param seconds: length in seconds, to a hundredth.
    """
    once = melody_of(name)
    return Melody(once.notes * (int(seconds / once.duration) + 1)).cut_to(seconds)
