"""When each word of a track is sung, and how loud the track is. Both follow from its lyrics and its melody."""

from __future__ import annotations

import math
import re
from itertools import pairwise
from typing import Any

from airflow_provider_suno.simulator.jobs.derived import number_between
from airflow_provider_suno.simulator.jobs.melody import Melody

_MARK = re.compile(r"\s*\[[^\]\n]*\]\s*")
_SUNG = 0.9
"""The part of a word's time in which it sounds."""

_STEP = 0.1
_DECAY = 0.22


def timestamped_lyrics(lyrics: str, melody: Melody, audio_id: str) -> dict[str, Any]:
    """
    Return the ``data`` of the answer.

    :param lyrics: the track's lyrics; empty if it is instrumental.
    :param melody: its melody.
    :param audio_id: its id.
    """
    words = words_of(lyrics)
    return {
        "alignedWords": [_aligned(word, span) for word, span in zip(words, _spans(words, melody), strict=True)],
        "waveformData": _waveform(melody) if words else [],
        "hootCer": number_between(0.05, 0.45, "hootCer", audio_id) if words else None,
        "isStreamed": False,
    }


def words_of(lyrics: str) -> list[str]:
    """
    Return the words of lyrics, in order.

    As those of the service, the last word of a line ends with a line break, and the first word after a mark such as
    ``[Verse]`` begins with the mark and a line break.
    """
    words: list[str] = []
    marks = ""
    for line in re.sub(r"\[[^\]\n]*\]", lambda mark: f"\n{mark[0]}\n", lyrics).splitlines():
        if _MARK.fullmatch(line):
            marks += f"{line.strip()}\n"
            continue
        first, *others = line.split() or [""]
        if first:
            sung = [marks + first, *others]
            words += [*sung[:-1], f"{sung[-1]}\n"]
            marks = ""
    return words


def _spans(words: list[str], melody: Melody) -> list[tuple[float, float]]:
    """Return start and end of each word, in seconds: one after the other, over the whole track."""
    starts = [number * melody.duration / max(len(words), 1) for number in range(len(words) + 1)]
    return [(round(start, 3), round(start + (end - start) * _SUNG, 3)) for start, end in pairwise(starts)]


def _aligned(word: str, span: tuple[float, float]) -> dict[str, Any]:
    return {"word": word, "success": True, "startS": span[0], "endS": span[1], "palign": 0}


def _waveform(melody: Melody) -> list[float]:
    """Return how loud the track is at each tenth of a second, from 0 to 1. Each note fades out."""
    loudness: list[float] = []
    note_at = 0.0
    for note in melody.notes:
        note_ends = note_at + note.hundredths / 100
        while len(loudness) * _STEP < note_ends:
            loudness.append(round(math.exp(-(len(loudness) * _STEP - note_at) / _DECAY), 3))
        note_at = note_ends
    return loudness
