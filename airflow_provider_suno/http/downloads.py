"""
Fetch finished files from media hosts: in bounded memory, resumed after a break, checked before anybody sees them.

A transfer that broke goes on where it ended if the host still has the same file, which its ``ETag`` or
``Last-Modified`` tells; else it begins anew.
"""

from __future__ import annotations

import hashlib
import itertools
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

from airflow_provider_suno.api.envelope import retry_after_of
from airflow_provider_suno.api.media_types import BYTES_NEEDED, Content, MediaType, describe, media_type_of
from airflow_provider_suno.api.text import excerpt, printable
from airflow_provider_suno.exceptions import SunoDownloadError, SunoError, SunoFileGoneError, SunoValidationError
from airflow_provider_suno.http.cancellation import Cancellation
from airflow_provider_suno.http.exchange import USER_AGENT
from airflow_provider_suno.http.failures import chain_of
from airflow_provider_suno.http.media_session import MediaSession, PrivateAddressError, without_query

_HEADERS = {"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "identity"}
_CHUNK = 256 * 1024
_MOST_DIGITS = 20
_MOST_REDIRECTS = 5
_GONE = frozenset({400, 401, 403, 404, 410, 451})
_MOST_WRONG_FILES = 2
_SHOWN_CHARACTERS = 300


@dataclass(frozen=True)
class DownloadLimits:
    """
    How long to go on with a transfer that breaks; all times are in seconds.

    :param attempts: in a row that bring no new byte.
    :param most_attempts: in all.
    :param first_gap: before the second attempt; doubled for each one in a row that brings no new byte.
    :param longest_gap: between two attempts.
    :param window: how often the speed is checked.
    :param slowest: bytes per second; a window with fewer ends the attempt.
    :param slow_windows: so many end the transfer.
    :param report_gap: between two reports of progress.
    """

    attempts: int = 8
    most_attempts: int = 200
    first_gap: float = 0.5
    longest_gap: float = 30.0
    window: float = 60.0
    slowest: float = 1024.0
    slow_windows: int = 3
    report_gap: float = 30.0


LIMITS = DownloadLimits()


@dataclass(frozen=True)
class Validators:
    """What tells whether a host still has the same file."""

    etag: str | None = None
    last_modified: str | None = None

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Validators:
        """Return those of a reply."""
        return cls(headers.get("ETag") or None, headers.get("Last-Modified") or None)

    @property
    def strong(self) -> str | None:
        """The one that proves that two transfers are of the same bytes; a weak ETag does not."""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.last_modified


@dataclass(frozen=True)
class Fetched:
    """A file that was fetched and checked: its size in bytes, its checksum and its type."""

    size: int
    sha256: str
    media_type: MediaType
    validators: Validators


class _LocalFileError(SunoDownloadError):
    """The temporary file could not be written."""


@dataclass
class _Transfer:
    """One file on its way: what has arrived, and what the host said about the whole."""

    file: IO[bytes]
    limits: DownloadLimits
    content: Content
    most_bytes: int
    size: int = 0
    farthest: int = 0
    total: int | None = None
    validators: Validators = field(default_factory=Validators)
    slow_windows: int = 0
    url: str = ""
    """Where the last request was sent, perhaps after redirects."""
    wrong_files: int = 0

    def __post_init__(self) -> None:
        self._hash = hashlib.sha256()
        self.start = b""
        self.begin_window()

    def begin_window(self) -> None:
        """Measure the speed from now on."""
        self._window_began, self._window_size = time.monotonic(), self.farthest

    def begin_anew(self) -> None:
        """Forget what has arrived."""
        self.file.seek(0)
        self.file.truncate()
        self.size, self.total, self.validators, self.start = 0, None, Validators(), b""
        self._hash = hashlib.sha256()

    def range_headers(self) -> dict[str, str]:
        """Return the headers that ask for the rest, if the host can tell that it is of the same file."""
        if not self.size or self.validators.strong is None:
            return {}
        return {"Range": f"bytes={self.size}-", "If-Range": self.validators.strong}

    def continues_with(self, response: requests.Response) -> bool:
        """Return whether a reply with status 206 is the rest of what has arrived."""
        span, _, total = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
        same = Validators.of(response.headers).strong == self.validators.strong
        same_total = self.total is None or total in ("*", str(self.total))
        return same and same_total and span.partition("-")[0] == str(self.size)

    def add(self, chunk: bytes) -> None:
        """Write the next bytes."""
        if len(self.start) < BYTES_NEEDED:
            self.start += chunk[: BYTES_NEEDED - len(self.start)]
            if len(self.start) == BYTES_NEEDED:
                self._media_type()
        self.size += len(chunk)
        if self.size > self.most_bytes:
            raise _too_large(self.size, self.most_bytes)
        try:
            self.file.write(chunk)
        except OSError as error:
            raise _not_written(error) from error
        self._hash.update(chunk)
        self.farthest = max(self.farthest, self.size)

    def check_speed(self) -> None:
        """Raise an error when too little has arrived for too long."""
        now = time.monotonic()
        seconds = now - self._window_began
        if seconds < self.limits.window:
            return
        arrived, enough = self.farthest - self._window_size, self.limits.slowest * seconds
        self.begin_window()
        if arrived < enough:
            self.slow_windows += 1
            raise SunoDownloadError(f"only {arrived} bytes arrived in {seconds:.0f} s")

    def checked(self) -> Fetched:
        """Return what has arrived, if it is whole and of the right type."""
        if self.total is not None and self.size != self.total:
            raise SunoDownloadError(f"{self.size} of {self.total} bytes arrived")
        return Fetched(self.size, self._hash.hexdigest(), self._media_type(), self.validators)

    def _media_type(self) -> MediaType:
        """Return the type of the file, as its first bytes tell it."""
        found = media_type_of(self.start, self.content)
        if found is None or found.content != self.content:
            self.wrong_files += 1
            problem = SunoDownloadError(f"it holds {describe(self.start)} instead of {self.content}")
            self.begin_anew()
            raise problem
        return found


class Downloader:
    """
    Fetch files from media hosts; close it, or use it as a context manager. Several threads may use one.

    :param session: how to reach the hosts.
    :param cancellation: ends transfers.
    :param report: called with the bytes that have arrived and their expected number, while a long transfer runs.
    :param limits: how long to go on.
    """

    def __init__(
        self,
        session: MediaSession,
        *,
        cancellation: Cancellation,
        report: Callable[[str, int, int | None], None],
        limits: DownloadLimits | None = None,
    ) -> None:
        self._session = session
        self._cancellation = cancellation
        self._report = report
        self._limits = limits or LIMITS

    def fetch(
        self,
        url: str,
        path: Path,
        *,
        content: Content,
        most_bytes: int,
        unless: Validators | None = None,
    ) -> Fetched | None:
        """
        Fetch a file into a local one; return ``None`` if the host says that it is unchanged.

        :param url: where it is.
        :param path: the local file, which is overwritten.
        :param content: what it must hold.
        :param most_bytes: the size at which it is refused.
        :param unless: the validators of the file that is already there.
        :raises SunoFileGoneError: when the host does not have it any more.
        :raises SunoDownloadError: when it could not be fetched or written; fatal when another try could not help.
        :raises SunoValidationError: when the URL may not be asked.
        """
        try:
            with path.open("wb") as file:
                return self._fetch(url, _Transfer(file, self._limits, content, most_bytes), unless)
        except OSError as error:
            raise _not_written(error) from error

    def _fetch(self, url: str, transfer: _Transfer, unless: Validators | None) -> Fetched | None:
        where = without_query(url)
        failures = 0
        for attempt in itertools.count(1):
            farthest = transfer.farthest
            try:
                if not self._attempt(url, transfer, unless, where):
                    return None
                return transfer.checked()
            except (SunoFileGoneError, _LocalFileError):
                raise
            except SunoDownloadError as error:
                if error.fatal or self._cancellation.requested:
                    raise
                failures = 0 if transfer.farthest > farthest else failures + 1
                if self._is_hopeless(attempt, failures, transfer):
                    raise SunoDownloadError(
                        f"{where} could not be fetched in {attempt} attempts: {error.message}.", code=error.code
                    ) from None
                if transfer.size == transfer.total or transfer.range_headers() == {}:
                    transfer.begin_anew()
                self._cancellation.pause(self._gap(failures, error))
        raise AssertionError("attempts end with a file or an error")

    def _is_hopeless(self, attempt: int, failures: int, transfer: _Transfer) -> bool:
        limits = self._limits
        useless = transfer.slow_windows >= limits.slow_windows or transfer.wrong_files >= _MOST_WRONG_FILES
        return useless or failures >= limits.attempts or attempt >= limits.most_attempts

    def _gap(self, failures: int, error: SunoError) -> float:
        """Return the seconds before the next attempt."""
        longest = self._limits.longest_gap
        return max(min(longest, self._limits.first_gap * 2.0**failures), min(longest, error.retry_after or 0.0))

    def _attempt(self, url: str, transfer: _Transfer, unless: Validators | None, where: str) -> bool:
        """Ask once for the file or its rest, and read what comes; return ``False`` if it is unchanged."""
        headers = {**_HEADERS, **transfer.range_headers(), **({} if transfer.size else _conditions(unless))}
        transfer.url = url
        try:
            with self._open(transfer, headers) as response:
                if response.status_code == 304 and unless is not None:
                    return False
                if self._begins(response, transfer, where):
                    self._read(response, transfer, where)
        except (OSError, urllib3.exceptions.HTTPError) as error:  # the errors of requests are OSErrors
            problem = self._broken(error, transfer)
        except (ValueError, zlib.error) as error:  # a name that cannot be one, or a body that cannot be decoded
            shown = printable(str(error), _SHOWN_CHARACTERS)
            problem = SunoDownloadError(
                f"{without_query(transfer.url)} cannot be asked or its answer not read ({shown})"
            )
        else:
            return True
        raise problem  # outside of the handler: the caught error may show a signed URL

    def _open(self, transfer: _Transfer, headers: Mapping[str, str]) -> requests.Response:
        """Return the reply of the host that has the file, perhaps after redirects."""
        settings = self._session.settings
        for _ in range(_MOST_REDIRECTS + 1):
            self._stop_if_cancelled()
            response = self._session.request(
                "GET",
                self._session.check(transfer.url),
                headers=dict(headers),
                timeout=(settings.connect_timeout, settings.read_timeout),
                verify=settings.verify,
                proxies=dict(settings.proxies),
                allow_redirects=False,
                stream=True,
            )
            location = response.headers.get("Location")
            if not location or response.status_code not in (301, 302, 303, 307, 308):
                return response
            response.close()
            # Header fields are read as Latin-1, but hosts send UTF-8.
            transfer.url = urljoin(transfer.url, location.encode("latin-1", "replace").decode("utf-8", "replace"))
        raise SunoDownloadError(f"it is redirected more than {_MOST_REDIRECTS} times")

    def _begins(self, response: requests.Response, transfer: _Transfer, where: str) -> bool:
        """Return whether the body is to be read, from the beginning or after what has arrived."""
        status, headers = response.status_code, response.headers
        if status == 206 and transfer.size and transfer.continues_with(response):
            return True
        if status in (206, 416) and transfer.size:
            transfer.begin_anew()
            raise SunoDownloadError("the host has another file now", code=status)
        if status != 200:
            raise _refusal(response, where)
        transfer.begin_anew()
        transfer.validators = Validators.of(headers)
        if _encoding(response):
            transfer.validators = Validators()  # offsets would count encoded bytes
        else:
            length = headers.get("Content-Length", "")
            transfer.total = int(length) if length.isdecimal() and len(length) < _MOST_DIGITS else None
        if (transfer.total or 0) > transfer.most_bytes:
            raise _too_large(transfer.total or 0, transfer.most_bytes)
        return True

    def _read(self, response: requests.Response, transfer: _Transfer, where: str) -> None:
        reported_at = time.monotonic()
        transfer.begin_window()
        for chunk in _chunks(response):
            transfer.add(chunk)
            self._stop_if_cancelled()
            transfer.check_speed()
            if time.monotonic() - reported_at >= self._limits.report_gap:
                reported_at = time.monotonic()
                self._report(where, transfer.size, transfer.total)

    def _stop_if_cancelled(self) -> None:
        if self._cancellation.requested:
            raise SunoDownloadError("Killed while a file was fetched.")

    def _broken(self, error: Exception, transfer: _Transfer) -> SunoError:
        """Return the error of a transfer that broke."""
        self._stop_if_cancelled()
        *_, root = reasons = list(chain_of(error))
        private = next((reason for reason in reasons if isinstance(reason, PrivateAddressError)), None)
        if private is not None:
            return SunoValidationError(str(private))
        host = urlsplit(transfer.url).hostname
        shown = printable(str(root).replace(transfer.url, without_query(transfer.url)), _SHOWN_CHARACTERS)
        of_total = f" of {transfer.total}" if transfer.total is not None else ""
        if isinstance(error, requests.exceptions.SSLError):
            return SunoDownloadError(f"TLS trouble with {host} ({shown})")
        return SunoDownloadError(
            f"the connection to {host} broke after {transfer.size}{of_total} bytes ({type(root).__name__}: {shown})"
        )


def _encoding(response: requests.Response) -> str:
    """Return how the host compressed the file, which nobody asked for; empty if it did not."""
    return str(response.headers.get("Content-Encoding", "")).strip().lower().removeprefix("identity")


def _chunks(response: requests.Response) -> Iterator[bytes]:
    """Yield the body as it arrives, decompressed in bounded pieces."""
    encoding = _encoding(response)
    if encoding not in ("", "gzip", "x-gzip"):
        raise SunoDownloadError(f"the host sent it as {excerpt(encoding)}, although it was asked not to encode it")
    decoder = _gunzip() if encoding else None
    while chunk := response.raw.read1(_CHUNK, decode_content=False):
        if decoder is None:
            yield chunk
            continue
        while chunk:
            if decoder.eof:  # gzip may come in several members
                decoder = _gunzip()
            yield decoder.decompress(chunk, _CHUNK)
            chunk = decoder.unconsumed_tail or decoder.unused_data
    if decoder is not None and not decoder.eof:
        raise SunoDownloadError("its compressed form ended too early")


def _gunzip() -> Any:
    return zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)


