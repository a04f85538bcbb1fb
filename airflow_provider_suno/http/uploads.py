"""Check files before they are uploaded, and send them without holding a whole one in memory."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any, Literal, Protocol

from airflow_provider_suno.api.media_types import OTHER_CONTENT
from airflow_provider_suno.api.text import excerpt, printable
from airflow_provider_suno.exceptions import SunoUnavailableError, SunoValidationError

LARGEST_UPLOAD = 100 * 1024 * 1024
LARGEST_BASE64_UPLOAD = 10 * 1024 * 1024
AUDIO_TYPES = {
    ".aac": "audio/aac",
    ".aif": "audio/aiff",
    ".aiff": "audio/aiff",
    ".flac": "audio/flac",
    ".m4a": "audio/mp4",
    ".mp3": "audio/mpeg",
    ".mp4": "audio/mp4",
    ".oga": "audio/ogg",
    ".ogg": "audio/ogg",
    ".opus": "audio/opus",
    ".wav": "audio/wav",
    ".weba": "audio/webm",
    ".webm": "audio/webm",
}

STORAGE_HINT = " Is the Airflow provider of that storage installed?"

_REPORT_EVERY = 10 * 1024 * 1024
_WRONG_SOURCE = (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError, ImportError, ValueError)


def unreadable(name: str, error: Exception) -> SunoUnavailableError:
    """Return the error for a file that cannot be read for now; storage libraries have error classes of their own."""
    return SunoUnavailableError(f"{name} cannot be read just now: {excerpt(error, 300)}.")


class Readable(Protocol):
    """What ``pathlib.Path`` and Airflow's ``ObjectStoragePath`` have in common."""

    @property
    def name(self) -> str:
        """The last part of its path."""

    def stat(self) -> Any:
        """Return an object with ``st_size``."""

    def open(self, mode: Literal["rb"]) -> IO[bytes]:
        """Open it."""


@dataclass(frozen=True)
class LocalFile:
    """A checked file, its name at the service, its size in bytes, and the media type of its extension."""

    path: Readable
    name: str
    size: int
    media_type: str

    @classmethod
    def check(cls, path: Readable, name: str | None = None, *, largest: int = LARGEST_UPLOAD) -> LocalFile:
        """
        Return a file that the service can be expected to take.

        :param name: what to call it; its own name by default.
        :param largest: bytes that it may have.
        :raises SunoValidationError: when it is not there, empty, too large, or not audio.
        """
        name, where = name or path.name, excerpt(str(path), 300)
        try:
            size = int(path.stat().st_size)
            with path.open("rb") as content:
                beginning = content.read(64).lstrip()
        except _WRONG_SOURCE as error:
            hint = STORAGE_HINT if isinstance(error, (ImportError, ValueError)) else ""
            reason = printable(str(error), 300)
            raise SunoValidationError(f"source: {where} cannot be read ({reason}).{hint}") from error
        except Exception as error:
            raise unreadable(where, error) from error
        if name != name.encode(errors="ignore").decode():
            raise SunoValidationError(f"source: the name {excerpt(name, 300)} is not valid text; give it another one.")
        extension = os.path.splitext(name)[1].lower()
        if extension not in AUDIO_TYPES:
            known = ", ".join(AUDIO_TYPES)
            raise SunoValidationError(f"source: {excerpt(name, 300)} has no extension of an audio file ({known}).")
        if size == 0:
            raise SunoValidationError(f"source: {where} is empty.")
        if size > largest:
            raise SunoValidationError(
                f"source: {where} has {size / 1024**2:.1f} MB; at most {largest / 1024**2:g} MB can be sent."
            )
        for other, signs in OTHER_CONTENT.items():
            if beginning.startswith(signs):
                raise SunoValidationError(f"source: {where} is called {extension} but holds {other}.")
        return cls(path=path, name=name, size=size, media_type=AUDIO_TYPES[extension])


def new_folder() -> str:
    """Return the path of a new folder: in a shared one, a file of the same name would be overwritten."""
    return f"airflow/{secrets.token_hex(8)}"


class MultipartStream:
    """
    A ``multipart/form-data`` body that is read from its file while it is sent.

    :param fields: the form's other fields.
    :param report: called with the bytes sent so far, every 10 MB and at the end of a file larger than that.
    :param check: called before each read of the file; its error ends the upload.
    """

    def __init__(
        self, file: LocalFile, fields: dict[str, str], report: Callable[[int], None], check: Callable[[], None]
    ) -> None:
        from urllib3 import encode_multipart_formdata  # here, so that Dag files load without it

        boundary = secrets.token_hex(16)
        form: dict[str, Any] = {**fields, "file": (file.name, b"", file.media_type)}
        without_content, self.content_type = encode_multipart_formdata(form, boundary)
        self._tail = f"\r\n--{boundary}--\r\n".encode()
        self._head = without_content.removesuffix(self._tail)
        self._file = file
        self._content: IO[bytes] | None = None
        self._left = file.size
        self._report = report
        self._check = check
        self._reported = 0

    def __len__(self) -> int:
        """Return the size of the whole body, which becomes its ``Content-Length``."""
        return len(self._head) + self._file.size + len(self._tail)

    def __enter__(self) -> MultipartStream:
        try:
            self._content = self._file.path.open("rb")
        except Exception as error:
            raise unreadable(self._file.name, error) from error
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._content is not None:
            with suppress(OSError):
                self._content.close()

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes of the body; none at its end."""
        if self._head:
            head, self._head = self._head, b""
            return head
        if self._left:
            return self._read_content(size)
        tail, self._tail = self._tail, b""
        return tail

    def _read_content(self, size: int) -> bytes:
        assert self._content is not None, "the file is open while it is sent"  # noqa: S101
        self._check()
        try:
            chunk = self._content.read(min(self._left, size) if size > 0 else self._left)
        except Exception as error:
            if isinstance(error, OSError):
                raise
            # Storage libraries have their own error classes.
            raise OSError(f"{self._file.name} cannot be read: {excerpt(error, 300)}") from error
        if not chunk:
            raise OSError(f"{self._file.name} became shorter while it was sent")
        self._left -= len(chunk)
        sent = self._file.size - self._left
        if sent - self._reported >= _REPORT_EVERY or (sent > _REPORT_EVERY and not self._left):
            self._reported = sent
            self._report(sent)
        return chunk
