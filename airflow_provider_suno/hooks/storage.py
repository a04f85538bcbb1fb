"""
The folder in which files are kept: local, or in any object store that Airflow's ``ObjectStoragePath`` reaches.

A file gets its name in one step, when it is whole. A local file is written beside its place under a hidden name, then
renamed. An object store makes an object visible when its upload has ended. Other stores, such as SFTP, get a hidden
name and a rename, too.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import gettempdir, mkstemp
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_suno.api.text import excerpt, printable
from airflow_provider_suno.exceptions import SunoDownloadError, SunoValidationError
from airflow_provider_suno.http.uploads import STORAGE_HINT

if TYPE_CHECKING:
    from airflow.sdk import ObjectStoragePath

    Destination = str | os.PathLike[str] | ObjectStoragePath

_PART = ".suno-part"
_OBJECT_STORES = frozenset(
    {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "wasb", "oci", "oss", "r2", "memory"}
)
"""Stores that show an object once its upload has ended."""

_ABANDONED = 24 * 3600.0
"""Seconds after which a hidden file belongs to a process that was killed."""


def check_destination(destination: Any, name: str = "destination") -> None:
    """
    Check where files are to be kept, without opening it.

    :param name: the parameter's name.
    :raises SunoValidationError: when it is neither a path nor a URL.
    """
    if isinstance(destination, str):
        text = destination.strip()
        if not text:
            raise SunoValidationError(f"{name}: must not be empty.")
        if text.lower().startswith(("http://", "https://")):
            raise SunoValidationError(
                f"{name}: {excerpt(destination, 200)} cannot be written to. Give a folder: a local path, or the "
                "URL of an object store such as s3://aws_default@bucket/songs."
            )
        if re.match(r"[A-Za-z][\w+.-]*:(?!//)", text) or (text.startswith("file://") and text[7:8] != "/"):
            raise SunoValidationError(
                f"{name}: {excerpt(destination, 200)} is neither a path nor a URL with // after its scheme, such as "
                "s3://bucket/songs or file:///data/songs."
            )
    elif _is_storage_path(destination):
        return
    elif not isinstance(destination, os.PathLike):
        raise SunoValidationError(f"{name}: must be a path or a URL, got {excerpt(destination)}.")


def _is_storage_path(destination: Any) -> bool:
    """Return whether it is an ``ObjectStoragePath``; asking the object itself for ``fs`` would open the store."""
    return hasattr(type(destination), "fs")


def open_folder(destination: Any, name: str = "destination") -> Folder:
    """
    Return the folder that a destination names.

    :param destination: a local path, an ``ObjectStoragePath``, or its URL.
    :param name: the parameter's name.
    :raises SunoValidationError: when there is no such store, or no such connection.
    :raises SunoDownloadError: when it cannot be opened for now.
    """
    from airflow.providers.common.compat.sdk import AirflowNotFoundException, ObjectStoragePath

    check_destination(destination, name)
    try:
        if _is_storage_path(destination):
            path = destination
        else:
            text = os.fspath(destination).strip()
            if text.startswith("memory://"):
                _attach_memory()
            path = ObjectStoragePath(text if "://" in text else f"file://{Path(text).expanduser().absolute()}")
        files = path.fs  # looks the storage's connection up, here and not in a thread
    except (ImportError, ValueError, TypeError, AirflowNotFoundException) as error:
        raise SunoValidationError(f"{name}: {_not_opened(destination, error)}{STORAGE_HINT}") from error
    except Exception as error:
        raise SunoDownloadError(f"{name}: {_not_opened(destination, error)}") from error
    return Folder(path, files)


def as_folder(destination: Destination | Folder) -> Folder:
    """Return a folder that is open already, or that which a destination names."""
    return destination if isinstance(destination, Folder) else open_folder(destination)


def _not_opened(destination: Any, error: Exception) -> str:
    reason = printable(f"{type(error).__name__}: {error}", 300)
    return f"{excerpt(str(destination), 200)} cannot be opened ({reason})."


def _attach_memory() -> None:
    """Let ``memory://`` name the memory of this process, as in tests; Airflow itself knows no such store."""
    import fsspec
    from airflow.sdk.io import attach

    attach("memory", fs=fsspec.filesystem("memory"))


class FileSystem(Protocol):
    """What is used of a filesystem of ``fsspec``."""

    protocol: Any

    def info(self, path: str) -> Mapping[str, Any]:
        """Return what is known of a file, its ``size`` among it."""

    def makedirs(self, path: str, exist_ok: bool = ...) -> None:
        """Make a folder and those above it."""

    def cat_file(self, path: str) -> bytes:
        """Return a whole file."""

    def pipe_file(self, path: str, value: bytes, **kwargs: Any) -> Any:
        """Write a whole file."""

    def put_file(self, lpath: str, rpath: str, **kwargs: Any) -> Any:
        """Copy a local file."""

    def mv(self, path1: str, path2: str, **kwargs: Any) -> Any:
        """Rename a file."""

    def open(self, path: str, mode: str) -> Any:
        """Open a file."""


