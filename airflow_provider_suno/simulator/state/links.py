"""Temporary links to finished files. They need no key and expire after 20 simulated minutes."""

from __future__ import annotations

from dataclasses import dataclass, field

LIFETIME = 20 * 60
"""Simulated seconds after which a link expires."""


@dataclass(frozen=True)
class Link:
    """
    One link.

    :param file_name: the file it leads to.
    :param expires_at: simulated time, in epoch seconds.
    """

    file_name: str
    expires_at: float


@dataclass
class Links:
    """The links that were made, by the secret part of their addresses."""

    _made: dict[str, Link] = field(default_factory=dict)

    def add(self, secret: str, file_name: str, *, now: float) -> None:
        """
        Make a link to a file.

        :param secret: what nobody else can guess.
        :param now: simulated time.
        """
        self._made[secret] = Link(file_name, now + LIFETIME)

    def find(self, secret: str, file_name: str) -> Link | None:
        """Return the link to a file, expired or not. None if there is no such link."""
        link = self._made.get(secret)
        return link if link is not None and link.file_name == file_name else None
