"""
Cover art: pictures for a music task ("cover-suno", "get-cover-suno-details" in the docs of the sibling hosts).

The service makes cover art once for a music task. It refuses a second request, most often with the id of the first job.
``successFlag`` is a number: 0 and 2 running, 1 success, 3 failed. Some pages name words instead.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import AliasChoices, BeforeValidator, Field

from airflow_provider_suno.api.fields import Id
from airflow_provider_suno.api.jobs import JobKind, Until, Verdict
from airflow_provider_suno.api.judging import judge_by_status, says_record_does_not_exist
from airflow_provider_suno.api.parsing import media_url_of, readable_id
from airflow_provider_suno.api.record import (
    LooseText,
    LooseTime,
    OtherJobRecord,
    either,
    numbered_status,
    read_job_record,
    unpacked,
    with_response,
)
from airflow_provider_suno.api.request import JobRequest
from airflow_provider_suno.api.result_file import ResultFile
from airflow_provider_suno.exceptions import SunoError

_NOUN = "cover art job"
_STATUSES = {0: "PENDING", 1: "SUCCESS", 2: "GENERATING", 3: "GENERATE_COVER_FAILED"}
_EXISTS = frozenset({400, 409})


if TYPE_CHECKING:
    from typing import Generic

    from airflow_provider_suno.api.request import JobFields, Later

    class GenerateCoverArtFields(JobFields[Later], Generic[Later], total=False):
        """The fields of :class:`GenerateCoverArtRequest`."""

        music_task_id: str | Later


class GenerateCoverArtRequest(JobRequest):
    """
    Make cover art for a music task: ``POST /api/v1/suno/cover/generate``.

    :param music_task_id: the finished music task.
    """

    path: ClassVar[str] = "/api/v1/suno/cover/generate"
    call: ClassVar[str] = "generate_cover_art"
    kind: ClassVar[str] = "cover_art"
    conflict: ClassVar[str] = (
        "The music task has cover art already, and the service does not tell the id of that job: use the job_id that "
        "you kept, or look at the service's own pages."
    )

    music_task_id: Id = Field(serialization_alias="taskId")

    def existing(self, refusal: SunoError) -> str | None:
        """Return the id of the job that has made the cover art already, if the refusal names it."""
        data = unpacked(refusal.data) if isinstance(refusal.data, str) else refusal.data
        if refusal.code not in _EXISTS or not isinstance(data, Mapping):
            return None
        return readable_id(data.get("taskId") or data.get("task_id"))


def _images(value: Any) -> list[str]:
    value = unpacked(value) if isinstance(value, str) else value
    return [url for each in (value if isinstance(value, list) else ()) if (url := media_url_of(each)) is not None]


class CoverArt(OtherJobRecord):
    """
    The record of a cover art job.

    ``images``: the URLs of the pictures; empty until they exist. ``parent_task_id``: the music task.
    """

    status: Annotated[str, numbered_status(_STATUSES)] = Field(
        default="UNKNOWN", validation_alias=AliasChoices("successFlag", "status")
    )
    images: Annotated[list[str], BeforeValidator(_images)] = Field(default_factory=list)
    parent_task_id: LooseText = either("parent_task_id")
    complete_time: LooseTime = either("complete_time")

    def request(self) -> dict[str, str]:
        """Return what the record shows of the texts of the request, under the names of its fields."""
        return {"music_task_id": self.parent_task_id} if self.parent_task_id else {}

    def result(self) -> list[str]:
        """Return the URLs of the pictures."""
        return self.images

    def result_summary(self) -> str:
        """Return the number of pictures."""
        return f" {len(self.images)} pictures"

    def files(self) -> tuple[ResultFile, ...]:
        """Return the files of the pictures."""
        return tuple(ResultFile(f"cover_{number}", url, "picture") for number, url in enumerate(self.images))


def _read(data: Any, job_id: str) -> CoverArt | None:
    return read_job_record(CoverArt, _NOUN, with_response(data), job_id)


def _judge(record: CoverArt, until: Until) -> Verdict:
    del until  # all pictures come at once
    return judge_by_status(KIND, record, missing="images")


KIND = JobKind(
    name="cover_art",
    noun=_NOUN,
    id_parameter="job_id",
    record_key="cover_art",
    record_path="/api/v1/suno/cover/record-info",
    statuses=frozenset({*_STATUSES.values(), "CREATE_TASK_FAILED", "CALLBACK_EXCEPTION"}),
    usual_duration={"all": 140.0, "first": 140.0},
    no_result_before=20.0,
    read=_read,
    judge=_judge,
    makes_files=True,
    says_unknown=says_record_does_not_exist,
)
