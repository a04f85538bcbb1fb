"""Operators that convert finished music."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_suno.api.endpoints.midi import GenerateMidiRequest
from airflow_provider_suno.api.endpoints.wav import ConvertToWavRequest
from airflow_provider_suno.operators.submit_job import SubmitJobOperator

if TYPE_CHECKING:
    from typing import Unpack

    from airflow.sdk import XComArg

    from airflow_provider_suno.api.endpoints.midi import GenerateMidiFields
    from airflow_provider_suno.api.endpoints.wav import ConvertToWavFields
    from airflow_provider_suno.operators.submit_job import JobArguments, KeepArguments

    class ConvertToWavArguments(ConvertToWavFields[XComArg], JobArguments, KeepArguments):
        """The operator's parameters."""

    class GenerateMidiArguments(GenerateMidiFields[XComArg], JobArguments):
        """The operator's parameters."""


class ConvertToWavOperator(SubmitJobOperator):
    """
    Convert a finished track to a WAV file ("convert-to-wav" in the docs of the sibling hosts); costs credits.

    Returns the file's URL and pushes ``wav``: ``{"job_id", "status", "audio_wav_url", "audio_id", …}``. With
    ``wait_for_completion=False``, returns the ``job_id``. The XCom ``job_id`` is always pushed, as soon as the id
    exists. The service converts a track once. A second request is a conflict and fails the task without a retry, so
    keep the file by ``keep_at``, or the ``job_id``. For what a retry, a clear, a kill and a timeout do, and for the
    other parameters, see :class:`~airflow_provider_suno.operators.submit_job.SubmitJobOperator`.

    :param music_task_id: the finished music task.
    :param audio_id: one of its tracks. For one file per track, map the operator: ``.expand(audio_id=wait.output)``.
    :param keep_at: the folder or object store to keep the file in, as ``JOB_ID.wav``; ``files`` is pushed then.
    """

    request_type = ConvertToWavRequest

    def __init__(self, **arguments: Unpack[ConvertToWavArguments]) -> None:
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
