"""The words of generated lyrics. They are made of the prompt's words and follow from the job's id."""

from __future__ import annotations

import hashlib

_LINES = (
    "{theme}, and the evening slows",
    "I left the window open wide",
    "There is a light where no one goes",
    "{theme}, all along the tide",
    "We count the hours, one by one",
    "The road is longer than it seems",
    "And nothing here is ever done",
    "{theme}, running through my dreams",
    "You said the morning would be kind",
    "I keep the letters that you sent",
    "So leave the heavy things behind",
    "And tell me where the summer went",
)
_PARTS = ("[Verse 1]", "[Chorus]", "[Verse 2]", "[Chorus]")
_LINES_OF_A_PART = 4


def lyrics_about(theme: str, name: str, variant: int) -> str:
    """
    Return lyrics.

    :param theme: a few words that occur in them.
    :param name: what the choice of the lines follows from.
    :param variant: texts of one name differ by it.
    """
    digest = hashlib.sha256(name.encode()).digest()
    parts = {
        part: [_LINES[(digest[n] + variant + step) % len(_LINES)] for step in range(_LINES_OF_A_PART)]
        for n, part in enumerate(dict.fromkeys(_PARTS))
    }
    return "\n\n".join("\n".join([part, *parts[part]]) for part in _PARTS).format(theme=theme)
