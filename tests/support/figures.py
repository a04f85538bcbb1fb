"""What tests have counted, told together when all have ended, whichever process of pytest's ran them."""

from __future__ import annotations

from collections import Counter

figures: Counter[str] = Counter()
