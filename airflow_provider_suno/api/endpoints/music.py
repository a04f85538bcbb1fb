"""
Music tasks: the record, its tracks, and how it is judged (docs.apikley.ru, "get-music-details").

The requests are in :mod:`airflow_provider_suno.api.endpoints.music_requests`, which a Dag file imports.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import AliasChoices, BeforeValidator, Field, model_validator

from airflow_provider_suno.api.jobs import RUNNING, JobKind, JobState, Until, Verdict
from airflow_provider_suno.api.judging import advice_on, class_of_failure, how_it_ended, says_failed
from airflow_provider_suno.api.parsing import readable_id
from airflow_provider_suno.api.record import (
    Identifier,
    JobRecord,
    LooseNumber,
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
"""What replaces the missing ``audio_url`` of a finished track, the best first."""


class MusicStatus(StrEnum):
    """The documented statuses; others count as running, or as failed if they say so (:func:`says_failed`)."""

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
    """Find the list of tracks: the value itself, or under ``sunoData`` or another key, perhaps one level deeper."""
    value = unpacked(value)
    if isinstance(value, (list, tuple)):
        return [track for item in value if (track := _track(item)) is not None]
    if not isinstance(value, Mapping) or depth == 0:
        return []
    candidates = [value.get("sunoData"), *value.values()]
    return next((found for candidate in candidates if (found := _tracks(candidate, depth - 1))), [])


def _track(value: Any) -> Any:
    """Return a track with the first of its ids that can be read, ``None`` when it has none."""
    if isinstance(value, Track) or not isinstance(value, Mapping):
        return value if isinstance(value, Track) else None
    ids = (readable_id(value.get(name)) for name in ("id", "audioId", "audio_id"))
    audio_id = next(filter(None, ids), None)
    return None if audio_id is None else {**value, "id": audio_id}


_Fallback = Annotated[FallbackAddress | None, BeforeValidator(lambda value: value if value in FALLBACKS else None)]


class Track(Record):
    """
    One song of a music task.

    ``audio_url``, ``stream_audio_url``, ``image_url``, and ``source_…`` of each: ``None`` until they exist; they expire
    after about 14 days. A placeholder (such as ``…/None.mp3``) counts as ``None``. ``audio_url_from``: the name of the
    field whose URL replaces a missing ``audio_url``. ``duration``: seconds, ``None`` before rendering.
    ``model_name``: the service's code name (``chirp-…``).
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
        """Whether it has an audio file."""
        return self.audio_url is not None

    def with_fallback(self, fallbacks: Sequence[FallbackAddress]) -> Track:
        """Return the track with the first of the fallback URLs that exists as ``audio_url``, if that is missing."""
        found = next((name for name in fallbacks if getattr(self, name) is not None), None)
        if self.complete or found is None:
            return self
        return self.model_copy(update={"audio_url": getattr(self, found), "audio_url_from": found})

    def summary(self) -> str:
        """Return its id, title, length and URL for logs and messages."""
        title = f'"{printable(self.title, _LONGEST_TITLE)}", ' if self.title else ""
        length = f"{int(self.duration) // 60}:{int(self.duration) % 60:02d}, " if self.duration else ""
        return f"{self.audio_id} ({title}{length}{self.audio_url})"


