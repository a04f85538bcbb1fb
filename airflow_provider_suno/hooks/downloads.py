"""
Keep the tracks of a music task: choose them, name them, fetch them, and put them where they belong.

Beside each track lies a small JSON file that says what it is, with its checksum. A second run reads it and fetches
nothing that is there. It is written before the track gets its name, so a track that can be seen has its description.
"""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_suno.api.endpoints.music import MusicTask, Track
from airflow_provider_suno.api.file_names import file_name, with_id
from airflow_provider_suno.api.media_types import Content
from airflow_provider_suno.api.text import excerpt
from airflow_provider_suno.exceptions import SunoDownloadError, SunoError, SunoFileGoneError
from airflow_provider_suno.hooks.keep_options import KeepOptions, KeptFile
from airflow_provider_suno.hooks.storage import Folder
from airflow_provider_suno.hooks.tags import NOT_INSTALLED, Tags, can_tag, write_tags
from airflow_provider_suno.http.cancellation import Cancellation
from airflow_provider_suno.http.downloads import Downloader, Fetched, Validators
from airflow_provider_suno.http.media_session import MediaSession, without_query
from airflow_provider_suno.polling.finished import choose_track

if TYPE_CHECKING:
    from airflow_provider_suno.http.settings import MediaSettings


@dataclass(frozen=True)
class _Item:
    """One file to keep: where it comes from, what it must hold, and its name without the extension."""

    music_task_id: str
    track: Track
    url: str
    content: Content
    name: str
    own_name: str
    """The name to use if another track has the name."""

    @property
    def described_by(self) -> str:
        """The name of its JSON file."""
        return f"{self.name}.json" if self.content == "audio" else f"{self.name}.cover.json"


