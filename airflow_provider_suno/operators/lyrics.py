"""Operators that write lyrics, and that say when the words of a track are sung."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_suno.api.endpoints.lyrics import GenerateLyricsRequest
from airflow_provider_suno.api.endpoints.timestamps import GetTimestampedLyricsRequest, TimestampedLyrics
from airflow_provider_suno.api.request import TEXT_FILES
from airflow_provider_suno.operators.answered import AnsweredOperator
from airflow_provider_suno.operators.submit_job import SubmitJobOperator

if TYPE_CHECKING:
    from typing import Unpack

    from airflow.sdk import Context, XComArg

    from airflow_provider_suno.api.endpoints.lyrics import GenerateLyricsFields
    from airflow_provider_suno.api.endpoints.timestamps import GetTimestampedLyricsFields
    from airflow_provider_suno.operators.answered import AnsweredArguments
    from airflow_provider_suno.operators.submit_job import JobArguments

    class GenerateLyricsArguments(GenerateLyricsFields[XComArg], JobArguments):
        """The operator's parameters."""

    class GetTimestampedLyricsArguments(GetTimestampedLyricsFields[XComArg], AnsweredArguments):
        """The operator's parameters."""


class GenerateLyricsOperator(SubmitJobOperator):
    """
    Write lyrics in two or three variants ("generate-lyrics" in the docs of the sibling hosts); costs credits.

    Returns the list of texts and pushes ``lyrics``: ``[{"title", "text", "status", "error_message"}]``, one for each
    variant. A variant that failed has no text and is not in the list. Use one of them as ``prompt=`` of an operator
    that makes music, with ``custom_mode=True``: ``"{{ ti.xcom_pull('lyrics')[0] }}"``. With
    ``wait_for_completion=False``, returns the ``job_id``. The XCom ``job_id`` is always pushed, as soon as
    the id exists. For what a retry, a clear, a kill and a timeout do, and for the other parameters, see
    :class:`~airflow_provider_suno.operators.submit_job.SubmitJobOperator`.

    :param prompt: what the song is about: up to 200 characters, on some hosts 200 words; or the name of a file with
        that (``.txt``, ``.lrc``, ``.md``) beside the Dag or in its ``template_searchpath``.
    """

    request_type = GenerateLyricsRequest
    template_ext: Sequence[str] = TEXT_FILES
    ui_color = "#fdf3d8"

    def __init__(self, **arguments: Unpack[GenerateLyricsArguments]) -> None:
        super().__init__(**arguments)


class GetTimestampedLyricsOperator(AnsweredOperator):
    """
    Say when each word of a track is sung ("get-timestamped-lyrics" in the docs of the sibling hosts); costs credits.

    Returns ``[{"word", "start", "end"}]``, in seconds, and pushes ``lrc`` and ``srt``: the lines as the text of an LRC
    and of an SRT file. For an instrumental, which has no words, the list and both texts are empty, and the log says so.
    Each call is charged. For what a retry, a clear, a kill and a timeout do, and for the other parameters, see
    :class:`~airflow_provider_suno.operators.answered.AnsweredOperator`.

    :param music_task_id: the finished music task.
    :param audio_id: one of its tracks. For all tracks, map the operator: ``.expand(audio_id=wait.output)``.
    """

    request_type = GetTimestampedLyricsRequest
    ui_color = "#fdf3d8"

    def __init__(self, **arguments: Unpack[GetTimestampedLyricsArguments]) -> None:
        super().__init__(**arguments)

    @classmethod
    def answer_of(cls, stored: Mapping[str, Any]) -> TimestampedLyrics:
        """Return the answer that the journal holds."""
        return TimestampedLyrics.model_validate(stored)

    def deliver(self, context: Context, answer: TimestampedLyrics) -> list[dict[str, Any]]:
        """Push both texts and return the words."""
        if not answer.words:
            self.log.info("the service names no words, as for an instrumental")
        context["ti"].xcom_push(key="lrc", value=answer.lrc())
        context["ti"].xcom_push(key="srt", value=answer.srt())
        return answer.words
