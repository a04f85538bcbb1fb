"""Operators that make something else of finished music: a WAV file, stems, notes, a video, cover art."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_suno.api.endpoints.cover_art import GenerateCoverArtRequest
from airflow_provider_suno.api.endpoints.midi import GenerateMidiRequest
from airflow_provider_suno.api.endpoints.stems import SeparateVocalsRequest
from airflow_provider_suno.api.endpoints.video import CreateMusicVideoRequest
from airflow_provider_suno.api.endpoints.wav import ConvertToWavRequest
from airflow_provider_suno.operators.made_once import MadeOnceOperator
from airflow_provider_suno.operators.submit_job import SubmitJobOperator

if TYPE_CHECKING:
    from typing import Unpack

    from airflow.sdk import XComArg

    from airflow_provider_suno.api.endpoints.cover_art import GenerateCoverArtFields
    from airflow_provider_suno.api.endpoints.midi import GenerateMidiFields
    from airflow_provider_suno.api.endpoints.stems import SeparateVocalsFields
    from airflow_provider_suno.api.endpoints.video import CreateMusicVideoFields
    from airflow_provider_suno.api.endpoints.wav import ConvertToWavFields
    from airflow_provider_suno.operators.made_once import MadeOnceArguments
    from airflow_provider_suno.operators.submit_job import JobArguments, KeepArguments

    class ConvertToWavArguments(ConvertToWavFields[XComArg], MadeOnceArguments, KeepArguments):
        """The operator's parameters."""

    class SeparateVocalsArguments(SeparateVocalsFields[XComArg], JobArguments, KeepArguments):
        """The operator's parameters."""

    class GenerateMidiArguments(GenerateMidiFields[XComArg], JobArguments):
        """The operator's parameters."""

    class CreateMusicVideoArguments(CreateMusicVideoFields[XComArg], MadeOnceArguments, KeepArguments):
        """The operator's parameters."""

    class GenerateCoverArtArguments(GenerateCoverArtFields[XComArg], MadeOnceArguments, KeepArguments):
        """The operator's parameters."""


class ConvertToWavOperator(MadeOnceOperator):
    """
    Convert a finished track to a WAV file ("convert-to-wav" in the docs of the sibling hosts); costs credits.

    Returns the file's URL and pushes ``wav``: ``{"job_id", "status", "audio_wav_url", "audio_id", …}``. With
    ``wait_for_completion=False``, returns the ``job_id``. The XCom ``job_id`` is always pushed, as soon as the id
    exists. The service converts a track once and does not name that job again: keep the file by ``keep_at``, or the
    ``job_id``. For ``if_exists`` see :class:`~airflow_provider_suno.operators.made_once.MadeOnceOperator`; for what a
    retry, a clear, a kill and a timeout do, and for the other parameters, see
    :class:`~airflow_provider_suno.operators.submit_job.SubmitJobOperator`.

    :param music_task_id: the finished music task.
    :param audio_id: one of its tracks. For one file per track, map the operator: ``.expand(audio_id=wait.output)``.
    :param keep_at: the folder or object store to keep the file in, as ``JOB_ID.wav``; ``files`` is pushed then.
    """

    request_type = ConvertToWavRequest

    def __init__(self, **arguments: Unpack[ConvertToWavArguments]) -> None:
        super().__init__(**arguments)


