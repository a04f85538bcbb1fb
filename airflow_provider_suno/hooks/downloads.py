"""
Keep the files of a finished job: fetch them, and put them where they belong.

Beside each file lies a small JSON file that says what it is, with its checksum. A second run reads it and fetches
nothing that is there. It is written before the file gets its name, so a file that can be seen has its description.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_suno.api.text import excerpt
from airflow_provider_suno.exceptions import SunoDownloadError, SunoError, SunoFileGoneError
from airflow_provider_suno.hooks.keep_items import Item
from airflow_provider_suno.hooks.keep_options import KeepOptions, KeptFile
from airflow_provider_suno.hooks.storage import Folder
from airflow_provider_suno.hooks.tags import NOT_INSTALLED, can_tag, write_tags
from airflow_provider_suno.http.cancellation import Cancellation
from airflow_provider_suno.http.downloads import Downloader, Fetched, Validators
from airflow_provider_suno.http.media_session import MediaSession, without_query

if TYPE_CHECKING:
    from airflow_provider_suno.api.record import JobRecord
    from airflow_provider_suno.http.settings import MediaSettings


class Keeper:
    """
    Keep the files of one job in a folder.

    :param folder: where.
    :param options: how.
    :param settings: how to reach the media hosts.
    :param cancellation: ends transfers.
    :param log: the task's log.
    :param read_again: reads the job's record again, since its links may be new ones; ``None`` if it is not known.
    """

    def __init__(
        self,
        folder: Folder,
        options: KeepOptions,
        *,
        settings: MediaSettings,
        cancellation: Cancellation,
        log: Any,
        read_again: Callable[[], JobRecord | None],
    ) -> None:
        self._folder = folder
        self._options = options
        self._settings = settings
        self._cancellation = cancellation
        self._log = log
        self._read_again = read_again
        self._record_now: tuple[JobRecord | None] | None = None
        self._reading = threading.Lock()
        self._tags = can_tag()

    def keep(self, items: Sequence[Item]) -> list[KeptFile]:
        """
        Keep files; return them in the same order.

        :raises SunoDownloadError: when a file could not be fetched or put; the others are kept all the same.
        """
        self._folder.clean(item.name for item in items)
        with MediaSession(self._settings) as session, self._cancellation.breaking_off(session.break_off):
            downloader = Downloader(session, cancellation=self._cancellation, report=self._report)
            kept = self._keep_at_once(items, downloader)
        if not self._tags and any(item.tags for item in items) and any(file.fetched for file in kept):
            self._log.info("%s", NOT_INSTALLED)
        return kept

    def _keep_at_once(self, items: Sequence[Item], downloader: Downloader) -> list[KeptFile]:
        pool = ThreadPoolExecutor(self._options.parallel, thread_name_prefix="suno-keep")
        futures: list[Future[KeptFile | None]] = []
        try:
            futures = [pool.submit(self._keep_one, item, downloader) for item in items]
            wait(futures)
        except BaseException:  # such as Airflow's execution_timeout
            self._cancellation.request()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
        problems = [problem for future in futures if (problem := future.exception()) is not None]
        if problems:
            raise self._first_to_mend(problems, len(items))
        return [kept for future in futures if (kept := future.result()) is not None]

    def _first_to_mend(self, problems: Sequence[BaseException], files: int) -> BaseException:
        """Return the problem to raise; one that a retry may mend first, since the others would hide it."""
        problems = sorted(problems, key=lambda problem: getattr(problem, "fatal", False))
        if len(problems) == 1:
            return problems[0]
        for problem in problems:
            self._log.error("%s", problem)
        first = problems[0]
        if isinstance(first, SunoError):
            first.message = f"{len(problems)} of {files} files are not kept (see the log); the first: {first.message}"
            first.args = (first.message,)
        return first

    def _keep_one(self, item: Item, downloader: Downloader) -> KeptFile | None:
        """Keep a file, unless it is an optional one that is not there any more."""
        try:
            return self._keep(item, downloader)
        except SunoFileGoneError as error:
            if not item.optional:
                raise
            self._log.warning("%s is not kept: %s", item.called, error)
            return None
        except SunoError:
            raise
        except Exception as error:
            called = f"{item.called[:1].upper()}{item.called[1:]}"
            raise SunoDownloadError(f"{called} could not be kept in {item.name!r} ({excerpt(error, 300)}).") from error

    def _keep(self, item: Item, downloader: Downloader) -> KeptFile:
        item, description = self._described(item)
        unless = None
        if description is not None and self._is_there(description):
            if self._options.overwrite == "never":
                return self._already_there(description, item)
            found = description.get("validators") or {}
            unless = Validators(found.get("etag"), found.get("last_modified"))
        with self._folder.staging(item.name) as temporary:
            item, fetched = self._fetch(item, downloader, temporary, unless)
            if fetched is None or (unless is not None and _source_sha256(description) == fetched.sha256):
                return self._already_there(description or {}, item)
            return self._put(item, temporary, fetched, replaces=unless is not None)

    def _described(self, item: Item) -> tuple[Item, dict[str, Any] | None]:
        """Return the item under the name that it has or gets, and the description there, if there is one."""
        for name in dict.fromkeys((item.name, item.own_name)):
            item = replace(item, name=name)
            found = self._folder.read_json(item.description)
            if found is None:
                return item, None
            if item.is_described_by(found):
                return item, found
        raise SunoDownloadError(
            f"{self._folder.uri(item.description)} describes another file, so nothing is written there: move it away.",
            fatal=True,
        )

    def _is_there(self, description: dict[str, Any]) -> bool:
        return self._folder.has(description["file"], size=description["size"], sha256=description["sha256"])

    def _already_there(self, description: dict[str, Any], item: Item) -> KeptFile:
        kept = KeptFile(
            uri=self._folder.uri(str(description["file"])),
            size=int(description["size"]),
            sha256=str(description["sha256"]),
            media_type=str(description["media_type"]),
            fetched=False,
            **item.known,
        )
        self._log.info("already kept: %s (%s)", kept.uri, _shown_size(kept.size))
        return kept

    def _fetch(
        self, item: Item, downloader: Downloader, temporary: Path, unless: Validators | None
    ) -> tuple[Item, Fetched | None]:
        """Fetch a file; if its link has expired, once more by the link that the record has now. Return that, too."""
        fetch = partial(
            downloader.fetch,
            path=temporary,
            content=item.content,
            most_bytes=self._options.max_bytes,
            unless=unless,
        )
        try:
            return item, fetch(item.url)
        except SunoFileGoneError as error:
            gone = error
        url = self._renewed_url(item)
        if url not in (None, item.url):
            self._log.info("the link to %s has expired; the record has a new one", item.called)
            try:
                return replace(item, url=url), fetch(url)
            except SunoFileGoneError as error:
                gone = error
        raise SunoFileGoneError(
            f"{gone.message} The link to {item.called} has expired, and the record of {item.job} has no other one that "
            "works. The service deletes files after 14 days at the most. Another try reads the record again. "
            f"{item.way_on}".rstrip(),
            code=gone.code,
        )

    def _renewed_url(self, item: Item) -> str | None:
        """Return the link that the record has now; it is read once for all files."""
        with self._reading:
            if self._record_now is None:
                self._record_now = (self._read_again(),)
        [record] = self._record_now
        return None if record is None else item.url_in(record)

    def _put(self, item: Item, temporary: Path, fetched: Fetched, *, replaces: bool) -> KeptFile:
        """Give a fetched file its tags and its name."""
        size, sha256 = fetched.size, fetched.sha256
        if self._tags:
            size, sha256 = self._tagged(item, temporary, fetched)
        if replaces:
            # The file first: whatever dies in between, the next run finds that the two do not fit.
            file = f"{item.name}{fetched.media_type.extension}"
            self._folder.put(temporary, file)
            description = _description(item, fetched, file=file, size=size, sha256=sha256)
            self._folder.write_json(item.description, description, replace=True)
        else:
            item, file, is_there = self._claim(item, fetched, size, sha256)
            if not is_there:
                self._folder.put(temporary, file)
        kept = KeptFile(
            uri=self._folder.uri(file), size=size, sha256=sha256, media_type=fetched.media_type.name, **item.known
        )
        self._log.info("kept: %s (%s)", kept.uri, _shown_size(size))
        return kept

    def _claim(self, item: Item, fetched: Fetched, size: int, sha256: str) -> tuple[Item, str, bool]:
        """
        Write the description, which makes the name this file's own.

        :return: the item, the file's name, and whether that file is there already.
        """
        while True:
            file = f"{item.name}{fetched.media_type.extension}"
            is_there = self._is_there_already(file, size, sha256)
            description = _description(item, fetched, file=file, size=size, sha256=sha256)
            if self._folder.write_json(item.description, description, replace=False):
                return item, file, is_there
            # Another file may have got the name since it was looked for.
            named, _ = self._described(item)
            if named.name == item.name:  # it is this file's, or damaged
                self._folder.write_json(item.description, description, replace=True)
                return item, file, is_there
            item = named

    def _is_there_already(self, file: str, size: int, sha256: str) -> bool:
        """Return whether the same file is there already; with ``overwrite="never"``, another one is an error."""
        if self._options.overwrite != "never" or (there := self._folder.size(file)) is None:
            return False
        if there == size and self._folder.sha256(file) == sha256:
            return True
        raise SunoDownloadError(
            f"{self._folder.uri(file)} is there already with other content ({there} bytes, not {size}), and is left "
            'alone. Move it away, or let overwrite="if_changed" of a DownloadMusicOperator or of SunoHook.keep_files '
            "replace it.",
            fatal=True,
        )

    def _tagged(self, item: Item, temporary: Path, fetched: Fetched) -> tuple[int, str]:
        """Write tags into a file; return its size and checksum then."""
        try:
            if item.tags is None or not write_tags(temporary, fetched.media_type.extension, item.tags):
                return fetched.size, fetched.sha256
        except Exception as problem:  # noqa: BLE001  # mutagen's, of a file that it does not understand
            self._log.warning("%s gets no tags: %s", item.called, excerpt(problem, 200))
            if _sha256(temporary) != fetched.sha256:
                raise SunoDownloadError(f"Writing tags damaged {item.called}: try again.") from None
            return fetched.size, fetched.sha256
        return temporary.stat().st_size, _sha256(temporary)

    def _report(self, where: str, size: int, total: int | None) -> None:
        of_total = f" of {_shown_size(total)}" if total is not None else ""
        self._log.info("fetching %s: %s%s", where, _shown_size(size), of_total)


def _shown_size(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _source_sha256(description: dict[str, Any] | None) -> Any:
    return (description or {}).get("source_sha256")


def _description(item: Item, fetched: Fetched, *, file: str, size: int, sha256: str) -> dict[str, Any]:
    """Return what the JSON file beside a file says of it."""
    return {
        "file": file,
        "size": size,
        "sha256": sha256,
        "media_type": fetched.media_type.name,
        **item.about,
        "kept_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "source_url": without_query(item.url),
        "source_sha256": fetched.sha256,
        "validators": asdict(fetched.validators),
    }
