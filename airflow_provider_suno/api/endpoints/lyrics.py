"""Lyrics: words for a song, in two or three variants ("generate-lyrics"; docs.apikley.ru, "get-lyrics-details")."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from airflow_provider_suno.api.fields import RequiredText
from airflow_provider_suno.api.jobs import JobKind, Until, Verdict
from airflow_provider_suno.api.judging import judge_by_status, says_record_does_not_exist
from airflow_provider_suno.api.parsing import text_of
from airflow_provider_suno.api.profiles import HostProfile
from airflow_provider_suno.api.record import (
    SHOWN_CHARACTERS,
    OtherJobRecord,
    read_job_record,
    reason_of,
    unpacked,
    with_response,
)
from airflow_provider_suno.api.request import JobRequest
from airflow_provider_suno.api.text import excerpt

_NOUN = "lyrics job"
_USUAL_LIMIT = 200
_WORDS = 200


if TYPE_CHECKING:
    from typing import Generic

    from airflow_provider_suno.api.request import JobFields, Later

    class GenerateLyricsFields(JobFields[Later], Generic[Later], total=False):
        """The fields of :class:`GenerateLyricsRequest`."""

        prompt: str | Later


class GenerateLyricsRequest(JobRequest):
    """
    Write lyrics: ``POST /api/v1/lyrics``.

    :param prompt: what the song is about: up to 200 characters, on some hosts 200 words.
    """

    path: ClassVar[str] = "/api/v1/lyrics"
    call: ClassVar[str] = "generate_lyrics"
    kind: ClassVar[str] = "lyrics"

    prompt: RequiredText

    def problems(self, profile: HostProfile) -> Iterator[str]:
        """Check that some host takes the prompt."""
        yield from super().problems(profile)
        words = len(self.prompt.split())
        if words > _WORDS:
            yield f"prompt: {words} words; at most {_WORDS} characters, on some hosts {_WORDS} words"

    def warnings(self, profile: HostProfile) -> Iterator[str]:
        """Warn about a prompt that not every host takes."""
        yield from super().warnings(profile)
        if len(self.prompt) > _USUAL_LIMIT:
            yield f"prompt: {len(self.prompt)} characters; some hosts take {_USUAL_LIMIT}. Sent anyway."


def _variants(value: Any) -> list[dict[str, Any]]:
    value = unpacked(value) if isinstance(value, str) else value
    return [
        {
            "title": text_of(each.get("title")),
            "text": text_of(each.get("text")),
            "status": text_of(each.get("status")),
            "error_message": reason_of(each),
        }
        for each in (value if isinstance(value, list) else ())
        if isinstance(each, dict)
    ]


class Lyrics(OtherJobRecord):
    """
    The record of a lyrics job.

    ``lyrics``: the variants, ``[{"title", "text", "status", "error_message"}]``; empty until the job has finished. A
    variant that failed has no text.
    """

    lyrics: Annotated[list[dict[str, Any]], BeforeValidator(_variants)] = Field(default_factory=list)

    def result(self) -> list[str]:
        """Return the text of each variant that has one."""
        return [each["text"] for each in self.lyrics if each["text"]]

    def result_summary(self) -> str:
        """Return the titles."""
        titles = [each["title"] for each in self.lyrics if each["text"]]
        return f" {excerpt(titles, SHOWN_CHARACTERS)}"

    def pushed(self) -> list[dict[str, Any]]:
        """Return the variants, as the XCom ``lyrics`` holds them."""
        return self.lyrics


def _read(data: Any, job_id: str) -> Lyrics | None:
    data = with_response(data)
    if isinstance(data, dict) and "lyrics" not in data:
        data = {**data, "lyrics": data.get("data") or data.get("lyricsData")}
    return read_job_record(Lyrics, _NOUN, data, job_id)


def _judge(record: Lyrics, until: Until) -> Verdict:
    del until  # all variants come at once
    return judge_by_status(KIND, record, missing="text")


KIND = JobKind(
    name="lyrics",
    noun=_NOUN,
    id_parameter="job_id",
    record_key="lyrics",
    record_path="/api/v1/lyrics/record-info",
    statuses=frozenset(
        {
            "PENDING",
            "SUCCESS",
            "CREATE_TASK_FAILED",
            "GENERATE_LYRICS_FAILED",
            "CALLBACK_EXCEPTION",
            "SENSITIVE_WORD_ERROR",
        }
    ),
    usual_duration={"all": 30.0, "first": 30.0},
    no_result_before=5.0,
    read=_read,
    judge=_judge,
    says_unknown=says_record_does_not_exist,
)
