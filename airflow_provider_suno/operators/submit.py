"""What the operators that submit a music job share: the fields of a song, and how far to wait for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_suno.operators.job import SubmitJobOperator

if TYPE_CHECKING:
    from airflow.sdk import Context, XComArg

    from airflow_provider_suno.api.endpoints.music_requests import MusicRequest
    from airflow_provider_suno.api.jobs import JobRef
    from airflow_provider_suno.polling.outcome import Outcome
    from airflow_provider_suno.polling.wait import Wait
    from airflow_provider_suno.triggers.job import JobTrigger


class SubmitMusicOperator(SubmitJobOperator):
    """
    Submit one paid music job and return its ``music_task_id``; be the base of the operators that do.

    What a retry, a clear, a kill and a timeout do, and the parameters that are not listed here: see
    :class:`~airflow_provider_suno.operators.job.SubmitJobOperator`.

    :param model: the model, for example ``V5``.
    :param prompt: the idea or, in custom mode, the lyrics; or a file of lyrics (``.txt``, ``.lrc``, ``.md``) beside the
        Dag or in its ``template_searchpath``, which is a template too.
    :param style: genre, mood, instruments.
    :param title: the songs' title.
    :param persona_id: the persona to apply.
    :param persona_model: ``style_persona`` or ``voice_persona``.
    :param negative_tags: what to keep out.
    :param vocal_gender: ``m`` or ``f``.
    :param style_weight: 0 to 1, two decimals.
    :param weirdness_constraint: 0 to 1, two decimals.
    :param audio_weight: 0 to 1, two decimals.
    :param music_task_id: when given, nothing is submitted and that job is used: the way to go on with one already
        paid for.
    :param wait_for_completion: wait here, and push ``music_task`` and ``audio_ids`` as XComs too; of a failed job
        ``music_task`` with the tracks that can be played, if it has any.
    :param until: ``all`` tracks, or the ``first`` with its audio file, even of a job that failed; only such tracks are
        returned.
    """

    request_type: ClassVar[type[MusicRequest]]
    id_parameter = "music_task_id"

    template_fields: Sequence[str] = (
        "model",
        "prompt",
        "style",
        "title",
        "persona_id",
        "persona_model",
        "negative_tags",
        "vocal_gender",
        "style_weight",
        "weirdness_constraint",
        "audio_weight",
        *SubmitJobOperator.template_fields,
        "music_task_id",
        "until",
    )
    template_ext: Sequence[str] = (".txt", ".lrc", ".md")
    template_fields_renderers: ClassVar[dict[str, str]] = {"prompt": "md", "extra_fields": "json"}
    ui_color = "#f3e3ff"

    def __init__(
        self,
        *,
        model: str | None = None,
        prompt: str | None = None,
        style: str | None = None,
        title: str | None = None,
        persona_id: str | XComArg | None = None,
        persona_model: str | None = None,
        negative_tags: str | None = None,
        vocal_gender: str | None = None,
        style_weight: float | str | None = None,
        weirdness_constraint: float | str | None = None,
        audio_weight: float | str | None = None,
        music_task_id: str | XComArg | None = None,
        until: str = "all",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.model = model
        self.prompt = prompt
        self.style = style
        self.title = title
        self.persona_id = persona_id
        self.persona_model = persona_model
        self.negative_tags = negative_tags
        self.vocal_gender = vocal_gender
        self.style_weight = style_weight
        self.weirdness_constraint = weirdness_constraint
        self.audio_weight = audio_weight
        self.music_task_id: str | None = music_task_id  # type: ignore[assignment]  # a string once rendered
        self.until = until

    def trigger_for(self, wait: Wait, suno_conn_id: str, try_number: int | None) -> JobTrigger:
        """Return the trigger that goes on with a wait."""
        from airflow_provider_suno.triggers.music_task import MusicTaskTrigger

        return MusicTaskTrigger.for_wait(wait, suno_conn_id, try_number)

    def returned(self, job: JobRef, outcome: Outcome | None) -> str:
        """Return the ``music_task_id``, whether it was waited for or not."""
        del outcome
        return job.id

    def push(self, context: Context, outcome: Outcome) -> None:
        """Push ``music_task`` and ``audio_ids``."""
        super().push(context, outcome)
        context["ti"].xcom_push(key="audio_ids", value=outcome.result().result())
