"""
Voices: a singer made from a recording ("voice-generate", "voice-check"). Not every host has it.

A voice's id is used as a ``persona_id`` with ``persona_model="voice_persona"``.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from airflow_provider_suno.api.endpoints.voice_phrase import VOICE_STATUSES
from airflow_provider_suno.api.fields import BlankIsNone, HttpUrl, Id, Text
from airflow_provider_suno.api.jobs import JobKind, Until, Verdict
from airflow_provider_suno.api.judging import judge_by_status, says_record_does_not_exist
from airflow_provider_suno.api.record import SHOWN_CHARACTERS, LooseId, OtherJobRecord, either, read_job_record
from airflow_provider_suno.api.request import Effect, JobRequest, SunoRequest
from airflow_provider_suno.api.text import excerpt
from airflow_provider_suno.exceptions import SunoProtocolError

_NOUN = "voice job"

SkillLevel = Literal["beginner", "intermediate", "advanced", "professional"]


if TYPE_CHECKING:
    from typing import Generic

    from airflow_provider_suno.api.request import JobFields, Later, RequestFields

    class GenerateVoiceFields(JobFields[Later], Generic[Later], total=False):
        """The fields of :class:`GenerateVoiceRequest`."""

        phrase_job_id: str | Later
        verify_url: str | Later
        voice_name: str | Later | None
        description: str | Later | None
        style: str | Later | None
        singer_skill_level: SkillLevel | Later | None

    class CheckVoiceFields(RequestFields[Later], Generic[Later], total=False):
        """The fields of :class:`CheckVoiceRequest`."""

        voice_job_id: str | Later


class GenerateVoiceRequest(JobRequest):
    """
    Make a voice of the recorded phrase: ``POST /api/v1/voice/generate``.

    :param phrase_job_id: the job of the phrase.
    :param verify_url: the URL of a recording of the phrase.
    :param voice_name: the voice's name.
    :param description: about the voice.
    :param style: its style.
    :param singer_skill_level: ``beginner``, ``intermediate``, ``advanced`` or ``professional``.
    """

    path: ClassVar[str] = "/api/v1/voice/generate"
    call: ClassVar[str] = "generate_voice"
    kind: ClassVar[str] = "voice"

    phrase_job_id: Id = Field(serialization_alias="taskId")
    verify_url: HttpUrl
    voice_name: Text = None
    description: Text = None
    style: Text = None
    singer_skill_level: Annotated[SkillLevel | None, BlankIsNone] = None


class CheckVoiceRequest(SunoRequest):
    """
    Ask whether a voice can be used: ``POST /api/v1/voice/check-voice``; changes nothing.

    :param voice_job_id: the job that made the voice.
    """

    path: ClassVar[str] = "/api/v1/voice/check-voice"
    call: ClassVar[str] = "check_voice"
    effect: ClassVar[Effect] = "read"

    voice_job_id: Id = Field(serialization_alias="task_id")

    def read(self, data: Any) -> bool:
        """Return whether the voice can be used."""
        usable = data.get("isAvailable") if isinstance(data, Mapping) else None
        if not isinstance(usable, bool):
            raise SunoProtocolError(
                f"The reply does not say whether the voice can be used: {excerpt(data, SHOWN_CHARACTERS)}."
            )
        return usable


class Voice(OtherJobRecord):
    """
    The record of a voice.

    ``voice_id``: what to use as ``persona_id``; ``None`` until the voice is made.
    """

    voice_id: LooseId = either("voice_id")

    def result(self) -> str | None:
        """Return the ``voice_id``."""
        return self.voice_id

    def result_summary(self) -> str:
        """Return the ``voice_id``."""
        return f" {self.voice_id}"


def _read(data: Any, job_id: str) -> Voice | None:
    return read_job_record(Voice, _NOUN, data, job_id)


def _judge(record: Voice, until: Until) -> Verdict:
    del until  # there is one voice
    return judge_by_status(KIND, record, missing="voiceId", finished_at=frozenset({"success"}))


KIND = JobKind(
    name="voice",
    noun=_NOUN,
    id_parameter="job_id",
    record_key="voice",
    record_path="/api/v1/voice/record-info",
    statuses=VOICE_STATUSES,
    usual_duration={"all": 60.0, "first": 60.0},
    no_result_before=5.0,
    read=_read,
    judge=_judge,
    says_unknown=says_record_does_not_exist,
)
