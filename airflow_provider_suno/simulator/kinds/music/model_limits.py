"""The limits of the music models: lengths of texts and of source audio, and which fields a model takes."""

from __future__ import annotations

import math

LYRICS_LIMIT = 5000
NEGATIVE_TAGS_LIMIT = 1000
SHORT_NEGATIVE_TAGS_LIMIT = 200
"""That of the calls which add something to audio."""

SOUND_PROMPT_LIMIT = 500
LONGEST_PROMPT, LONGEST_STYLE, LONGEST_TITLE = 5000, 1000, 100
"""The limits of the calls that do not need a model."""

LONGEST_SOURCE = 480
"""Longest audio, in seconds, that can be covered or extended."""

_PROMPT_LIMITS = {"V4": 3000}
_STYLE_LIMITS = {"V4": 200}
# The API's pages disagree on titles, by call and by host. What one of them allows is allowed here.
_TITLE_LIMITS = dict.fromkeys(("V4_5", "V4_5PLUS", "V5", "V5_5"), 100)
_LONGEST_SOURCES_TO_EXTEND: dict[str, float] = {"V4_5ALL": 60}


def prompt_limit(model: str) -> int:
    """Return the longest prompt in custom mode, in characters."""
    return _PROMPT_LIMITS.get(model, 5000)


def simple_prompt_limit(model: str) -> int:
    """Return the longest prompt in simple mode, in characters."""
    return 3000 if model.startswith("V6") else 500


def style_limit(model: str) -> int:
    """Return the longest style, in characters."""
    return _STYLE_LIMITS.get(model, 1000)


def title_limit(model: str) -> int:
    """Return the longest title, in characters."""
    return _TITLE_LIMITS.get(model, 80)


def longest_source_to_extend(model: str) -> float:
    """Return the longest audio that this model can extend, in seconds; infinite if it has no limit of its own."""
    return _LONGEST_SOURCES_TO_EXTEND.get(model, math.inf)


def takes_duration(model: str) -> bool:
    """Return whether the request may name the song's duration."""
    return model == "V5_5" or model.startswith("V6")


def adds_to_audio(model: str) -> bool:
    """Return whether it adds an accompaniment or vocals to audio."""
    return model == "V4_5PLUS" or not model.startswith("V4")


def makes_sounds(model: str) -> bool:
    """Return whether it makes sound effects."""
    return not model.startswith("V4")


def takes_voice(model: str) -> bool:
    """Return whether a cloned voice can sing."""
    return not model.startswith("V4")
