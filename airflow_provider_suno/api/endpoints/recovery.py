"""
Recovery: new links for the tracks of an old music task ("recover-audio"). Not every host has it.

The envelope's code says how far the job is: 201 running, 200 done, 500 when no track could be recovered.
"""

import re
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from airflow_provider_suno.api.fields import Id
from airflow_provider_suno.api.jobs import JobKind, Until, Verdict
from airflow_provider_suno.api.judging import judge_by_status, says_record_does_not_exist
from airflow_provider_suno.api.parsing import media_url_of, text_of
from airflow_provider_suno.api.record import OtherJobRecord, read_job_record, unpacked
from airflow_provider_suno.api.request import JobRequest
from airflow_provider_suno.api.result_file import ResultFile
from airflow_provider_suno.exceptions import SunoError

_NOUN = "recovery"
_RUNNING, _FAILED = 201, 500
_PASSES = r"(?i)internal error|try again"
"""The message of a read that failed for a moment, which has the same code."""


if TYPE_CHECKING:
    from typing import Generic

    from airflow_provider_suno.api.request import JobFields, Later

    class RecoverMusicFields(JobFields[Later], Generic[Later], total=False):
        """The fields of :class:`RecoverMusicRequest`."""

        music_task_id: str | Later


class RecoverMusicRequest(JobRequest):
    """
    Ask for new links for an old music task: ``POST /api/v1/suno/recovery``.

    :param music_task_id: the music task.
    """

    path: ClassVar[str] = "/api/v1/suno/recovery"
    call: ClassVar[str] = "recover_music"
    kind: ClassVar[str] = "recovery"

    music_task_id: Id = Field(serialization_alias="sunoTaskId")


def _tracks(value: Any) -> list[dict[str, Any]]:
    value = unpacked(value) if isinstance(value, str) else value
    return [
        {
            "audio_id": text_of(each.get("id") or each.get("audio_id")),
            "audio_url": media_url_of(each.get("audio_url") or each.get("audioUrl")),
            "title": text_of(each.get("title")),
            "status": text_of(each.get("status")),
            "error": text_of(each.get("error")),
        }
        for each in (value if isinstance(value, list) else ())
        if isinstance(each, dict)
    ]


class Recovery(OtherJobRecord):
    """
    The record of a recovery.

    ``tracks``: ``[{"audio_id", "audio_url", "title", "status", "error"}]``; a track that was not recovered has no URL.
    """

    tracks: Annotated[list[dict[str, Any]], BeforeValidator(_tracks)] = Field(default_factory=list)

    def result(self) -> list[str]:
        """Return the URL of each track that was recovered."""
        return [each["audio_url"] for each in self.tracks if each["audio_url"]]

    def result_summary(self) -> str:
        """Return how many tracks were recovered."""
        return f" {len(self.result())} of {len(self.tracks)} tracks"

    def files(self) -> tuple[ResultFile, ...]:
        """Return the files of the tracks."""
        return tuple(
            ResultFile(each["audio_id"] or f"track_{number}", each["audio_url"], "audio")
            for number, each in enumerate(self.tracks)
            if each["audio_url"]
        )


def _read(data: Any, job_id: str) -> Recovery | None:
    if isinstance(data, list):
        data = {"tracks": data, "status": "SUCCESS"}
    return read_job_record(Recovery, _NOUN, data, job_id)


def _record_in(error: SunoError, job_id: str) -> Recovery | None:
    if not error.in_envelope:
        return None
    if error.code == _RUNNING:
        return Recovery.model_validate({"job_id": job_id, "status": "PENDING"})
    if error.code == _FAILED and not re.search(_PASSES, error.message):
        failed = {"job_id": job_id, "status": "RECOVERY_FAILED", "tracks": error.data}
        return Recovery.model_validate({**failed, "error_code": _FAILED, "error_message": error.message})
    return None


def _judge(record: Recovery, until: Until) -> Verdict:
    del until  # all tracks come at once
    return judge_by_status(KIND, record, missing="audio_url")


KIND = JobKind(
    name="recovery",
    noun=_NOUN,
    id_parameter="job_id",
    record_key="recovery",
    record_path="/api/v1/suno/recovery/record-info",
    id_in_query="task_id",
    statuses=frozenset({"PENDING", "SUCCESS", "RECOVERY_FAILED"}),
    usual_duration={"all": 60.0, "first": 60.0},
    no_result_before=5.0,
    read=_read,
    judge=_judge,
    makes_files=True,
    says_unknown=says_record_does_not_exist,
    record_in=_record_in,
)
