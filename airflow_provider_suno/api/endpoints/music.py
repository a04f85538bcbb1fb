"""
Music tasks: the record, its tracks, and how it is judged (docs.apikley.ru, "get-music-details").

What can be asked for is in :mod:`airflow_provider_suno.api.endpoints.music_requests`, which a Dag file loads.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import AliasChoices, BeforeValidator, Field, model_validator

from airflow_provider_suno.api.jobs import RUNNING, JobKind, JobState, Until, Verdict
from airflow_provider_suno.api.judging import advice_on, class_of_failure, how_it_ended
from airflow_provider_suno.api.parsing import readable_id, text_of
from airflow_provider_suno.api.record import (
    Identifier,
    JobRecord,
    LooseSeconds,
    LooseText,
    LooseTime,
    MediaUrl,
    Record,
    Status,
    either,
    read_job_record,
    reason_of,
    unpacked,
)
from airflow_provider_suno.api.text import excerpt, printable
from airflow_provider_suno.exceptions import (
    SunoError,
    SunoMusicTaskFailedError,
    SunoMusicTaskTimeoutError,
    SunoProtocolError,
    SunoValidationError,
)

FallbackAddress = Literal["source_audio_url", "stream_audio_url"]

_LAST_REFUSED_MODEL = (3, 5)
_LONGEST_LIST_OF_TRACKS = 2500
_LONGEST_TITLE = 80
_LONGEST_REMARK = 300

FALLBACKS: tuple[FallbackAddress, ...] = ("source_audio_url", "stream_audio_url")
"""Where a finished track is looked for when its ``audio_url`` is missing, the best first."""


class MusicStatus(StrEnum):
    """The documented statuses of a record; others occur and count as running, or as failed by their ending."""

    PENDING = "PENDING"
    TEXT_SUCCESS = "TEXT_SUCCESS"
    FIRST_SUCCESS = "FIRST_SUCCESS"
    SUCCESS = "SUCCESS"
    CREATE_TASK_FAILED = "CREATE_TASK_FAILED"
    GENERATE_AUDIO_FAILED = "GENERATE_AUDIO_FAILED"
    SENSITIVE_WORD_ERROR = "SENSITIVE_WORD_ERROR"
    CALLBACK_EXCEPTION = "CALLBACK_EXCEPTION"


def _parameters(value: Any) -> dict[str, Any]:
    value = unpacked(value)
    return value if isinstance(value, dict) else {}


def _tracks(value: Any, depth: int = 2) -> list[Any]:
    """Find the list of tracks: the value itself, under its documented key, or under another one, perhaps deeper."""
    value = unpacked(value)
    if isinstance(value, (list, tuple)):
        return [track for item in value if (track := _track(item)) is not None]
    if not isinstance(value, Mapping) or depth == 0:
        return []
    candidates = [value.get("sunoData"), *value.values()]
    return next((found for candidate in candidates if (found := _tracks(candidate, depth - 1))), [])


def _track(value: Any) -> Any:
    """Return what is a track under the first of its ids that can be read, ``None`` when it is none."""
    if isinstance(value, Track) or not isinstance(value, Mapping):
        return value if isinstance(value, Track) else None
    ids = (readable_id(value.get(name)) for name in ("id", "audioId", "audio_id"))
    audio_id = next(filter(None, ids), None)
    return None if audio_id is None else {**value, "id": audio_id}


_Fallback = Annotated[FallbackAddress | None, BeforeValidator(lambda value: value if value in FALLBACKS else None)]


class Track(Record):
    """
    One song of a music task.

    ``audio_url``, ``stream_audio_url``, ``image_url``, and ``source_…`` of each: ``None`` until the service has them;
    they die after about 14 days. A placeholder (such as ``…/None.mp3``) counts as ``None``. ``audio_url_from``: which
    other address stands in ``audio_url``, when a finished track came without one of its own. ``duration``: seconds,
    ``None`` before rendering. ``model_name``: the service's code name (``chirp-…``).
    """

    audio_id: Identifier = Field(validation_alias=AliasChoices("id", "audioId", "audio_id"))
    title: LooseText = None
    audio_url: MediaUrl = either("audio_url")
    audio_url_from: _Fallback = None
    source_audio_url: MediaUrl = either("source_audio_url")
    stream_audio_url: MediaUrl = either("stream_audio_url")
    source_stream_audio_url: MediaUrl = either("source_stream_audio_url")
    image_url: MediaUrl = either("image_url")
    source_image_url: MediaUrl = either("source_image_url")
    duration: LooseSeconds = None
    tags: LooseText = None
    prompt: LooseText = None
    model_name: LooseText = either("model_name")
    create_time: LooseTime = either("create_time")

    @property
    def complete(self) -> bool:
        """Whether its audio file is there."""
        return self.audio_url is not None

    def with_fallback(self, fallbacks: Sequence[FallbackAddress]) -> Track:
        """
        Return the same track with another address in ``audio_url`` when it has none of its own.

        :param fallbacks: which addresses may take its place, the best first.
        """
        found = next((name for name in fallbacks if getattr(self, name) is not None), None)
        if self.complete or found is None:
            return self
        return self.model_copy(update={"audio_url": getattr(self, found), "audio_url_from": found})

    def in_words(self) -> str:
        """Say its title, its length, its address and its id."""
        title = printable(self.title, _LONGEST_TITLE) if self.title else "without a title"
        length = f", {int(self.duration) // 60}:{int(self.duration) % 60:02d}" if self.duration else ""
        return f"{title}{length}: {self.audio_url} (audio_id {self.audio_id})"

    def described(self) -> str:
        """Name it for people: its id, its title if it has one, and where its audio is."""
        title = f'"{printable(self.title, _LONGEST_TITLE)}", ' if self.title else ""
        return f"{self.audio_id} ({title}{self.audio_url})"


class MusicTask(JobRecord):
    """
    The record of a music task, as ``record-info`` returns it.

    ``status`` is kept as the service spells it, known or not (up to 100 characters, what does not show escaped).
    ``error_code`` and ``error_message`` are set on failed ones. When the job has ended, a track without an
    ``audio_url`` takes another of its addresses (:data:`FALLBACKS`), and :meth:`remarks` says so. ``parameters`` is
    the request that made it, as the service stored it.
    """

    music_task_id: Identifier = Field(validation_alias=AliasChoices("taskId", "music_task_id", "task_id"))
    status: Status = "UNKNOWN"
    tracks: Annotated[tuple[Track, ...], BeforeValidator(_tracks)] = Field(
        default=(), validation_alias=AliasChoices("response", "tracks", "data")
    )
    type: LooseText = None
    operation_type: LooseText = either("operation_type")
    parameters: Annotated[dict[str, Any], BeforeValidator(_parameters), Field(exclude=True)] = Field(
        default_factory=dict, validation_alias=AliasChoices("param", "parameters")
    )

    @model_validator(mode="before")
    @classmethod
    def _read_the_innerreason_of(cls, data: Any) -> Any:
        """Take the reason of a failure from beside the tracks when the record itself gives none."""
        if not isinstance(data, Mapping):
            return data
        reason = reason_of(data) or reason_of(unpacked(data.get("response")))
        return data if reason is None else {**data, "errorMessage": reason}

    @model_validator(mode="after")
    def _fall_back_at_the_end(self) -> Self:
        """
        Lose no finished track to a missing address.

        A stream is finished audio at SUCCESS only. A source's address is there once the audio is, so it also counts
        for a job that failed or whose callback failed.
        """
        if self.failure() is not None or self.callback_failed:
            fallbacks: tuple[FallbackAddress, ...] = ("source_audio_url",)
        elif self.status == MusicStatus.SUCCESS:
            fallbacks = FALLBACKS
        else:
            return self
        object.__setattr__(self, "tracks", tuple(track.with_fallback(fallbacks) for track in self.tracks))
        return self

    @property
    def id(self) -> str:
        """The ``music_task_id``."""
        return self.music_task_id

    @property
    def state_word(self) -> str:
        """The status."""
        return self.status

    def result(self) -> list[str]:
        """Return the ids of its tracks."""
        return self.audio_ids

    def result_in_words(self) -> str:
        """Name the tracks, a line for each: its title, its length and its address."""
        return "".join(f"\n  {track.in_words()}" for track in self.tracks)

    @property
    def audio_ids(self) -> list[str]:
        """The ids of its tracks, in the service's order."""
        return [track.audio_id for track in self.tracks]

    @property
    def complete(self) -> bool:
        """Whether every track has its audio file, by content, whatever the status says."""
        return bool(self.tracks) and all(track.complete for track in self.tracks)

    @property
    def callback_failed(self) -> bool:
        """Whether the service says only that its callback was not delivered, not that the music failed."""
        return self.status == MusicStatus.CALLBACK_EXCEPTION and self.failure() is None

    def finished(self, until: Until = "all") -> bool:
        """
        Return whether what is wanted of it is there; a failed one is for :meth:`failure` to tell.

        :param until: ``all``: the service says SUCCESS, or every track has its audio file although the callback
            failed. ``first``: one track has its audio file.
        """
        with_audio = any(track.complete for track in self.tracks)
        if until == "first":
            return with_audio
        return with_audio and (self.status == MusicStatus.SUCCESS or (self.callback_failed and self.complete))

    def choose_track(self, audio_id: str | None = None, number: int = 0) -> Track:
        """
        Return one of its tracks.

        :param audio_id: which; ``None`` goes by ``number``.
        :param number: which, counted from 0.
        :raises SunoValidationError: when there is no such track.
        """
        where = f"music task {self.music_task_id} has {len(self.tracks)}: {printable(', '.join(self.audio_ids), 600)}"
        if audio_id is not None:
            for track in self.tracks:
                if track.audio_id == audio_id:
                    return track
            raise SunoValidationError(f"audio_id: {excerpt(audio_id)} is none of its tracks; {where}.")
        if number >= len(self.tracks):
            raise SunoValidationError(f"track: there is no number {number}, counted from 0; {where}.")
        return self.tracks[number]

    @property
    def model(self) -> str | None:
        """The model that it was asked of, as the service keeps the request; ``None`` when it does not say."""
        return text_of(self.parameters.get("model"))

    @property
    def playable(self) -> tuple[Track, ...]:
        """The tracks whose audio file is there."""
        return tuple(track for track in self.tracks if track.complete)

    def remarks(self) -> list[str]:
        """Return what is odd about the addresses of its tracks, in words."""
        return [
            f"track {track.audio_id} came without an audio_url; its {track.audio_url_from} is used instead"
            for track in self.tracks
            if track.audio_url_from is not None
        ]

    def playable_in_words(self) -> str:
        """Return a sentence that names the tracks that can be played."""
        named = printable("; ".join(track.described() for track in self.playable), _LONGEST_LIST_OF_TRACKS)
        return f"These tracks of it can be played all the same: {named}."

    @property
    def says_success_without_audio(self) -> bool:
        """Whether the service calls it finished although nothing can be heard: a failed read, not a result."""
        return self.status == MusicStatus.SUCCESS and self.failure() is None and not self.finished("first")

    def with_complete_tracks(self) -> MusicTask:
        """Return the same record with only the tracks whose audio file is there."""
        return self.model_copy(update={"tracks": self.playable})

    def made_by_refused_model(self, audio_id: str) -> str | None:
        """Return the name of the source model when it is too old (V3_5 or before) for a persona."""
        names = [track.model_name for track in self.tracks if track.audio_id == audio_id]
        names += [self.model, self.type]
        return next((name for name in names if name and _is_refused_model(name)), None)

    def failure(self, *, fatal: bool | None = None) -> SunoError | None:
        """
        Return why the job ended badly, ``None`` when it did not (yet).

        ``error_code`` decides before ``status``. The error names the tracks that can be played all the same.

        :param fatal: whether the error is fatal; ``None`` leaves it to its class.
        """
        error_class = class_of_failure(
            self.error_code,
            says_rejected=self.status == MusicStatus.SENSITIVE_WORD_ERROR,
            says_failed=_names_failure(self.status),
            failed=SunoMusicTaskFailedError,
        )
        if error_class is None:
            return None
        said, advice = how_it_ended("music task", self), advice_on(error_class)
        if self.playable and error_class is SunoMusicTaskFailedError:
            advice = ""
        if self.playable:
            keep = (
                f"{self.playable_in_words()} So it may have been charged: look at your balance. To use "
                f"these tracks, set music_task_id={self.music_task_id!r} and until='first', or download them; neither "
                "costs anything. A new submission costs again."
            )
            advice = f"{keep} {advice}".rstrip()
        return error_class(
            f"{said} {advice}",
            code=self.error_code,
            music_task_id=self.music_task_id,
            job_id=self.music_task_id,
            fatal=fatal,
        )