class SeparateVocalsOperator(SubmitJobOperator):
    """
    Take a track apart into stems ("separate-vocals" in the docs of the sibling hosts); costs credits, each time.

    Returns the URL of each stem by its name, such as ``{"vocal": …, "instrumental": …}``, and pushes ``stems``:
    ``{"job_id", "status", "stems", "origin_data": [{"audio_id", "name", "audio_url", "duration" (s)}], …}``. With
    ``wait_for_completion=False``, returns the ``job_id``, which ``GenerateMidiOperator`` takes as ``stems_job_id``. The
    XCom ``job_id`` is always pushed, as soon as the id exists. A second separation of the same track is charged again:
    to use an earlier one, give its ``job_id``. For what a retry, a clear, a kill and a timeout do, and for the other
    parameters, see :class:`~airflow_provider_suno.operators.submit_job.SubmitJobOperator`.

    :param music_task_id: the finished music task.
    :param audio_id: one of its tracks.
    :param audio_url: the URL of your audio instead of both, up to 20 MB; not on every host.
    :param type: ``separate_vocal``: the voice and the rest; ``split_stem``: up to 12 instruments;
        ``split_stem_advanced``: the one called ``stem_name``, not on every host. ``None`` leaves it to the service
        (``separate_vocal``). Prices differ.
    :param stem_name: the instrument for ``split_stem_advanced``.
    """

    request_type = SeparateVocalsRequest

    def __init__(self, **arguments: Unpack[SeparateVocalsArguments]) -> None:
        super().__init__(**arguments)


class GenerateMidiOperator(SubmitJobOperator):
    """
    Transcribe separated stems into notes ("generate-midi" in the docs of the sibling hosts); costs credits.

    Returns the instruments and their notes, ``[{"name", "notes": [{"pitch", "start", "end", "velocity"}]}]`` (times in
    seconds); the list may be empty. Pushes ``midi``: ``{"job_id", "status", "instruments", …}``. With
    ``wait_for_completion=False``, returns the ``job_id``. The XCom ``job_id`` is always pushed, as soon as the id
    exists. For what a retry, a clear, a kill and a timeout do, and for the other parameters, see
    :class:`~airflow_provider_suno.operators.submit_job.SubmitJobOperator`.

    :param stems_job_id: the finished separation into stems; not a music task.
    :param audio_id: one of its stems; ``None`` means all.
    """

    request_type = GenerateMidiRequest

    def __init__(self, **arguments: Unpack[GenerateMidiArguments]) -> None:
        super().__init__(**arguments)


class CreateMusicVideoOperator(MadeOnceOperator):
    """
    Make a video of a finished track ("create-music-video" in the docs of the sibling hosts); costs credits.

    Returns the file's URL (MP4) and pushes ``video``: ``{"job_id", "status", "video_url", "audio_id", …}``. With
    ``wait_for_completion=False``, returns the ``job_id``. The XCom ``job_id`` is always pushed, as soon as the id
    exists. The service makes one video of a track and does not name that job again: keep the URL or the ``job_id``. For
    ``if_exists`` see :class:`~airflow_provider_suno.operators.made_once.MadeOnceOperator`; for what a retry, a clear, a
    kill and a timeout do, and for the other parameters, see
    :class:`~airflow_provider_suno.operators.submit_job.SubmitJobOperator`.

    :param music_task_id: the finished music task.
    :param audio_id: one of its tracks.
    :param author: the name to show as its author, up to 50 characters.
    :param domain_name: the site to show as a watermark, up to 50 characters.
    """

    request_type = CreateMusicVideoRequest

    def __init__(self, **arguments: Unpack[CreateMusicVideoArguments]) -> None:
        super().__init__(**arguments)


class GenerateCoverArtOperator(MadeOnceOperator):
    """
    Make cover art for a music task ("cover-suno" in the docs of the sibling hosts).

    Returns the list of the pictures' URLs and pushes ``cover_art``: ``{"job_id", "status", "images",
    "parent_task_id", …}``. With ``wait_for_completion=False``, returns the ``job_id``. The XCom ``job_id`` is always
    pushed, as soon as the id exists. The service makes cover art once for a music task. Asked again, most hosts name
    the first job, whose pictures are returned then. For ``if_exists`` see
    :class:`~airflow_provider_suno.operators.made_once.MadeOnceOperator`; for what a retry, a clear, a kill and a
    timeout do, and for the other parameters, see
    :class:`~airflow_provider_suno.operators.submit_job.SubmitJobOperator`.

    :param music_task_id: the finished music task.
    """

    request_type = GenerateCoverArtRequest

    def __init__(self, **arguments: Unpack[GenerateCoverArtArguments]) -> None:
        super().__init__(**arguments)
