"""Operators that make a voice of your own. Not every host has these calls."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from airflow_provider_suno.api.endpoints.voice import CheckVoiceRequest, GenerateVoiceRequest
from airflow_provider_suno.api.endpoints.voice_phrase import RegenerateVoicePhraseRequest, ValidateVoiceRequest
from airflow_provider_suno.api.jobs import JobRef
from airflow_provider_suno.api.request import TEXT_FILES
from airflow_provider_suno.exceptions import SunoValidationError
from airflow_provider_suno.hooks.suno import SunoHook
from airflow_provider_suno.operators.submit_job import SubmitJobOperator
from airflow_provider_suno.task.arguments import check_arguments
from airflow_provider_suno.task.failure import with_errors_for_airflow
from airflow_provider_suno.task.suno_task import SunoTask

if TYPE_CHECKING:
    from typing import Unpack

    from airflow.sdk import Context, XComArg

    from airflow_provider_suno.api.endpoints.voice import GenerateVoiceFields
    from airflow_provider_suno.api.endpoints.voice_phrase import RegenerateVoicePhraseFields, ValidateVoiceFields
    from airflow_provider_suno.api.request import JobRequest
    from airflow_provider_suno.operators.submit_job import JobArguments
    from airflow_provider_suno.task.parameters import OperatorArguments

    class ValidateVoiceArguments(ValidateVoiceFields[XComArg], JobArguments):
        """The operator's parameters."""

    class RegenerateVoicePhraseArguments(RegenerateVoicePhraseFields[XComArg], JobArguments):
        """The operator's parameters."""

    class GenerateVoiceArguments(GenerateVoiceFields[XComArg], JobArguments):
        """The operator's parameters."""


_COLOR = "#e3edff"
_NOT_THE_VOICE = (
    "voice_job_id is the XCom job_id of the GenerateVoiceOperator that made the voice, not the id of the voice, which "
    "it returns."
)


class ValidateVoiceOperator(SubmitJobOperator):
    """
    Ask for the phrase to sing for a voice ("voice-validate" in the docs of the sibling hosts).

    Returns the phrase and pushes ``voice_phrase``: ``{"job_id", "status", "phrase", …}``. The XCom ``job_id`` is pushed
    as soon as the id exists: ``GenerateVoiceOperator`` needs it as ``phrase_job_id``, with a recording of the phrase.
    With ``wait_for_completion=False``, returns the ``job_id``. For what a retry, a clear, a kill and a timeout do, and
    for the other parameters, see :class:`~airflow_provider_suno.operators.submit_job.SubmitJobOperator`.

    :param voice_url: the URL of a recording of the voice: what ``UploadFileOperator`` returns, or any public URL.
    :param vocal_start_s: where the voice begins in it, in seconds.
    :param vocal_end_s: where it ends.
    :param language: the language of the phrase: ``en``, ``zh``, ``es``, ``fr``, ``pt``, ``de``, ``ja``, ``ko``, ``hi``
        or ``ru``.
    """

    request_type = ValidateVoiceRequest
    ui_color = _COLOR

    def __init__(self, **arguments: Unpack[ValidateVoiceArguments]) -> None:
        super().__init__(**arguments)


class RegenerateVoicePhraseOperator(SubmitJobOperator):
    """
    Ask for another phrase in the same job ("voice-regenerate" in the docs of the sibling hosts).

    Returns and pushes the same as ``ValidateVoiceOperator``. The job keeps its id, so its record is read first: while
    it shows the phrase that it had before, the task waits, up to two minutes. Then it returns that phrase with a
    warning. So ``wait_for_completion`` must stay ``True``, and with ``job_id=`` the old phrase is not known. For what a
    retry, a clear, a kill and a timeout do, and for the other parameters, see
    :class:`~airflow_provider_suno.operators.submit_job.SubmitJobOperator`.

    :param phrase_job_id: the job of the first phrase, the XCom ``job_id`` of ``ValidateVoiceOperator``.
    """

    request_type = RegenerateVoicePhraseRequest
    ui_color = _COLOR

    def __init__(self, **arguments: Unpack[RegenerateVoicePhraseArguments]) -> None:
        super().__init__(**arguments)

    @classmethod
    def check_parameters(cls, known: Mapping[str, Any]) -> None:
        """Refuse not to wait: nothing else knows which phrase is the old one."""
        super().check_parameters(known)
        if known.get("wait_for_completion") is False:
            raise SunoValidationError(
                "wait_for_completion: must stay True here. The job keeps its id, so a sensor after this task could "
                "return the phrase that the job had before."
            )

    def build_request(self, hook: SunoHook) -> JobRequest:
        """Return the checked request, after a look at the phrase that the job has now."""
        request = cast("RegenerateVoicePhraseRequest", super().build_request(hook))
        record = hook.client.get_record(JobRef(self.job_kind, request.phrase_job_id))
        self._old_result = None if record is None else record.result_digest()
        return request