def _names_failure(status: str) -> bool:
    return status.endswith(("_FAILED", "_ERROR"))


def _is_refused_model(name: str) -> bool:
    match = re.match(r"(?:chirp[-_])?v(\d{1,9})(?:[-_.](\d{1,9}))?(?![a-z0-9])", name.strip().lower())
    return match is not None and (int(match[1]), int(match[2] or 0)) <= _LAST_REFUSED_MODEL


def read_music_task(data: Any, music_task_id: str) -> MusicTask | None:
    """
    Return the record of a music task, ``None`` when the service does not know the id (yet).

    :raises SunoProtocolError: when ``data`` is no record, or that of another music task.
    """
    return read_job_record(MusicTask, KIND.noun, data, music_task_id)


def judge(record: MusicTask, until: Until) -> Verdict:
    """
    Say what a record means.

    :param record: the record.
    :param until: ``all``: the service says SUCCESS, or every track has its audio file although the callback failed.
        ``first``: one track has its audio file, even of a job that failed.
    """
    playable = record.with_complete_tracks() if record.playable else None
    failure = record.failure()
    if record.says_success_without_audio:
        return Verdict(JobState.RUNNING, error=SunoProtocolError(_NO_AUDIO_YET))
    if failure is not None and not (until == "first" and record.playable):
        return Verdict(JobState.FAILED, record=playable, error=failure)
    if record.finished(until):
        return Verdict(JobState.FINISHED, record=playable, remarks=tuple(_remarks(record)))
    if record.callback_failed:
        return Verdict(JobState.RUNNING, record=playable, error_if_it_stays=_callback_failed(record))
    return RUNNING


