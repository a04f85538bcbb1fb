"""The operators that convert finished music."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_suno.api.endpoints.midi import GenerateMidiRequest
from airflow_provider_suno.api.endpoints.wav import ConvertToWavRequest
from airflow_provider_suno.operators.job import SubmitJobOperator
from airflow_provider_suno.task.arguments import refuse_wrong_literals

if TYPE_CHECKING:
    from airflow.sdk import XComArg


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
    :param job_id: when given, nothing is submitted and that conversion is used.
    """

    request_type = ConvertToWavRequest
    template_fields: Sequence[str] = ("music_task_id", "audio_id", *SubmitJobOperator.template_fields, "job_id")
    ui_color = "#e3fff4"

    def __init__(
        self,
        *,
        music_task_id: str | XComArg,
        audio_id: str | XComArg,
        job_id: str | XComArg | None = None,
        wait_for_completion: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(wait_for_completion=wait_for_completion, **kwargs)
        self.music_task_id = music_task_id
        self.audio_id = audio_id
        self.job_id = job_id
        refuse_wrong_literals(self, ConvertToWavOperator)


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
    :param job_id: when given, nothing is submitted and that transcription is used.
    """

    request_type = GenerateMidiRequest
    template_fields: Sequence[str] = ("stems_job_id", "audio_id", *SubmitJobOperator.template_fields, "job_id")
    ui_color = "#e3fff4"

    def __init__(
        self,
        *,
        stems_job_id: str | XComArg,
        audio_id: str | XComArg | None = None,
        job_id: str | XComArg | None = None,
        wait_for_completion: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(wait_for_completion=wait_for_completion, **kwargs)
        self.stems_job_id = stems_job_id
        self.audio_id = audio_id
        self.job_id = job_id
        refuse_wrong_literals(self, GenerateMidiOperator)
