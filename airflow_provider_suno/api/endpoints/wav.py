"""
WAV conversions: a finished track as a WAV file ("convert-to-wav", "get-wav-details" in the docs of the sibling hosts).

The service converts a track once. It refuses a second request with code 409, without the id of the first.
"""

from typing import Any, ClassVar, Generic

from pydantic import AliasChoices, Field

from airflow_provider_suno.api.fields import Id
from airflow_provider_suno.api.jobs import RUNNING, JobKind, JobState, Until, Verdict
from airflow_provider_suno.api.judging import failure_of
from airflow_provider_suno.api.record import (
    Identifier,
    JobRecord,
    LooseText,
    LooseTime,
    MediaUrl,
    Status,
    either,
    read_job_record,
    unpacked,
)
from airflow_provider_suno.api.request import JobFields, JobRequest, Later
from airflow_provider_suno.api.result_file import ResultFile
from airflow_provider_suno.exceptions import SunoError, SunoProtocolError

_NOUN = "WAV conversion"


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


class WavConversion(JobRecord):
    """
    The record of a WAV conversion.

    ``audio_wav_url``: the URL of the file, ``None`` until it exists. ``audio_id``: the track.
    """

    job_id: Identifier = Field(validation_alias=AliasChoices("taskId", "job_id", "task_id"))
    status: Status = Field(default="UNKNOWN", validation_alias=AliasChoices("successFlag", "status"))
    audio_wav_url: MediaUrl = None
    audio_id: LooseText = Field(default=None, validation_alias=AliasChoices("musicId", "audio_id"))
    complete_time: LooseTime = either("complete_time")

    @property
    def id(self) -> str:
        """The ``job_id``."""
        return self.job_id

    def request(self) -> dict[str, str]:
        """Return what the record shows of the texts of the request, under the names of its fields."""
        return {"audio_id": self.audio_id} if self.audio_id else {}

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
    data = unpacked(data)
    if isinstance(data, dict) and isinstance(response := unpacked(data.get("response")), dict):
        data = {**data, "audio_wav_url": response.get("audioWavUrl")}
    return read_job_record(WavConversion, _NOUN, data, job_id)


def _judge(record: WavConversion, until: Until) -> Verdict:
    del until  # a conversion has one file
    failure = failure_of(_NOUN, record, says_failed=record.status.endswith(("_FAILED", "_ERROR")))
    if failure is not None:
        return Verdict(JobState.FAILED, error=failure)
    if record.audio_wav_url is not None and record.status in ("SUCCESS", "CALLBACK_EXCEPTION"):
        remark = "the service could not deliver its callback (CALLBACK_EXCEPTION), but the file is there"
        return Verdict(JobState.FINISHED, record=record, remarks=() if record.status == "SUCCESS" else (remark,))
    if record.status == "SUCCESS":
        return Verdict(JobState.RUNNING, error=SunoProtocolError("The record says SUCCESS, but has no audioWavUrl."))
    if record.status == "CALLBACK_EXCEPTION":
        return Verdict(JobState.RUNNING, error_if_it_stays=KIND.no_result_after_callback_exception(record.id))
    return RUNNING


def says_record_does_not_exist(error: SunoError) -> bool:
    """Return whether a read was refused because the service does not know the id: code 422 and these words."""
    return error.code == 422 and "record does not exist" in error.message.lower()


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
