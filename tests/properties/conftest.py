"""Property-based tests: few examples in ``make test``, as many as one likes by ``make property-test EXAMPLES=…``."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "hostile",
    deadline=None,
    max_examples=int(os.environ.get("SUNO_EXAMPLES", "100")),
    suppress_health_check=[HealthCheck.too_slow],
)
