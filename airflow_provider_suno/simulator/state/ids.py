"""Where new ids come from: the only source of chance in the simulated state, and a seedable one."""

from __future__ import annotations

import random
import uuid


class IdSource:
    """
    Deal out ids that look like the service's.

    :param seed: makes the sequence repeatable; ``None`` deals different ids in every process.
    """

    def __init__(self, seed: int | None = None) -> None:
        self._random = random.Random(seed)

    def music_task(self) -> str:
        """Return a new music task id: 32 hex digits."""
        return f"{self._random.getrandbits(128):032x}"

    def track(self) -> str:
        """Return a new track id: a UUID."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def persona(self) -> str:
        """Return a new persona id: 32 hex digits, of a name space of its own."""
        return f"{self._random.getrandbits(128):032x}"

    def file_name(self, extension: str) -> str:
        """
        Return a new name for an uploaded file.

        :param extension: its extension, with the dot.
        """
        return f"{self._random.getrandbits(64):016x}{extension}"
