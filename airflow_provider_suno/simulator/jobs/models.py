"""The music models: what each is called on the inside, and how long a text each takes."""

from __future__ import annotations

CODENAMES = {
    "V3_5": "chirp-v3-5",
    "V4": "chirp-v4",
    "V4_5": "chirp-auk",
    "V4_5PLUS": "chirp-bluejay",
    "V4_5ALL": "chirp-auk-all",
    "V5": "chirp-crow",
    "V5_5": "chirp-fenix",
    "V6": "chirp-six",
    "V6_WILD": "chirp-six-wild",
    "V6_MINI": "chirp-six-mini",
}
"""``modelName`` of a track, by model. Those of ``V4_5ALL`` and of the V6 family are made up here."""

RETIRED = frozenset({"V3_5"})
"""Models that make no more music; no persona can be made of what they once made."""

OFFERED = tuple(model for model in CODENAMES if model not in RETIRED)

LYRICS_LIMIT = 5000
NEGATIVE_TAGS_LIMIT = 1000
_PROMPT_LIMITS = {"V4": 3000}
_STYLE_LIMITS = {"V4": 200}
# Pages disagree on titles, by call and by host; what one of them allows is not refused here.
_TITLE_LIMITS = dict.fromkeys(("V4_5", "V4_5PLUS", "V5", "V5_5"), 100)


def prompt_limit(model: str) -> int:
    """
    Return the longest prompt of custom mode, in characters.

    :param model: the model's name.
    """
    return _PROMPT_LIMITS.get(model, 5000)


def simple_prompt_limit(model: str) -> int:
    """
    Return the longest prompt of simple mode, in characters.

    :param model: the model's name.
    """
    return 3000 if model.startswith("V6") else 500


def takes_duration(model: str) -> bool:
    """
    Return whether a song's length can be wished for.

    :param model: the model's name.
    """
    return model == "V5_5" or model.startswith("V6")


def takes_voice(model: str) -> bool:
    """
    Return whether a persona that is a cloned voice can sing.

    :param model: the model's name.
    """
    return not model.startswith("V4")


def style_limit(model: str) -> int:
    """
    Return the longest style, in characters.

    :param model: the model's name.
    """
    return _STYLE_LIMITS.get(model, 1000)


def title_limit(model: str) -> int:
    """
    Return the longest title, in characters.

    :param model: the model's name.
    """
    return _TITLE_LIMITS.get(model, 80)