class MusicTask(JobRecord):
    """
    The record of a music task, as ``record-info`` returns it.

    ``status`` is kept as the service spells it, known or not (up to 100 characters, unprintable ones escaped).
    ``error_code`` and ``error_message`` are set on failed jobs. When the job has ended, another URL of a track
    replaces a missing ``audio_url`` (:data:`FALLBACKS`), and :meth:`remarks` says so. ``parameters`` is the request,
    as the service stored it; ``model`` and ``persona_id`` are part of it. ``credits_charged`` is
    what the job cost, on hosts whose records tell it.
    """

    music_task_id: Identifier = Field(validation_alias=AliasChoices("taskId", "music_task_id", "task_id"))
    status: Status = "UNKNOWN"
    tracks: Annotated[tuple[Track, ...], BeforeValidator(_tracks)] = Field(
        default=(), validation_alias=AliasChoices("response", "tracks", "data")
    )
    model: LooseText = None
    persona_id: LooseText = None
    credits_charged: LooseNumber = either("credits_charged", "creditsConsumed", "consumeCredits")
    type: LooseText = None
    operation_type: LooseText = either("operation_type")
    parameters: Annotated[dict[str, Any], BeforeValidator(_parameters), Field(exclude=True)] = Field(
        default_factory=dict, validation_alias=AliasChoices("param", "parameters")
    )

    @model_validator(mode="before")
    @classmethod
    def _read_inner_reason(cls, data: Any) -> Any:
        """Use the reason for a failure that stands beside the tracks if the record itself gives none."""
        if not isinstance(data, Mapping):
            return data
        reason = reason_of(data) or reason_of(unpacked(data.get("response")))
        return data if reason is None else {**data, "errorMessage": reason}

    @model_validator(mode="before")
    @classmethod
    def _read_request(cls, data: Any) -> Any:
        """Use the model and the persona of the request, which the service keeps beside the tracks."""
        if not isinstance(data, Mapping):
            return data
        request = _parameters(data.get("param"))
        asked = {"model": request.get("model"), "persona_id": request.get("personaId")}
        return {**data, **{name: value for name, value in asked.items() if data.get(name) is None}}

    @model_validator(mode="after")
    def _fall_back_at_the_end(self) -> Self:
        """
        Replace missing URLs of finished tracks.

        A stream URL is finished audio only at SUCCESS. A source URL exists only once the audio does, so it also counts
        for a job that failed or whose callback failed.
        """
        if self.failure() is not None or self.callback_failed:
            fallbacks: tuple[FallbackAddress, ...] = ("source_audio_url",)
        elif self.status.upper() == MusicStatus.SUCCESS:
            fallbacks = FALLBACKS
        else:
            return self
        object.__setattr__(self, "tracks", tuple(track.with_fallback(fallbacks) for track in self.tracks))
        return self

    @property
    def id(self) -> str:
        """The ``music_task_id``."""
        return self.music_task_id

    def request(self) -> dict[str, str]:
        """Return what the record shows of the texts of the request, under the names of its fields."""
        texts = {name: self.parameters.get(name) for name in ("prompt", "style", "title")}
        return {name: text for name, text in texts.items() if isinstance(text, str) and text.strip()}

    def result(self) -> list[str]:
        """Return the ``audio_id``s."""
        return self.audio_ids

    def result_summary(self) -> str:
        """Return one line for each track."""
        return "".join(f"\n  {track.summary()}" for track in self.tracks)

    @property
    def audio_ids(self) -> list[str]:
        """The ``audio_id``s of the tracks, in the service's order."""
        return [track.audio_id for track in self.tracks]

    @property
    def complete(self) -> bool:
        """Whether every track has an audio file, whatever the status says."""
        return bool(self.tracks) and all(track.complete for track in self.tracks)

    @property
    def callback_failed(self) -> bool:
        """Whether only the callback was not delivered; the music itself did not fail."""
        return self.status.upper() == MusicStatus.CALLBACK_EXCEPTION and self.failure() is None

    def finished(self, until: Until = "all") -> bool:
        """
        Return whether the result is there; whether the job failed is up to :meth:`failure`.

        :param until: ``all``: the service says SUCCESS, or every track has an audio file although the callback failed.
            ``first``: one track has an audio file.
        """
        with_audio = any(track.complete for track in self.tracks)
        if until == "first":
            return with_audio
        return with_audio and (self.status.upper() == MusicStatus.SUCCESS or (self.callback_failed and self.complete))

    def choose_track(self, audio_id: str | None = None, number: int = 0) -> Track:
        """Return a track by its id or, without one, by its number, or raise a :class:`SunoValidationError`."""
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
    def playable(self) -> tuple[Track, ...]:
        """The tracks that have an audio file."""
        return tuple(track for track in self.tracks if track.complete)

    def remarks(self) -> list[str]:
        """Return messages about tracks whose URL was replaced."""
        return [
            f"track {track.audio_id} came without an audio_url; its {track.audio_url_from} is used instead"
            for track in self.tracks
            if track.audio_url_from is not None
        ]

    def playable_summary(self) -> str:
        """Return a sentence that names the tracks that can be played."""
        named = printable("; ".join(track.summary() for track in self.playable), _LONGEST_LIST_OF_TRACKS)
        return f"These tracks of it can be played all the same: {named}."

    @property
    def says_success_without_audio(self) -> bool:
        """Whether the status is SUCCESS although no track has audio, which counts as a failed poll."""
        return self.status.upper() == MusicStatus.SUCCESS and self.failure() is None and not self.finished("first")

    def with_complete_tracks(self) -> MusicTask:
        """Return the record with only the tracks that have an audio file."""
        return self.model_copy(update={"tracks": self.playable})

    def made_by_refused_model(self, audio_id: str) -> str | None:
        """Return the model of a track if it is too old for a persona (V3_5 or before)."""
        names = [track.model_name for track in self.tracks if track.audio_id == audio_id]
        names += [self.model, self.type]
        return next((name for name in names if name and _is_refused_model(name)), None)

    def failure(self) -> SunoError | None:
        """
        Return why the job failed, ``None`` when it did not.

        ``error_code`` decides before ``status``. The error names the tracks that can be played all the same.
        """
        error_class = class_of_failure(
            self.error_code,
            says_rejected=self.status.upper() == MusicStatus.SENSITIVE_WORD_ERROR,
            says_failed=says_failed(self.status),
            failed=SunoMusicTaskFailedError,
        )
        if error_class is None:
            return None
        message = how_it_ended("music task", self)
        if self.playable:
            message += (
                f" {self.playable_summary()} So it may have been charged: look at your balance. To use "
                f"these tracks, set music_task_id={self.music_task_id!r} and until='first', or download them; neither "
                "costs anything. A new submission costs again."
            )
        if not self.playable or error_class is not SunoMusicTaskFailedError:
            message += f" {advice_on(error_class)}"
        return error_class(message, code=self.error_code, music_task_id=self.music_task_id)


