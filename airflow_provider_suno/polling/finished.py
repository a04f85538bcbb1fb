"""Read the finished music that something new is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_suno.api.fields import checked_id
from airflow_provider_suno.api.text import shown
from airflow_provider_suno.exceptions import SunoMusicTaskNotFinishedError, SunoValidationError
from airflow_provider_suno.polling.worker import Log, look_until_known

if TYPE_CHECKING:
    from airflow_provider_suno.api.endpoints.music import MusicTask, Track
    from airflow_provider_suno.http.client import SunoClient

_MOST_DIGITS = 9


def finished_record(client: SunoClient, music_task_id: Any, *, refused: str, log: Log) -> MusicTask:
    """
    Return the record of a music task that has finished well.

    :param client: who reads.
    :param music_task_id: the music task; one that is not visible yet has the usual grace.
    :param refused: what is not asked for otherwise, such as ``no persona was asked for``.
    :param log: where it says so when it has to wait for the record.
    :raises SunoError: why it ended badly, fatal: the record will not change.
    :raises SunoMusicTaskNotFinishedError: when it is still running.
    """
    record = look_until_known(client, music_task_id, log)
    failure = record.failure()
    if failure is not None:
        failure.fatal = True
        raise failure
    if not record.finished():
        without = ", but without audio yet" if record.says_success_without_audio else ""
        raise SunoMusicTaskNotFinishedError(
            f"Music task {record.music_task_id} is not finished (status {record.status}{without}), so {refused}: put a "
            "MusicTaskSensor before this task.",
            music_task_id=record.music_task_id,
        )
    return record


def choose_track(record: MusicTask, audio_id: Any, track: Any) -> Track:
    """
    Return the track that a user means.

    :param audio_id: its id, or ``None`` to go by ``track``.
    :param track: its number, counted from 0 over all that the record names; may be text.
    :raises SunoValidationError: when it is no id or number, or there is no such track.
    """
    number = track_number(track)
    if audio_id is None:
        return record.choose_track(number=number)
    return record.choose_track(checked_id("audio_id", audio_id))


def track_number(value: Any) -> int:
    """
    Read the number of a track.

    :raises SunoValidationError: when it is none.
    """
    too_large = isinstance(value, int) and abs(value) >= 10**_MOST_DIGITS
    text = "" if too_large or isinstance(value, bool) else str(value).strip()
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise SunoValidationError(f"track: must be a whole number from 0, got {shown(value)}.")
    return int(text)