_NO_AUDIO_YET = (
    "The record says SUCCESS, but no track of it has an address that can be used: audioUrl, sourceAudioUrl and "
    "streamAudioUrl are empty or placeholders."
)


def _remarks(record: MusicTask) -> list[str]:
    """Return what is odd about a finished record, in words."""
    remarks = record.with_complete_tracks().remarks()
    if record.failure() is not None:
        why = printable(record.error_message or "no reason given", _LONGEST_REMARK)
        remarks.append(
            f"it ended as {record.status} (error code {record.error_code}: {why}). {record.playable_in_words()} "
            "That is enough for until='first'; look at your balance to see whether it was charged"
        )
    elif record.callback_failed:
        remarks.append("the service could not deliver its callback (CALLBACK_EXCEPTION), but the audio is there")
    elif record.status == MusicStatus.SUCCESS and not record.complete:
        remarks.append(f"only {len(record.playable)} of {len(record.tracks)} tracks have an audio file")
    return remarks


def _callback_failed(record: MusicTask) -> SunoMusicTaskFailedError:
    playable = f"{record.playable_in_words()} until='first' takes them at once. " if record.playable else ""
    return SunoMusicTaskFailedError(
        f"Music task {record.music_task_id} ended as CALLBACK_EXCEPTION (its callback was not delivered) and its audio "
        f"did not appear within 10 minutes. {playable}Look at the service's own log page before paying again. "
        f"Set music_task_id={record.music_task_id!r} to resume this job; nothing is charged again.",
        music_task_id=record.music_task_id,
        job_id=record.music_task_id,
    )


KIND = JobKind(
    name="music",
    noun="music task",
    id_parameter="music_task_id",
    record_key="music_task",
    record_path="/api/v1/generate/record-info",
    statuses=frozenset(MusicStatus),
    usual_duration={"all": 120.0, "first": 60.0},
    no_result_before=20.0,
    read=read_music_task,
    judge=judge,
    nearly_done=frozenset({MusicStatus.FIRST_SUCCESS}),
    failed=SunoMusicTaskFailedError,
    timed_out=SunoMusicTaskTimeoutError,
)
"""Music: unknown ids have ``data: null``."""