class GenerateVoiceOperator(SubmitJobOperator):
    """
    Make a voice of the recorded phrase ("voice-generate" in the docs of the sibling hosts).

    Returns the voice's id and pushes ``voice``: ``{"job_id", "status", "voice_id", …}``. Use the id as ``persona_id=``
    with ``persona_model="voice_persona"`` in the operators that make music (model V5 or later). With
    ``wait_for_completion=False``, returns the ``job_id``. The XCom ``job_id`` is always pushed, as soon as the id
    exists. For what a retry, a clear, a kill and a timeout do, and for the other parameters, see
    :class:`~airflow_provider_suno.operators.submit_job.SubmitJobOperator`.

    :param phrase_job_id: the job of the phrase, the XCom ``job_id`` of ``ValidateVoiceOperator``.
    :param verify_url: the URL of a recording of the phrase.
    :param voice_name: the voice's name.
    :param description: about the voice; or the name of a file with it (``.txt``, ``.lrc``, ``.md``).
    :param style: its style.
    :param singer_skill_level: ``beginner``, ``intermediate``, ``advanced`` or ``professional``.
    """

    request_type = GenerateVoiceRequest
    template_ext: Sequence[str] = TEXT_FILES
    ui_color = _COLOR

    def __init__(self, **arguments: Unpack[GenerateVoiceArguments]) -> None:
        super().__init__(**arguments)


class CheckVoiceOperator(SunoTask):
    """
    Say whether a voice can be used ("voice-check" in the docs of the sibling hosts); free.

    Put it before a song that costs credits, to be sung by a voice that was made in an earlier run.
    ``GenerateVoiceOperator`` itself waits until a new voice is there. A ``@task.short_circuit`` after this task skips
    the song if the voice cannot be used. Returns ``True`` or ``False``. A retry or a clear asks again. A kill ends the
    call.

    :param voice_job_id: the job that made the voice, the XCom ``job_id`` of ``GenerateVoiceOperator``; not the
        voice that it returns.
    :param suno_conn_id: the connection.
    """

    template_fields: Sequence[str] = ("voice_job_id", "suno_conn_id")
    ui_color = _COLOR

    def __init__(
        self,
        *,
        voice_job_id: str | XComArg,
        suno_conn_id: str | XComArg = SunoHook.default_conn_name,
        **kwargs: Unpack[OperatorArguments],
    ) -> None:
        self.voice_job_id: str = voice_job_id  # type: ignore[assignment]  # once rendered
        super().__init__(suno_conn_id=suno_conn_id, **kwargs)

    @classmethod
    def check_literals(cls, known: Mapping[str, Any], later: Collection[str]) -> None:
        """Check the arguments that are known when the Dag is parsed."""
        CheckVoiceRequest.check_known(
            {name: known[name] for name in ("voice_job_id",) if name in known},
            [name for name in ("voice_job_id",) if name in later],
        )

    @with_errors_for_airflow
    def execute(self, context: Context) -> bool:
        """Ask whether the voice can be used."""
        hook = self.open_hook()
        check_arguments(self, context)
        try:
            usable = hook.check_voice(voice_job_id=self.voice_job_id)
        except SunoValidationError as refused:
            if refused.code is None:
                raise
            message = f"{refused} {_NOT_THE_VOICE}"
            raise SunoValidationError(message, code=refused.code) from refused
        self.stop_if_killed()
        self.log.info("the voice of job %s %s", self.voice_job_id, "can be used" if usable else "cannot be used")
        return usable

    def what_continues(self) -> str:
        """Return that nothing continues."""
        return "Nothing was made or charged."
