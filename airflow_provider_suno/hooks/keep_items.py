"""What there is to keep of a finished job: each file with its name, and with what its JSON file says of it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from airflow_provider_suno.api.endpoints.music import KIND, MusicTask, Track
from airflow_provider_suno.api.file_names import file_name, job_file_name, with_id
from airflow_provider_suno.api.jobs import JobRef
from airflow_provider_suno.api.media_types import Content
from airflow_provider_suno.api.record import JobRecord
from airflow_provider_suno.api.result_file import ResultFile
from airflow_provider_suno.exceptions import SunoDownloadError
from airflow_provider_suno.hooks.keep_options import KeepOptions
from airflow_provider_suno.hooks.tags import Tags
from airflow_provider_suno.polling.finished import choose_track
from airflow_provider_suno.polling.worker import Log

_DIGITS_OF_AN_OWN_NAME = 12


@dataclass(frozen=True, kw_only=True)
class Item:
    """
    One file to keep.

    :param job: the job that has made it.
    :param called: what it is, for messages, such as ``track a1``.
    :param url: where it is.
    :param url_in: returns where it is by another reading of the record; ``None`` if that does not tell.
    :param content: what it must hold.
    :param name: its name without the extension.
    :param own_name: the name to use if another file has that one.
    :param described_by: the ending of its JSON file.
    :param identity: what its JSON file says and that of no other file does; ``None`` stands for what it must not say.
    :param about: what its JSON file says of it, besides what was fetched.
    :param known: what the :class:`~airflow_provider_suno.hooks.keep_options.KeptFile` says of it, likewise.
    :param tags: what to write into the file itself.
    :param optional: whether the other files are kept without it if the host does not have it any more.
    :param way_on: a sentence on what to do if the host does not have it any more.
    """

    job: JobRef
    called: str
    url: str
    url_in: Callable[[JobRecord], str | None]
    content: Content
    name: str
    own_name: str
    described_by: str = ".json"
    identity: Mapping[str, Any]
    about: Mapping[str, Any]
    known: Mapping[str, Any]
    tags: Tags | None = None
    optional: bool = False
    way_on: str = ""

    @property
    def description(self) -> str:
        """The name of its JSON file."""
        return f"{self.name}{self.described_by}"

    def is_described_by(self, found: Any) -> bool:
        """Return whether the content of a JSON file describes it, under the name that it has."""
        if not isinstance(found, dict) or any(found.get(name) != value for name, value in self.identity.items()):
            return False
        texts = all(isinstance(found.get(name), str) for name in ("file", "sha256", "media_type"))
        return texts and found["file"].startswith(f"{self.name}.") and isinstance(found.get("size"), int)


def items_of_music(record: MusicTask, options: KeepOptions, log: Log) -> list[Item]:
    """Return what is to be kept of a music task, each under a name that no other track of the record has."""
    tracks = _chosen(record, options)
    names = {track.audio_id: _name(track, number, record, options) for number, track in enumerate(record.tracks)}
    shared = Counter(name.casefold() for name in names.values())
    items: list[Item] = []
    for track in tracks:
        name = names[track.audio_id]
        own_name = with_id(name, track.audio_id)
        name = own_name if shared[name.casefold()] > 1 else name
        items.append(_track(record, track, name, own_name))
        if options.covers and (picture := _picture_of(track)):
            items.append(_cover(record, track, picture, name, own_name))
        elif options.covers:
            log.warning("track %s has no cover picture", track.audio_id)
    return items


def _chosen(record: MusicTask, options: KeepOptions) -> list[Track]:
    if options.audio_ids is not None:
        return [choose_track(record, audio_id, 0) for audio_id in options.audio_ids]
    if options.track is not None:
        return [choose_track(record, None, options.track)]
    if not record.playable:
        raise SunoDownloadError(
            f"Music task {record.music_task_id} has no track with an audio file (status {record.status})."
        )
    return list(record.playable)


def _name(track: Track, number: int, record: MusicTask, options: KeepOptions) -> str:
    known = {name: getattr(track, name) for name in ("title", "audio_id", "model_name", "duration", "tags")}
    known |= {"track": number, "music_task_id": record.music_task_id}
    known |= {"model": record.model or track.model_name, "persona_id": record.persona_id}
    return file_name(options.name, known)


def _track(record: MusicTask, track: Track, name: str, own_name: str) -> Item:
    ids = f"music_task_id={record.music_task_id} audio_id={track.audio_id}"
    return Item(
        job=JobRef(KIND, record.music_task_id),
        called=f"track {track.audio_id}",
        url=str(track.audio_url),
        url_in=partial(_url_of_track, track.audio_id, lambda found: found.audio_url),
        content="audio",
        name=name,
        own_name=own_name,
        identity=_identity_of(track),
        about=_about(record, track),
        known=_known(record, track, duration=track.duration),
        tags=Tags(track.title, record.persona_id, ids),
        way_on=(
            "Some hosts can recover a song, which may cost credits: "
            f"RecoverMusicOperator(music_task_id={record.music_task_id!r})."
        ),
    )


def _cover(record: MusicTask, track: Track, url: str, name: str, own_name: str) -> Item:
    return Item(
        job=JobRef(KIND, record.music_task_id),
        called=f"the cover of track {track.audio_id}",
        url=url,
        url_in=partial(_url_of_track, track.audio_id, _picture_of),
        content="picture",
        name=name,
        own_name=own_name,
        described_by=".cover.json",
        identity=_identity_of(track),
        about=_about(record, track),
        known=_known(record, track, duration=None),
        optional=True,
    )


def _picture_of(track: Track) -> str | None:
    return track.image_url or track.source_image_url


def _url_of_track(audio_id: str, url_of: Callable[[Track], str | None], record: JobRecord) -> str | None:
    tracks = cast("MusicTask", record).tracks
    return next((url_of(track) for track in tracks if track.audio_id == audio_id), None)


def _identity_of(track: Track) -> dict[str, Any]:
    return {"audio_id": track.audio_id, "job_id": None}  # a file that was made from the track names its job, too


def _about(record: MusicTask, track: Track) -> dict[str, Any]:
    return {
        "audio_id": track.audio_id,
        "music_task_id": record.music_task_id,
        "title": track.title,
        "tags": track.tags,
        "prompt": track.prompt,
        "model": record.model or track.model_name,
        "persona_id": record.persona_id,
        "duration": track.duration,
        "created_at": track.create_time.isoformat() if track.create_time else None,
    }


def _known(record: MusicTask, track: Track, *, duration: float | None) -> dict[str, Any]:
    return {
        "audio_id": track.audio_id,
        "title": track.title,
        "duration": duration,
        "music_task_id": record.music_task_id,
    }


def items_of_job(job: JobRef, record: JobRecord) -> list[Item]:
    """Return the files of a finished job of another kind than music, each under a name of its own."""
    files = _by_part(record.files())
    names = {part: job_file_name(job.id, part) if len(files) > 1 else job_file_name(job.id) for part in files}
    shared = Counter(name.casefold() for name in names.values())
    asked = record.request()
    source = {name: getattr(record, name, None) or asked.get(name) for name in ("audio_id", "music_task_id")}
    items = []
    for part, file in files.items():
        identity = {"kind": job.kind.name, "job_id": job.id, "part": part}
        own_name = with_id(names[part], _digest(*identity.values()))
        items.append(
            Item(
                job=job,
                called=f"{part} of {job}" if len(files) > 1 else str(job),
                url=file.url,
                url_in=partial(_url_of_part, part),
                content=file.content,
                name=own_name if shared[names[part].casefold()] > 1 else names[part],
                own_name=own_name,
                identity=identity,
                about={**identity, **source},
                known={**identity, **source, "title": None, "duration": None},
            )
        )
    return items


def _by_part(files: Sequence[ResultFile]) -> dict[str, ResultFile]:
    """Return files by their parts; of several that say the same part, the later ones are numbered."""
    found: dict[str, ResultFile] = {}
    for file in files:
        found[next(part for part in _numbered(file.part) if part not in found)] = file
    return found


def _numbered(part: str) -> Iterator[str]:
    yield part
    number = 2
    while True:
        yield f"{part} {number}"
        number += 1


def _url_of_part(part: str, record: JobRecord) -> str | None:
    file = _by_part(record.files()).get(part)
    return None if file is None else file.url


def _digest(*words: str) -> str:
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:_DIGITS_OF_AN_OWN_NAME]
