"""The title of a song whose request gives none."""

from __future__ import annotations

import hashlib
import re

_MOST_WORDS = 5
_LONGEST_TITLE = 60
_SMALL_WORDS = (
    "a about after an and as at before between but by for from in into is like near of off on or our over that the "
    "their through to under up with without your"
)
_ADJECTIVES = "Amber Blue Distant Early Gentle Golden Late Little Long Northern Paper Quiet Silver Slow Summer Winter"
_NOUNS = "Bridge Garden Harbour Hill Island Lantern Letter Light Morning Orchard Rain River Road Station Tide Window"


def title_from(prompt: str, music_task_id: str) -> str:
    """
    Return a title: the first words of the prompt, or two words that follow from the id if the prompt has none.

    :param prompt: the submitted prompt, or an empty text.
    """
    return _title_from_words(prompt) or _title_from_id(music_task_id)


def _title_from_words(prompt: str) -> str:
    small_words = _SMALL_WORDS.split()
    text = re.sub(r"\[[^\]]*\]", "\n", prompt)  # directives, and marks such as [Verse]
    first_sentence = next((part for part in re.split(r"[.!?;:\n]", text) if re.search(r"\w", part)), "")
    words = [stripped for word in first_sentence.split() if (stripped := re.sub(r"^\W+|\W+$", "", word))]
    words = words[:_MOST_WORDS]
    while len(words) > 1 and words[-1].lower() in small_words:
        words.pop()
    titled = [word if n and word in small_words else word[:1].upper() + word[1:] for n, word in enumerate(words)]
    return " ".join(titled)[:_LONGEST_TITLE].rstrip()


def _title_from_id(music_task_id: str) -> str:
    digest = hashlib.sha256(music_task_id.encode()).digest()
    adjectives, nouns = _ADJECTIVES.split(), _NOUNS.split()
    return f"{adjectives[digest[0] % len(adjectives)]} {nouns[digest[1] % len(nouns)]}"
