"""
The first step to a voice: the service reads a recording and names a phrase to sing ("voice-validate", "-regenerate").

Not every host has it.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from airflow_provider_suno.api.callback_url import NO_CALLBACK_URL
from airflow_provider_suno.api.fields import BlankIsNone, HttpUrl, Id, Number, two_decimals
from airflow_provider_suno.api.jobs import JobKind, Until, Verdict
from airflow_provider_suno.api.judging import judge_by_status, says_record_does_not_exist
from airflow_provider_suno.api.profiles import HostProfile
from airflow_provider_suno.api.record import SHOWN_CHARACTERS, LooseText, OtherJobRecord, either, read_job_record
from airflow_provider_suno.api.request import JobRequest
from airflow_provider_suno.api.text import excerpt

_NOUN = "voice phrase job"

VOICE_STATUSES = frozenset(
    {"wait_processing", "processing_validate", "processing_validate_fail", "wait_validating", "success", "fail"}
)

Language = Literal["en", "zh", "es", "fr", "pt", "de", "ja", "ko", "hi", "ru"]
_At = Annotated[float, Field(ge=0), AfterValidator(two_decimals), Number]


if TYPE_CHECKING:
    from typing import Generic

    from airflow_provider_suno.api.request import JobFields, Later

    class ValidateVoiceFields(JobFields[Later], Generic[Later], total=False):
        """The fields of :class:`ValidateVoiceRequest`."""

        voice_url: str | Later
        vocal_start_s: float | str | Later
        vocal_end_s: float | str | Later
        language: Language | Later | None

    class RegenerateVoicePhraseFields(JobFields[Later], Generic[Later], total=False):
        """The fields of :class:`RegenerateVoicePhraseRequest`."""

        phrase_job_id: str | Later


class ValidateVoiceRequest(JobRequest):
    """
    Ask for the phrase to sing for a voice: ``POST /api/v1/voice/validate``.

    :param voice_url: the URL of a recording of the voice.
    :param vocal_start_s: where the voice begins in it, in seconds.
    :param vocal_end_s: where it ends.
    :param language: the language of the phrase.
    """

    path: ClassVar[str] = "/api/v1/voice/validate"
    call: ClassVar[str] = "validate_voice"
    kind: ClassVar[str] = "voice_phrase"

    voice_url: HttpUrl
    vocal_start_s: _At
    vocal_end_s: _At
    language: Annotated[Language | None, BlankIsNone] = None

    def problems(self, profile: HostProfile) -> Iterator[str]:
        """Check that the voice has a length."""
        yield from super().problems(profile)
        if self.vocal_end_s <= self.vocal_start_s:
            yield f"vocal_end_s: {self.vocal_end_s:g} is not after vocal_start_s, {self.vocal_start_s:g}"

    @classmethod
    def _placeholder(cls, name: str) -> Any:
        # The longest voice, so that a known end is not taken for one before an unknown beginning.
        return {"vocal_start_s": 0.0, "vocal_end_s": 1e9}.get(name, super()._placeholder(name))


class RegenerateVoicePhraseRequest(JobRequest):
    """
    Ask for another phrase in the same job: ``POST /api/v1/voice/regenerate``.

    :param phrase_job_id: the job of the phrase.
    """

    path: ClassVar[str] = "/api/v1/voice/regenerate"
    call: ClassVar[str] = "regenerate_voice_phrase"
    kind: ClassVar[str] = "voice_phrase"

    phrase_job_id: Id = Field(serialization_alias="taskId")
    callback_url: HttpUrl = Field(default=NO_CALLBACK_URL, serialization_alias="calBackUrl")  # the API's own spelling


class VoicePhrase(OtherJobRecord):
    """
    The record of a phrase.

    ``phrase``: what to sing; ``None`` until it is known.
    """

    phrase: LooseText = either("validate_info", "phrase")

    def result(self) -> str | None:
        """Return the phrase."""
        return self.phrase

    def result_summary(self) -> str:
        """Return the phrase."""
        return f" {excerpt(self.phrase, SHOWN_CHARACTERS)}"


def _read(data: Any, job_id: str) -> VoicePhrase | None:
    return read_job_record(VoicePhrase, _NOUN, data, job_id)


def _judge(record: VoicePhrase, until: Until) -> Verdict:
    del until  # there is one phrase
    ready = frozenset({"wait_validating", "success"})
    return judge_by_status(KIND, record, missing="validateInfo", finished_at=ready)


KIND = JobKind(
    name="voice_phrase",
    noun=_NOUN,
    id_parameter="job_id",
    record_key="voice_phrase",
    record_path="/api/v1/voice/validate-info",
    statuses=VOICE_STATUSES,
    usual_duration={"all": 30.0, "first": 30.0},
    no_result_before=3.0,
    read=_read,
    judge=_judge,
    says_unknown=says_record_does_not_exist,
)
