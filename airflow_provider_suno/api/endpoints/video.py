"""
Music videos: a finished track with moving pictures ("create-music-video", "get-music-video-details").

The service makes one video of a track. It refuses a second request with code 409.
"""

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from airflow_provider_suno.api.fields import FREE_TEXT, BlankIsNone, Id, OneString
from airflow_provider_suno.api.jobs import JobKind, Until, Verdict
from airflow_provider_suno.api.judging import judge_by_status, says_record_does_not_exist
from airflow_provider_suno.api.record import ConversionRecord, MediaUrl, either, read_job_record, with_response
from airflow_provider_suno.api.request import JobRequest
from airflow_provider_suno.api.result_file import ResultFile

_NOUN = "music video"

_Label = Annotated[Annotated[str, Field(max_length=50)] | None, BlankIsNone, OneString, FREE_TEXT]


if TYPE_CHECKING:
    from typing import Generic

    from airflow_provider_suno.api.request import JobFields, Later

    class CreateMusicVideoFields(JobFields[Later], Generic[Later], total=False):
        """The fields of :class:`CreateMusicVideoRequest`."""

        music_task_id: str | Later
        audio_id: str | Later
        author: str | Later | None
        domain_name: str | Later | None


class CreateMusicVideoRequest(JobRequest):
    """
    Make a video of a finished track: ``POST /api/v1/mp4/generate``.

    :param music_task_id: the finished music task.
    :param audio_id: one of its tracks.
    :param author: the name to show as its author, up to 50 characters.
    :param domain_name: the site to show as a watermark, up to 50 characters.
    """

    path: ClassVar[str] = "/api/v1/mp4/generate"
    call: ClassVar[str] = "create_music_video"
    kind: ClassVar[str] = "video"
    conflict: ClassVar[str] = (
        "The track has a video already, and the service does not tell the id of that job: use the job_id that you "
        "kept, or look at the service's own pages."
    )

    music_task_id: Id = Field(serialization_alias="taskId")
    audio_id: Id
    author: _Label = None
    domain_name: _Label = None


class MusicVideo(ConversionRecord):
    """
    The record of a music video.

    ``video_url``: the URL of the file (MP4), ``None`` until it exists. ``audio_id``: the track.
    """

    video_url: MediaUrl = either("video_url")

    def result(self) -> str | None:
        """Return the URL of the file."""
        return self.video_url

    def result_summary(self) -> str:
        """Return the URL of the file."""
        return f" {self.video_url}"

    def files(self) -> tuple[ResultFile, ...]:
        """Return the file."""
        return (ResultFile("video", self.video_url, "video"),) if self.video_url else ()


def _read(data: Any, job_id: str) -> MusicVideo | None:
    return read_job_record(MusicVideo, _NOUN, with_response(data), job_id)


def _judge(record: MusicVideo, until: Until) -> Verdict:
    del until  # a video has one file
    return judge_by_status(KIND, record, missing="videoUrl")


KIND = JobKind(
    name="video",
    noun=_NOUN,
    id_parameter="job_id",
    record_key="video",
    record_path="/api/v1/mp4/record-info",
    statuses=frozenset({"PENDING", "SUCCESS", "CREATE_TASK_FAILED", "GENERATE_MP4_FAILED", "CALLBACK_EXCEPTION"}),
    usual_duration={"all": 60.0, "first": 60.0},
    no_result_before=10.0,
    read=_read,
    judge=_judge,
    makes_files=True,
    says_unknown=says_record_does_not_exist,
)