def _not_written(error: OSError) -> SunoDownloadError:
    return _LocalFileError(
        f"The temporary file {error.filename or ''} could not be written ({error.strerror or error}). Is there room, "
        "and may this worker write there?"
    )


def _conditions(unless: Validators | None) -> dict[str, str]:
    """Return the headers that ask for a file only if it has changed."""
    if unless is None:
        return {}
    conditions = {"If-None-Match": unless.etag, "If-Modified-Since": unless.last_modified}
    return {name: value for name, value in conditions.items() if value}


def _refusal(response: requests.Response, where: str) -> SunoError:
    """Return the error for a status other than 200, 206 and 304."""
    status = response.status_code
    try:
        said: Any = response.raw.read1(200, decode_content=False)  # what is there: a slow host is not waited for
    except (OSError, urllib3.exceptions.HTTPError):
        said = b""
    what = f"the host answered {status}" + (f": {excerpt(said)}" if said else "")
    if status in _GONE:
        return SunoFileGoneError(f"{where} cannot be fetched any more: {what}.", code=status)
    if status >= 500 or status in (408, 425, 429):
        return SunoDownloadError(what, code=status, retry_after=retry_after_of(response.headers))
    return SunoDownloadError(f"{where} cannot be fetched: {what}.", code=status, fatal=True)


def _too_large(size: int, most_bytes: int) -> SunoDownloadError:
    return SunoDownloadError(
        f"The file has {size / 1e6:.1f} MB or more, and max_bytes allows {most_bytes / 1e6:g} MB: nothing was kept of "
        "it. Raise max_bytes if it may be as large.",
        fatal=True,
    )