class Folder:
    """
    A folder in which files are kept. Several threads may use it at once.

    :param path: where it is.
    :param files: the filesystem that it is part of.
    """

    def __init__(self, path: ObjectStoragePath, files: FileSystem) -> None:
        self._path = path
        self._files = files
        self._one_upload = threading.Lock()  # each holds a part of its file in memory
        protocols = {files.protocol} if isinstance(files.protocol, str) else set(files.protocol)
        self.is_local = bool(protocols & {"file", "local"})
        self._shows_whole_objects = bool(protocols & _OBJECT_STORES)

    def uri(self, name: str) -> str:
        """Return the URI of a file, which ``ObjectStoragePath`` takes, with the storage's connection if it has one."""
        return str(self._path / name)

    def size(self, name: str) -> int | None:
        """Return the size of a file in bytes, ``None`` when there is none."""
        try:
            return int(self._files.info(self._address(name))["size"])
        except FileNotFoundError:
            return None
        except Exception as error:
            raise self._failed("be asked for", name, error) from error

    def sha256(self, name: str) -> str:
        """Return the checksum of a file, which is read for that."""
        digest = hashlib.sha256()
        try:
            with self._files.open(self._address(name), "rb") as file:
                while block := file.read(1024 * 1024):
                    digest.update(block)
        except Exception as error:
            raise self._failed("be read", name, error) from error
        return digest.hexdigest()

    def has(self, name: str, *, size: int, sha256: str) -> bool:
        """Return whether a file is there. Of an object store's only the size is compared: it is not fetched again."""
        return self.size(name) == size and (not self.is_local or self.sha256(name) == sha256)

    def read_json(self, name: str) -> Any:
        """Return what a JSON file holds, ``None`` when there is none or it is damaged."""
        try:
            return json.loads(self._files.cat_file(self._address(name)))
        except (FileNotFoundError, ValueError):
            return None
        except Exception as error:
            raise self._failed("be read", name, error) from error

    def write_json(self, name: str, value: Any, *, replace: bool) -> bool:
        """
        Write a JSON file in one step.

        :param replace: whether it may replace another one.
        :return: ``False`` if there is another one that it must not replace.
        """
        content = json.dumps(value, ensure_ascii=False, indent=1).encode()
        try:
            if self.is_local:
                return self._write_local(name, content, replace=replace)
            return self._write_object(name, content, replace=replace)
        except Exception as error:
            raise self._failed("be written", name, error) from error

    def _write_local(self, name: str, content: bytes, *, replace: bool) -> bool:
        place = Path(self._address(name))
        with self.staging(name) as temporary:
            temporary.write_bytes(content)
            if replace:
                temporary.replace(place)
                return True
            try:
                os.link(temporary, place)  # unlike a rename, it replaces nothing
            except FileExistsError:
                return False
            except OSError:  # a filesystem without links
                if place.exists():
                    return False
                temporary.replace(place)
            return True

    def _write_object(self, name: str, content: bytes, *, replace: bool) -> bool:
        address = self._address(name)
        if replace:
            self._files.pipe_file(address, content)
            return True
        try:
            self._files.pipe_file(address, content, mode="create")
        except FileExistsError:
            return False
        except (TypeError, NotImplementedError):  # a filesystem that cannot tell
            if self.size(name) is not None:
                return False
            self._files.pipe_file(address, content)
        return True

    @contextmanager
    def staging(self, name: str) -> Iterator[Path]:
        """
        Return the path of a local temporary file that becomes the file ``name``; it is deleted at the end.

        For a local folder it is beside its place, so that a rename is enough.
        """
        if self.is_local:
            place = Path(self._address(name))
            try:
                place.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise self._failed("be written", name, error) from error
            temporary = place.with_name(f".{place.name}.{secrets.token_hex(4)}{_PART}")
        else:
            handle, text = mkstemp(prefix="suno-", suffix=_PART)
            os.close(handle)
            temporary = Path(text)
        try:
            yield temporary
        finally:
            with suppress(OSError):
                temporary.unlink()

    def put(self, temporary: Path, name: str) -> None:
        """Give a whole local file its name in this folder, in one step; it replaces another one."""
        address = self._address(name)
        try:
            if self.is_local:
                temporary.replace(address)
            elif self._shows_whole_objects:
                with self._one_upload:
                    self._upload(temporary, address)
            else:
                folder, _, last = address.rpartition("/")
                hidden = f"{folder}/.{last}.{secrets.token_hex(4)}{_PART}"
                with self._one_upload:
                    self._files.makedirs(folder, exist_ok=True)
                    self._files.put_file(str(temporary), hidden)
                    self._files.mv(hidden, address)
        except Exception as error:
            raise self._failed("be written", name, error) from error

    def _upload(self, temporary: Path, address: str) -> None:
        if self._files.protocol == "memory":  # which would show what has been copied so far
            self._files.pipe_file(address, temporary.read_bytes())
        else:
            self._files.put_file(str(temporary), address)

    def clean(self, names: Iterable[str]) -> None:
        """Delete the temporary files that killed processes have left where files with these names are put."""
        for folder in {str(Path(self._address(name)).parent) if self.is_local else gettempdir() for name in names}:
            with suppress(OSError):
                for entry in os.scandir(folder):
                    if entry.name.endswith(_PART) and time.time() - entry.stat().st_mtime > _ABANDONED:
                        Path(entry.path).unlink(missing_ok=True)

    def _address(self, name: str) -> str:
        """Return the path of a file as the filesystem takes it."""
        return str((self._path / name).path if name else self._path.path)

    def _failed(self, what: str, name: str, error: Exception) -> SunoDownloadError:
        reason = printable(f"{type(error).__name__}: {error}", 300)
        return SunoDownloadError(
            f"{self.uri(name)} cannot {what} ({reason}). Check the destination and the storage's connection."
        )