class Keeper:
    """
    Keep tracks in a folder.

    :param folder: where.
    :param options: which, and how.
    :param settings: how to reach the media hosts.
    :param cancellation: ends transfers.
    :param log: the task's log.
    :param renewed: reads a music task's record again, since its links may be new ones; ``None`` if it is not known.
    """

    def __init__(
        self,
        folder: Folder,
        options: KeepOptions,
        *,
        settings: MediaSettings,
        cancellation: Cancellation,
        log: Any,
        renewed: Callable[[str], MusicTask | None],
    ) -> None:
        self._folder = folder
        self._options = options
        self._settings = settings
        self._cancellation = cancellation
        self._log = log
        self._renewed = renewed
        self._record_again: MusicTask | None = None
        self._renewing = threading.Lock()
        self._tags = can_tag()

    def keep(self, record: MusicTask) -> list[KeptFile]:
        """
        Keep the tracks of a finished music task; return the files in the order of the tracks.

        :raises SunoDownloadError: when a file could not be fetched or put; the others are kept all the same.
        """
        items = self._items(record)
        self._folder.clean(item.name for item in items)
        with MediaSession(self._settings) as session, self._cancellation.breaking_off(session.break_off):
            downloader = Downloader(session, cancellation=self._cancellation, report=self._report)
            kept = self._keep_at_once(items, record, downloader)
        if not self._tags and any(file.fetched for file in kept):
            self._log.info("%s", NOT_INSTALLED)
        return kept

    def _keep_at_once(self, items: Sequence[_Item], record: MusicTask, downloader: Downloader) -> list[KeptFile]:
        pool = ThreadPoolExecutor(self._options.parallel, thread_name_prefix="suno-keep")
        futures: list[Future[KeptFile | None]] = []
        try:
            futures = [pool.submit(self._keep_one, item, record, downloader) for item in items]
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

    def _items(self, record: MusicTask) -> list[_Item]:
        """Return what is to be kept, each under a name that no other track of the record has."""
        tracks = self._chosen(record)
        names = {track.audio_id: self._name(track, number, record) for number, track in enumerate(record.tracks)}
        shared = Counter(name.casefold() for name in names.values())
        items = []
        for track in tracks:
            name = names[track.audio_id]
            own_name = with_id(name, track.audio_id)
            name = own_name if shared[name.casefold()] > 1 else name
            items.append(_Item(record.music_task_id, track, str(track.audio_url), "audio", name, own_name))
            picture = track.image_url or track.source_image_url
            if self._options.covers and picture:
                items.append(_Item(record.music_task_id, track, picture, "picture", name, own_name))
            elif self._options.covers:
                self._log.warning("track %s has no cover picture", track.audio_id)
        return items

    def _chosen(self, record: MusicTask) -> list[Track]:
        options = self._options
        if options.audio_ids is not None:
            return [choose_track(record, audio_id, 0) for audio_id in options.audio_ids]
        if options.track is not None:
            return [choose_track(record, None, options.track)]
        if not record.playable:
            raise SunoDownloadError(
                f"Music task {record.music_task_id} has no track with an audio file (status {record.status})."
            )
        return list(record.playable)

    def _name(self, track: Track, number: int, record: MusicTask) -> str:
        known = {name: getattr(track, name) for name in ("title", "audio_id", "model_name", "duration", "tags")}
        known |= {"track": number, "music_task_id": record.music_task_id}
        known |= {"model": record.model or track.model_name, "persona_id": record.persona_id}
        return file_name(self._options.name, known)

    def _keep_one(self, item: _Item, record: MusicTask, downloader: Downloader) -> KeptFile | None:
        """Keep a file, unless it is a picture that is not there any more."""
        try:
            return self._keep(item, record, downloader)
        except SunoFileGoneError as error:
            if item.content == "audio":
                raise
            self._log.warning("track %s is kept without its cover: %s", item.track.audio_id, error)
            return None
        except SunoError:
            raise
        except Exception as error:
            raise SunoDownloadError(
                f"Track {item.track.audio_id} could not be kept in {item.name!r} ({excerpt(error, 300)})."
            ) from error

    def _keep(self, item: _Item, record: MusicTask, downloader: Downloader) -> KeptFile:
        item, description = self._described(item)
        unless = None
        if description is not None and self._is_there(description):
            if self._options.overwrite == "never":
                return self._already_there(description, item)
            found = description.get("validators") or {}
            unless = Validators(found.get("etag"), found.get("last_modified"))
        with self._folder.staging(item.name) as temporary:
            item, fetched = self._fetch(item, record, downloader, temporary, unless)
            if fetched is None or (unless is not None and _source_sha256(description) == fetched.sha256):
                return self._already_there(description or {}, item)
            return self._put(item, record, temporary, fetched, replaces=unless is not None)

    def _described(self, item: _Item) -> tuple[_Item, dict[str, Any] | None]:
        """Return the item under the name that it has or gets, and the description there, if there is one."""
        for name in dict.fromkeys((item.name, item.own_name)):
            item = replace(item, name=name)
            found = self._folder.read_json(item.described_by)
            if found is None:
                return item, None
            if _describes(found, item):
                return item, found
        raise SunoDownloadError(
            f"{self._folder.uri(item.described_by)} describes another file, so nothing is written there: move it away.",
            fatal=True,
        )

    def _is_there(self, description: dict[str, Any]) -> bool:
        return self._folder.has(description["file"], size=description["size"], sha256=description["sha256"])

    def _already_there(self, description: dict[str, Any], item: _Item) -> KeptFile:
        kept = KeptFile(
            uri=self._folder.uri(str(description["file"])),
            audio_id=item.track.audio_id,
            title=item.track.title,
            size=int(description["size"]),
            sha256=str(description["sha256"]),
            media_type=str(description["media_type"]),
            duration=item.track.duration if item.content == "audio" else None,
            music_task_id=item.music_task_id,
            fetched=False,
        )
        self._log.info("already kept: %s (%s)", kept.uri, _shown_size(kept.size))
        return kept

    def _fetch(
        self, item: _Item, record: MusicTask, downloader: Downloader, temporary: Path, unless: Validators | None
    ) -> tuple[_Item, Fetched | None]:
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
        url = self._renewed_url(item, record)
        if url not in (None, item.url):
            self._log.info("the link to track %s has expired; its record has a new one", item.track.audio_id)
            try:
                return replace(item, url=url), fetch(url)
            except SunoFileGoneError as error:
                gone = error
        what, way_on = "cover's link", ""
        if item.content == "audio":
            what, way_on = "link", " Some hosts can recover a song, which may cost credits."
        raise SunoFileGoneError(
            f"{gone.message} The {what} of track {item.track.audio_id} has expired, and the record of music task "
            f"{record.music_task_id} has no other one that works. The service deletes files after 14 days at the most. "
            f"Another try reads the record again.{way_on}",
            code=gone.code,
        )

    def _renewed_url(self, item: _Item, record: MusicTask) -> str | None:
        with self._renewing:
            if self._record_again is None:
                self._record_again = self._renewed(record.music_task_id) or record
        track = next((one for one in self._record_again.tracks if one.audio_id == item.track.audio_id), None)
        if track is None:
            return None
        return track.audio_url if item.content == "audio" else track.image_url or track.source_image_url

    def _put(self, item: _Item, record: MusicTask, temporary: Path, fetched: Fetched, *, replaces: bool) -> KeptFile:
        """Give a fetched file its tags and its name."""
        size, sha256 = fetched.size, fetched.sha256
        if item.content == "audio" and self._tags:
            size, sha256 = self._tagged(item, record, temporary, fetched)
        if replaces:
            # The file first: whatever dies in between, the next run finds that the two do not fit.
            file = f"{item.name}{fetched.media_type.extension}"
            self._folder.put(temporary, file)
            description = _description(item, record, fetched, file=file, size=size, sha256=sha256)
            self._folder.write_json(item.described_by, description, replace=True)
        else:
            item, file, is_there = self._claim(item, record, fetched, size, sha256)
            if not is_there:
                self._folder.put(temporary, file)
        kept = KeptFile(
            uri=self._folder.uri(file),
            audio_id=item.track.audio_id,
            title=item.track.title,
            size=size,
            sha256=sha256,
            media_type=fetched.media_type.name,
            duration=item.track.duration if item.content == "audio" else None,
            music_task_id=item.music_task_id,
        )
        self._log.info("kept: %s (%s)", kept.uri, _shown_size(size))
        return kept

    def _claim(
        self, item: _Item, record: MusicTask, fetched: Fetched, size: int, sha256: str
    ) -> tuple[_Item, str, bool]:
        """
        Write the description, which makes the name this track's own.

        :return: the item, the file's name, and whether that file is there already.
        """
        while True:
            file = f"{item.name}{fetched.media_type.extension}"
            is_there = self._is_there_already(file, size, sha256)
            description = _description(item, record, fetched, file=file, size=size, sha256=sha256)
            if self._folder.write_json(item.described_by, description, replace=False):
                return item, file, is_there
            # Another track may have got the name since it was looked for.
            named, _ = self._described(item)
            if named.name == item.name:  # it is this track's, or damaged
                self._folder.write_json(item.described_by, description, replace=True)
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
            'alone. Move it away, or let a DownloadMusicOperator with overwrite="if_changed" replace it.',
            fatal=True,
        )

    def _tagged(self, item: _Item, record: MusicTask, temporary: Path, fetched: Fetched) -> tuple[int, str]:
        """Write tags into a file; return its size and checksum then."""
        ids = f"music_task_id={record.music_task_id} audio_id={item.track.audio_id}"
        tags = Tags(item.track.title, record.persona_id, ids)
        try:
            if not write_tags(temporary, fetched.media_type.extension, tags):
                return fetched.size, fetched.sha256
        except Exception as problem:  # noqa: BLE001  # mutagen's, of a file that it does not understand
            self._log.warning("track %s gets no tags: %s", item.track.audio_id, excerpt(problem, 200))
            if _sha256(temporary) != fetched.sha256:
                raise SunoDownloadError(f"Writing tags damaged track {item.track.audio_id}: try again.") from None
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


