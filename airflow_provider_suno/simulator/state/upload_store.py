"""The store of uploaded files. They are on disk and expire after three simulated days."""

from __future__ import annotations

import mimetypes
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airflow_provider_suno.simulator.state.audio_length import audio_seconds

RETENTION = 3 * 24 * 3600
"""Simulated seconds after which an uploaded file is deleted."""

_MAGIC = (
    (0, b"ID3", "audio/mpeg"),
    *((0, bytes((0xFF, second)), "audio/mpeg") for second in (0xE2, 0xE3, 0xF2, 0xF3, 0xFA, 0xFB)),
    (0, b"fLaC", "audio/flac"),
    (0, b"OggS", "audio/ogg"),
    (4, b"ftyp", "audio/mp4"),
    (8, b"WAVE", "audio/wav"),
    (0, b"\x89PNG", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
)
_EXTENSIONS = {
    "audio/mpeg": ".mp3",
    "audio/flac": ".flac",
    "audio/ogg": ".ogg",
    "audio/mp4": ".m4a",
    "audio/wav": ".wav",
    "image/png": ".png",
    "image/jpeg": ".jpg",
}


@dataclass(frozen=True)
class StoredFile:
    """
    One uploaded file.

    :param path: folder and name, as the caller chose them.
    :param size: bytes.
    :param mime_type: its MIME type, from its first bytes, else from what the caller says.
    :param uploaded_at: simulated time, in epoch seconds.
    :param location: its place on disk.
    :param seconds: length of its audio, or None if it is not a readable WAV or MP3 file.
    """

    path: str
    size: int
    mime_type: str
    uploaded_at: float
    location: Path
    seconds: float | None

    @property
    def name(self) -> str:
        """Name without the folder."""
        return self.path.rpartition("/")[2]


class UploadStore:
    """The uploaded files of an account."""

    def __init__(self) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._files: dict[str, StoredFile] = {}
        self._count = 0

    def new_location(self) -> Path:
        """Return the place on disk for a new file."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="suno-simulator-")
        self._count += 1
        # A name on disk must not hold anything that a caller sent.
        return Path(self._folder.name) / str(self._count)

    def add(self, location: Path, path: str, mime_type: str, *, now: float) -> StoredFile:
        """
        Store a file that has been written to disk. It replaces a file of the same path.

        :param location: where it was written.
        :param path: its folder and name.
        :param now: simulated time.
        """
        self.expire(now)
        replaced = self._files.get(path)
        file = StoredFile(path, location.stat().st_size, mime_type, now, location, audio_seconds(location))
        self._files[path] = file
        if replaced:
            replaced.location.unlink(missing_ok=True)
        return file

    def find(self, path: str, now: float) -> StoredFile | None:
        """
        Return a file, or None if there is none or it has expired.

        :param path: its folder and name.
        :param now: simulated time.
        """
        file = self._files.get(path)
        return file if file is not None and now < file.uploaded_at + RETENTION else None

    def expire(self, now: float) -> None:
        """
        Delete the files that have expired.

        :param now: simulated time.
        """
        for file in [file for file in self._files.values() if self.find(file.path, now) is None]:
            file.location.unlink(missing_ok=True)
            del self._files[file.path]

    def listed(self, now: float) -> list[dict[str, Any]]:
        """
        Return all files, as the ledger shows them.

        :param now: simulated time.
        """
        return [
            {
                "path": file.path,
                "size": file.size,
                "mime_type": file.mime_type,
                "seconds": file.seconds,
                "uploaded_at": file.uploaded_at,
            }
            for file in list(self._files.values())
            if self.find(file.path, now)
        ]

    def clear(self) -> None:
        """Delete all files."""
        self._files.clear()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None


def mime_type_of(location: Path, name: str, stated: str) -> str:
    """
    Return the MIME type of a file.

    :param location: the file on disk.
    :param name: its name, as the caller sent it.
    :param stated: the MIME type that the caller states, or an empty text.
    """
    with location.open("rb") as file:
        head = file.read(16)
    for offset, magic, mime_type in _MAGIC:
        if head[offset:].startswith(magic):
            return mime_type
    return mimetypes.guess_type(name)[0] or stated.partition(";")[0].strip() or "application/octet-stream"


def extension_of(mime_type: str) -> str:
    """Return the file extension of a MIME type, with its dot."""
    return _EXTENSIONS.get(mime_type) or mimetypes.guess_extension(mime_type) or ".bin"