def _is_refused_model(name: str) -> bool:
    match = re.match(r"(?:chirp[-_])?v(\d{1,9})(?:[-_.](\d{1,9}))?(?![a-z0-9])", name.strip().lower())
    return match is not None and (int(match[1]), int(match[2] or 0)) <= _LAST_REFUSED_MODEL


def read_music_task(data: Any, music_task_id: str) -> MusicTask | None:
    """Return the record of a music task; see :func:`read_job_record`."""
    return read_job_record(MusicTask, KIND.noun, data, music_task_id)


def judge(record: MusicTask, until: Until) -> Verdict:
    """Return what a record means. ``until="first"`` is content with one playable track, even of a failed job."""
    playable = record.with_complete_tracks() if record.playable else None
    failure = record.failure()
    if record.says_success_without_audio:
        message = (
            "The record says SUCCESS, but no track has a usable URL: audioUrl, sourceAudioUrl and streamAudioUrl are "
            "empty or placeholders."
        )
        return Verdict(JobState.RUNNING, error=SunoProtocolError(message))
    if failure is not None and not (until == "first" and record.playable):
        return Verdict(JobState.FAILED, record=playable, error=failure)
    if record.finished(until):
        return Verdict(JobState.FINISHED, record=playable, remarks=tuple(_remarks(record)))
    if record.callback_failed:
        usable = f"{record.playable_summary()} until='first' takes them at once. " if record.playable else ""
        error = KIND.no_result_after_callback_exception(record.id, usable)
        return Verdict(JobState.RUNNING, record=playable, error_if_it_stays=error)
    return RUNNING


def _remarks(record: MusicTask) -> list[str]:
    """Return messages about what is unusual about a finished record."""
    remarks = record.with_complete_tracks().remarks()
    if record.failure() is not None:
        why = printable(record.error_message or "no reason given", _LONGEST_REMARK)
        remarks.append(
            f"it ended as {record.status} (error code {record.error_code}: {why}). {record.playable_summary()} "
            "That is enough for until='first'; look at your balance to see whether it was charged"
        )
    elif record.callback_failed:
        remarks.append("the service could not deliver its callback (CALLBACK_EXCEPTION), but the audio is there")
    elif record.status.upper() == MusicStatus.SUCCESS and not record.complete:
        remarks.append(f"only {len(record.playable)} of {len(record.tracks)} tracks have an audio file")
    return remarks


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
    makes_files=True,
)
