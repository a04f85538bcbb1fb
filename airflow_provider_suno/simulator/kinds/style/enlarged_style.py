"""A style that was enlarged: the caller's words, and some more that follow from them."""

from __future__ import annotations

import hashlib

_TEMPOS = ("slow tempo", "mid-tempo", "driving beat", "loose swing")
_INSTRUMENTS = ("felt piano", "upright bass", "brushed drums", "analog synths", "nylon guitar", "muted trumpet")
_MOODS = ("warm and close", "wide and dreamy", "dark and patient", "bright and restless")
_LONGEST = 1000
"""Most models take a style of this length."""


def enlarged_style(content: str) -> str:
    """Return an enlarged style. It begins with the caller's words."""
    digest = hashlib.sha256(content.encode()).digest()
    first = digest[0] % len(_INSTRUMENTS)
    second = (first + 1 + digest[1] % (len(_INSTRUMENTS) - 1)) % len(_INSTRUMENTS)
    more = (
        _TEMPOS[digest[2] % len(_TEMPOS)],
        f"{_INSTRUMENTS[first]} and {_INSTRUMENTS[second]}",
        _MOODS[digest[3] % len(_MOODS)],
    )
    return ", ".join((content.strip(), *more))[:_LONGEST]