def _describes(found: Any, item: _Item) -> bool:
    """Return whether the content of a JSON file describes an item under the name that it has."""
    if not isinstance(found, dict) or found.get("audio_id") != item.track.audio_id:
        return False
    texts = all(isinstance(found.get(name), str) for name in ("file", "sha256", "media_type"))
    return texts and found["file"].startswith(f"{item.name}.") and isinstance(found.get("size"), int)


def _source_sha256(description: dict[str, Any] | None) -> Any:
    return (description or {}).get("source_sha256")


def _description(
    item: _Item, record: MusicTask, fetched: Fetched, *, file: str, size: int, sha256: str
) -> dict[str, Any]:
    """Return what the JSON file beside a file says of it."""
    track = item.track
    return {
        "file": file,
        "size": size,
        "sha256": sha256,
        "media_type": fetched.media_type.name,
        "audio_id": track.audio_id,
        "music_task_id": record.music_task_id,
        "title": track.title,
        "tags": track.tags,
        "prompt": track.prompt,
        "model": record.model or track.model_name,
        "persona_id": record.persona_id,
        "duration": track.duration,
        "created_at": track.create_time.isoformat() if track.create_time else None,
        "kept_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "source_url": without_query(item.url),
        "source_sha256": fetched.sha256,
        "validators": asdict(fetched.validators),
    }
