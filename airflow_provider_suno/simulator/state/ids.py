"""New ids. They are the only random values of the simulator, and a seed makes them repeatable."""

from __future__ import annotations

import random
import uuid


class IdSource:
    """
    Make ids that look like the service's.

    :param seed: makes the sequence repeatable; None makes different ids in every process.
    """

    def __init__(self, seed: int | None = None) -> None:
        self._random = random.Random(seed)

    def job(self) -> str:
        """Return a new id of a job: 32 hex digits."""
        return f"{self._random.getrandbits(128):032x}"

    def track(self) -> str:
        """Return a new track id: a UUID."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def persona(self) -> str:
        """Return a new persona id: 32 hex digits."""
        return f"{self._random.getrandbits(128):032x}"

    def link(self) -> str:
        """Return a new secret part of a link: 32 hex digits."""
        return f"{self._random.getrandbits(128):032x}"

    def file_name(self, extension: str) -> str:
        """
        Return a new name for an uploaded file.

        :param extension: its extension, with the dot.
        """
        return f"{self._random.getrandbits(64):016x}{extension}"
