"""
WAV conversions: a finished track as a WAV file ("convert-to-wav", "get-wav-details" in the docs of the sibling hosts).

The service converts a track once. It refuses a second request with code 409, without the id of the first.
"""

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from airflow_provider_suno.api.fields import Id
from airflow_provider_suno.api.jobs import JobKind, Until, Verdict
from airflow_provider_suno.api.judging import judge_by_status, says_record_does_not_exist
from airflow_provider_suno.api.record import ConversionRecord, MediaUrl, either, read_job_record, with_response
from airflow_provider_suno.api.request import JobRequest
from airflow_provider_suno.api.result_file import ResultFile

_NOUN = "WAV conversion"


if TYPE_CHECKING:
    from typing import Generic

    from airflow_provider_suno.api.request import JobFields, Later

    class ConvertToWavFields(JobFields[Later], Generic[Later], total=False):
        """The fields of :class:`ConvertToWavRequest`."""

        music_task_id: str | Later
        audio_id: str | Later


class ConvertToWavRequest(JobRequest):
    """
    Convert a finished track to a WAV file: ``POST /api/v1/wav/generate``.

    :param music_task_id: the finished music task.
    :param audio_id: one of its tracks.
    """

    path: ClassVar[str] = "/api/v1/wav/generate"
    call: ClassVar[str] = "convert_to_wav"
    kind: ClassVar[str] = "wav"
    conflict: ClassVar[str] = (
        "The track was already converted, and the service does not tell the id of that conversion: use the job_id that "
        "you kept, or look at the service's own pages."
    )

    music_task_id: Id = Field(serialization_alias="taskId")
    audio_id: Id


class WavConversion(ConversionRecord):
    """
    The record of a WAV conversion.

    ``audio_wav_url``: the URL of the file, ``None`` until it exists. ``audio_id``: the track.
    """

    audio_wav_url: MediaUrl = either("audio_wav_url")

    def result(self) -> str | None:
        """Return the URL of the file."""
        return self.audio_wav_url

    def result_summary(self) -> str:
        """Return the URL of the file."""
        return f" {self.audio_wav_url}"

    def files(self) -> tuple[ResultFile, ...]:
        """Return the file."""
        return (ResultFile("wav", self.audio_wav_url, "audio"),) if self.audio_wav_url else ()


def _read(data: Any, job_id: str) -> WavConversion | None:
    return read_job_record(WavConversion, _NOUN, with_response(data), job_id)


def _judge(record: WavConversion, until: Until) -> Verdict:
    del until  # a conversion has one file
    return judge_by_status(KIND, record, missing="audioWavUrl")


KIND = JobKind(
    name="wav",
    noun=_NOUN,
    id_parameter="job_id",
    record_key="wav",
    record_path="/api/v1/wav/record-info",
    statuses=frozenset({"PENDING", "SUCCESS", "CREATE_TASK_FAILED", "GENERATE_WAV_FAILED", "CALLBACK_EXCEPTION"}),
    usual_duration={"all": 30.0, "first": 30.0},
    no_result_before=5.0,
    read=_read,
    judge=_judge,
    says_unknown=says_record_does_not_exist,
    makes_files=True,
)
