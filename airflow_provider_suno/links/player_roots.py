"""
Which files the player may serve: those below the folders of ``[suno] player_roots``, and of these only audio.

Whoever writes Dags, or may change XComs, can write any address into an XCom. So that an XCom names a file is not enough
to serve it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass

AUDIO_TYPES = {
    ".mp3": "audio/mpeg",
    ".m4a": "audio/mp4",
    ".aac": "audio/aac",
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".webm": "audio/webm",
    ".aiff": "audio/aiff",
}
"""The extensions that are served, and the media type of each. What an XCom says of a file's type is not used."""

_STORE_SCHEMES = ("s3", "s3a", "gs", "gcs", "abfs", "abfss", "adl", "az", "oss", "oci")
"""The object stores whose files are served. These have no symbolic links, which could lead out of a folder."""


class NotPermittedError(Exception):
    """The player may not serve this address; the message says why."""


@dataclass(frozen=True)
class Address:
    """
    Where a file or a folder is.

    :param scheme: ``file`` for local ones.
    :param connection: the id of the store's connection; empty if the address names none.
    :param parts: the folders and the name; of a store the bucket comes first.
    """

    scheme: str
    connection: str
    parts: tuple[str, ...]

    @classmethod
    def read(cls, text: str) -> Address:
        """
        Read a local path or a URL such as ``s3://aws_default@bucket/songs``.

        :raises NotPermittedError: when it is none, or has ``..`` in it.
        """
        scheme, separator, rest = text.partition("://")
        if not separator:
            scheme, rest = "file", text
        scheme, connection = scheme.lower(), ""
        if scheme not in ("file", *_STORE_SCHEMES):
            raise NotPermittedError("the player serves local files and those of object stores only")
        if scheme == "file":
            if not rest.startswith("/"):
                raise NotPermittedError("a local file must have an absolute path")
            parts = [part for part in rest.split("/") if part not in ("", ".")]
        else:
            authority, _, path = rest.partition("/")
            connection, _, bucket = authority.rpartition("@")
            parts = [bucket, *path.rstrip("/").split("/")] if path.rstrip("/") else [bucket]
            if not bucket or any(part in ("", ".") for part in parts):
                raise NotPermittedError("the address has empty parts")
        if ".." in parts or any(sign in text for sign in ("\0", "\\", "::")):
            raise NotPermittedError("the address has parts that could lead out of a folder")
        if text.encode(errors="replace").decode() != text:
            raise NotPermittedError("the address is not valid text")
        return cls(scheme, connection, tuple(parts))

    @property
    def path(self) -> str:
        """The path of a local file."""
        return "/" + "/".join(self.parts)

    def is_below(self, folder: Address) -> bool:
        """Return whether it is in a folder or in one below that."""
        depth = len(folder.parts)
        return (
            (self.scheme, self.connection) == (folder.scheme, folder.connection)
            and len(self.parts) > depth
            and self.parts[:depth] == folder.parts
        )

    def without_links(self) -> Address:
        """Return the address of a local file after all symbolic links; of others the address itself."""
        return Address.read(os.path.realpath(self.path)) if self.scheme == "file" else self


def read_roots(setting: str) -> list[Address]:
    """Return the folders of ``[suno] player_roots``, which commas or line breaks separate; wrong ones are left out."""
    return [root for text in _listed(setting) if (root := _root(text)) is not None]


def wrong_roots(setting: str) -> list[str]:
    """Return what ``[suno] player_roots`` has that is no folder, or ``/``."""
    return [text for text in _listed(setting) if _root(text) is None]


def _root(text: str) -> Address | None:
    try:
        root = Address.read(text).without_links()
    except NotPermittedError:
        return None
    return root if root.parts else None


def _listed(setting: str) -> list[str]:
    return [text.strip() for text in re.split(r"[,\n]", setting) if text.strip()]


def permitted_address(uri: str, roots: Iterable[Address]) -> tuple[Address, str]:
    """
    Return where the file of a URI is, after all symbolic links, and its media type.

    :param roots: the folders of ``[suno] player_roots``.
    :raises NotPermittedError: when it may not be served.
    """
    named = Address.read(uri)
    real = named.without_links()
    if not named.parts or not real.parts:
        raise NotPermittedError("the address names no file")
    media_types = {AUDIO_TYPES.get(os.path.splitext(address.parts[-1])[1].lower()) for address in (named, real)}
    media_type = media_types.pop()
    if media_type is None or media_types:
        raise NotPermittedError("the player serves audio files only")
    if not any(real.is_below(root) for root in roots):
        raise NotPermittedError("the file is not below one of the folders of [suno] player_roots")
    return real, media_type
