"""The operators that convert finished music."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_suno.api.endpoints.midi import GenerateMidiRequest
from airflow_provider_suno.api.endpoints.wav import ConvertToWavRequest
from airflow_provider_suno.operators.job import SubmitJobOperator

if TYPE_CHECKING:
    from typing import Unpack

    from airflow.sdk import XComArg

    from airflow_provider_suno.api.endpoints.midi import GenerateMidiFields
    from airflow_provider_suno.api.endpoints.wav import ConvertToWavFields
    from airflow_provider_suno.operators.job import JobArguments

    class ConvertToWavArguments(ConvertToWavFields[XComArg], JobArguments):
        """What the operator takes."""

    class GenerateMidiArguments(GenerateMidiFields[XComArg], JobArguments):
        """What the operator takes."""


class ConvertToWavOperator(SubmitJobOperator):
    """
    Convert a finished track to a WAV file ("convert-to-wav" of the sibling hosts' pages); costs credits.

    Returns the file's URL, and pushes ``wav``: ``{"job_id", "status", "audio_wav_url", "audio_id", …}``. With
    ``wait_for_completion=False`` it returns the ``job_id``, which is pushed as an XCom in any case, as soon as it
    exists. A track has one conversion: a second request is a conflict, which fails the task for good, so keep the URL
    or the ``job_id``. What a retry, a clear, a kill and a timeout do, and the other parameters: see
    :class:`~airflow_provider_suno.operators.job.SubmitJobOperator`.

    :param music_task_id: the finished music task.
    :param audio_id: its track. For one file per track map the operator: ``.expand(audio_id=wait.output)``.
    """

    request_type = ConvertToWavRequest

    def __init__(self, **arguments: Unpack[ConvertToWavArguments]) -> None:
        super().__init__(**arguments)


class GenerateMidiOperator(SubmitJobOperator):
    """
    Transcribe separated stems into notes ("generate-midi" of the sibling hosts' pages); costs credits.

    Returns the instruments with their notes, ``[{"name", "notes": [{"pitch", "start", "end", "velocity"}]}]`` (times in
    seconds), which may be empty; pushes ``midi``: ``{"job_id", "status", "instruments", …}``. With
    ``wait_for_completion=False`` it returns the ``job_id``, which is pushed as an XCom in any case, as soon as it
    exists. What a retry, a clear, a kill and a timeout do, and the other parameters: see
    :class:`~airflow_provider_suno.operators.job.SubmitJobOperator`.

    :param stems_job_id: the finished separation into stems; not a music task.
    :param audio_id: one of its stems; ``None`` means all.
    """

    request_type = GenerateMidiRequest

    def __init__(self, **arguments: Unpack[GenerateMidiArguments]) -> None:
        super().__init__(**arguments)
