"""Read finished music for a call that builds on it and choose its track, or a finished job to keep its files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from airflow_provider_suno.api.fields import blank_is_none, checked_id
from airflow_provider_suno.api.jobs import JobKind, JobRef, JobState
from airflow_provider_suno.api.record import JobRecord
from airflow_provider_suno.api.text import excerpt, printable
from airflow_provider_suno.exceptions import (
    SunoDownloadError,
    SunoJobNotFinishedError,
    SunoMusicTaskNotFinishedError,
    SunoValidationError,
)

if TYPE_CHECKING:
    from airflow_provider_suno.api.endpoints.music import MusicTask, Track
    from airflow_provider_suno.http.client import SunoClient
    from airflow_provider_suno.polling.worker import Log

_MOST_DIGITS = 9


def given_record(kind: JobKind, given: Any) -> JobRecord | None:
    """
    Return the record that was given as an object or as a sensor's XCom; ``None`` when it is neither.

    :raises SunoValidationError: when it is an object of another kind.
    """
    if isinstance(given, JobRecord):
        given = given.to_dict()
    if not isinstance(given, Mapping):
        return None
    job_id = given.get(kind.id_parameter)
    record = kind.read(given, job_id) if isinstance(job_id, str) else None
    if record is None:
        raise SunoValidationError(
            f"{kind.record_key}: must be the XCom {kind.record_key} of a sensor or an operator, got {excerpt(given)}."
        )
    return record


def job_with_files(client: SunoClient, kind: JobKind, given: Any, log: Log) -> tuple[JobRef, JobRecord]:
    """
    Return a job and its record, which has files to keep: that of a finished job, or of a failed one with some files.

    :param given: the job's id, which is read now, or its record, as an object or as a sensor's XCom.
    :raises SunoError: why the job failed, fatal: the record will not change.
    :raises SunoJobNotFinishedError: when it is still running.
    """
    from airflow_provider_suno.polling.worker import poll_until_known

    record = given_record(kind, given)
    job = JobRef(kind, checked_id(kind.id_parameter, given) if record is None else record.id)
    if record is None:
        record = poll_until_known(client, job, log)
    verdict = kind.judge(record, "all")
    usable = verdict.record
    if usable is not None and usable.files():
        for remark in verdict.remarks:
            log.warning("%s: %s", job, remark)
        if verdict.state is not JobState.FINISHED:
            log.warning("%s has not finished well (%s), but has files, so these are kept", job, record.status)
        return job, usable
    if verdict.state is JobState.FAILED and verdict.error is not None:
        raise job.error(type(verdict.error), verdict.error.message, code=verdict.error.code, fatal=True)
    if verdict.state is JobState.FINISHED:
        raise SunoDownloadError(f"{job.named} has no file (status {record.status}).")
    raise job.error(
        SunoJobNotFinishedError,
        f"{job.named} is not finished (status {record.status}), so nothing was fetched: wait for it first, as a "
        "JobSensor does.",
    )


def finished_record(
    client: SunoClient, music_task_id: Any, *, audio_id: Any = None, playable: bool = False, refused: str, log: Log
) -> MusicTask:
    """
    Return the record of a finished music task, or of a failed one whose track ``audio_id`` can be played.

    :param music_task_id: the music task; a new id may stay unknown for the usual grace.
    :param audio_id: the track that the caller needs, if it names one.
    :param playable: whether any track that can be played will do if it names none.
    :param refused: what is not done otherwise, such as ``no persona was asked for``.
    :raises SunoError: why the job failed, fatal: the record will not change.
    :raises SunoMusicTaskNotFinishedError: when it is still running.
    """
    from airflow_provider_suno.api.endpoints.music import KIND
    from airflow_provider_suno.polling.worker import poll_until_known

    job = JobRef(KIND, checked_id("music_task_id", music_task_id))
    record = cast("MusicTask", poll_until_known(client, job, log))
    verdict = KIND.judge(record, "all")
    if verdict.state is JobState.FINISHED:
        return record
    if verdict.state is JobState.RUNNING or verdict.error is None:
        without = ", but without audio yet" if verdict.error is not None else ""
        raise SunoMusicTaskNotFinishedError(
            f"Music task {record.music_task_id} is not finished (status {record.status}{without}), so {refused}: put a "
            "MusicTaskSensor before this task.",
            music_task_id=record.music_task_id,
        )
    named = audio_id.strip() if isinstance(audio_id, str) else None
    usable = [track.audio_id for track in record.playable if track.audio_id == named or (playable and named is None)]
    if not usable:
        raise job.error(type(verdict.error), verdict.error.message, code=verdict.error.code, fatal=True)
    log.warning(
        "music task %s failed (%s), but its track %s can be played, so this goes on",
        record.music_task_id,
        record.status,
        ", ".join(usable),
    )
    return record


def choose_track(record: MusicTask, audio_id: Any, track: Any) -> Track:
    """
    Return a track by its id or number.

    :param audio_id: its id, or ``None`` to use ``track``.
    :param track: its number, counted from 0 over all tracks of the record; may be text.
    :raises SunoValidationError: when the id or number is malformed, there is no such track, or it has no audio.
    """
    number = track_number(track)
    if audio_id is None:
        chosen = record.choose_track(number=number)
    else:
        chosen = record.choose_track(checked_id("audio_id", audio_id))
    if not chosen.complete:
        name = "track" if audio_id is None else "audio_id"
        others = printable(", ".join(track.audio_id for track in record.playable), 600)
        raise SunoValidationError(
            f"{name}: track {chosen.audio_id} of music task {record.music_task_id} has no audio. Set audio_id "
            f"to one of those that have: {others}."
        )
    return chosen


def refuse_two_tracks(audio_id: Any, track: Any) -> None:
    """Raise a :class:`SunoValidationError` when ``audio_id`` is given beside a ``track`` other than 0."""
    if track_number(track) != 0 and blank_is_none(audio_id) is not None:
        raise SunoValidationError(f"track: {track} beside audio_id={excerpt(audio_id)}: leave one of the two out.")


def track_number(value: Any) -> int:
    """Return the number of a track; raise a :class:`SunoValidationError` unless it is a whole number from 0."""
    too_large = isinstance(value, int) and abs(value) >= 10**_MOST_DIGITS
    text = "" if too_large or isinstance(value, bool) else str(value).strip()
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise SunoValidationError(f"track: must be a whole number from 0, got {excerpt(value)}.")
    return int(text)
