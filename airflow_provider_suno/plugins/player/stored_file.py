"""A file that the player serves, read in pieces: a local one, or one of an object store."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from typing import Any

from airflow_provider_suno.links.player_roots import Address

PIECE = 1024 * 1024
"""How many bytes are read at once."""

_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW
"""How folders on the way to a file are opened: where that is possible, without the right to list them."""

_TAGS = ("ETag", "etag", "md5Hash", "content_md5", "mtime", "LastModified", "last_modified", "updated")
"""What the filesystems say of a file's version."""


class MissingFileError(Exception):
    """There is no such file any more."""


class StoredFile:
    """
    An open file.

    :param size: bytes.
    :param version: a text that changes when the file does.
    """

    def __init__(self, size: int, version: object) -> None:
        self.size = size
        self.version = hashlib.sha256(repr((size, version)).encode()).hexdigest()[:32]

    def pieces(self, start: int, end: int) -> Iterator[bytes]:
        """Yield the bytes from ``start`` to the one before ``end``, and close the file."""
        try:
            while start < end:
                piece = self._read(start, min(start + PIECE, end))
                if not piece:
                    raise MissingFileError  # it has become shorter; the connection breaks off
                yield piece
                start += len(piece)
        finally:
            self.close()

    def close(self) -> None:
        """Close the file."""

    def _read(self, start: int, end: int) -> bytes:
        raise NotImplementedError


class LocalFile(StoredFile):
    """
    A local file, which stays the same one while it is read, whatever becomes of its name.

    :param path: its path after all symbolic links; no part of it must have become one.
    """

    _descriptor = -1

    def __init__(self, path: str) -> None:
        self._descriptor = _open_without_links(path)
        found = os.fstat(self._descriptor)
        if not stat.S_ISREG(found.st_mode):
            self.close()
            raise MissingFileError
        super().__init__(found.st_size, (found.st_ino, found.st_mtime_ns))

    def __del__(self) -> None:
        self.close()  # an answer that was never begun does not end

    def close(self) -> None:
        """Close the file; more than once does no harm."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def _read(self, start: int, end: int) -> bytes:
        return os.pread(self._descriptor, end - start, start)


def _open_without_links(path: str) -> int:
    """Open a file for reading, folder by folder, so that no symbolic link is followed that has appeared meanwhile."""
    *folders, name = path.strip("/").split("/")
    place = os.open("/", _FOLDER)
    try:
        for folder in folders:
            below = os.open(folder, _FOLDER, dir_fd=place)
            os.close(place)
            place = below
        # A pipe would block otherwise.
        return os.open(name, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=place)
    except OSError as problem:
        if problem.errno in (errno.ELOOP, errno.ENOTDIR):
            raise MissingFileError from problem
        raise
    finally:
        os.close(place)


class RemoteFile(StoredFile):
    """
    A file of an object store.

    :param files: the filesystem.
    :param path: the file's path there.
    """

    def __init__(self, files: Any, path: str) -> None:
        self._files, self._path = files, path
        found = files.info(path)
        if found.get("type") != "file":
            raise MissingFileError
        super().__init__(int(found["size"]), [path, *(str(found.get(name)) for name in _TAGS)])

    def _read(self, start: int, end: int) -> bytes:
        piece: bytes = self._files.cat_file(self._path, start=start, end=end)
        return piece


def open_file(address: Address) -> StoredFile:
    """
    Open a file that may be served.

    :raises MissingFileError: when it does not exist.
    """
    try:
        if address.scheme == "file":
            return LocalFile(address.path)
        from airflow.providers.common.compat.sdk import ObjectStoragePath

        bucket, *names = address.parts
        connection = f"{address.connection}@" if address.connection else ""
        path = ObjectStoragePath("/".join([f"{address.scheme}://{connection}{bucket}", *names]))
        return RemoteFile(path.fs, str(path.path))
    except (FileNotFoundError, IsADirectoryError):
        raise MissingFileError from None
