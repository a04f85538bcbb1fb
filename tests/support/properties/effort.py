"""How much is tried: each property has its share of the replies that were asked for (``SUNO_EXAMPLES``)."""

from __future__ import annotations

import math
import os

from hypothesis import HealthCheck, Phase, settings

REPLIES = int(os.environ.get("SUNO_EXAMPLES", "4000"))
BATCH = 25
"""Replies in one example: what hypothesis spends on an example is worth many of them."""

settings.register_profile(
    "hostile",
    deadline=None,
    report_multiple_bugs=False,
    max_examples=max(60, REPLIES // 100),
    suppress_health_check=list(HealthCheck),
)
HOSTILE = settings.get_profile("hostile")
"""For a property that reads no replies."""


def hostile_replies(share: float, batch: int = BATCH) -> settings:
    """Return the settings of a property that tries this share of the replies, so many in each example."""
    phases = [phase for phase in Phase if batch == 1 or phase is not Phase.shrink]  # a number tells no more when small
    return settings(HOSTILE, max_examples=max(10, math.ceil(REPLIES * share / batch)), phases=phases)
