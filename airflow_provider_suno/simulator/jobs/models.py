"""The music models."""

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
"""``modelName`` of a track, by model. Those of ``V4_5ALL`` and of the V6 models are made up: no page shows them."""

RETIRED = frozenset({"V3_5"})
"""Models that make no new music. No persona can be made of their tracks."""

OFFERED = tuple(model for model in CODENAMES if model not in RETIRED)
"""Models that make new music."""
