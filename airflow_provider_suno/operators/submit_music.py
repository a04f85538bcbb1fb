"""The base of the operators that submit music."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

from airflow_provider_suno.api.request import TEXT_FILES
from airflow_provider_suno.lineage.openlineage import persona_uri, song_uri
from airflow_provider_suno.operators.submit_job import SubmitJobOperator

if TYPE_CHECKING:
    from airflow.sdk import Context, XComArg

    from airflow_provider_suno.api.endpoints.music import MusicTask
    from airflow_provider_suno.api.jobs import JobRef, Until
    from airflow_provider_suno.api.request import JobRequest
    from airflow_provider_suno.operators.submit_job import KeepArguments, SubmitArguments
    from airflow_provider_suno.polling.outcome import Outcome

    class MusicArguments(SubmitArguments, KeepArguments, total=False):
        """The parameters of every operator that submits music, besides the fields of its request."""

        music_task_id: str | XComArg | None
        until: Until | XComArg


class SubmitMusicOperator(SubmitJobOperator):
    """
    Submit one paid music job and return its ``music_task_id``; the base class of the operators that make music.

    For what a retry, a clear, a kill and a timeout do, and for the other parameters, see
    :class:`~airflow_provider_suno.operators.submit_job.SubmitJobOperator`.

    :param model: the model, for example ``V5``.
    :param prompt: the idea or, in custom mode, the lyrics; or the name of a file of lyrics (``.txt``, ``.lrc``,
        ``.md``) beside the Dag or in its ``template_searchpath``, which is rendered, too.
    :param style: genre, mood, instruments.
    :param title: the songs' title.
    :param persona_id: the persona to apply.
    :param persona_model: ``style_persona`` or ``voice_persona``.
    :param negative_tags: what to avoid.
    :param vocal_gender: ``m`` or ``f``.
    :param style_weight: 0 to 1, two decimals.
    :param weirdness_constraint: 0 to 1, two decimals.
    :param audio_weight: 0 to 1, two decimals.
    :param variety: how much the tracks differ, 0 to 4; for the V6 models, not on every host.
    :param music_task_id: a music task that is already paid for, to resume it: nothing is submitted.
    :param wait_for_completion: wait, and push the XComs ``music_task`` and ``audio_ids``, too. If the job failed but
        has playable tracks, ``music_task`` is pushed with these.
    :param until: wait for ``all`` tracks, or only for the ``first`` with an audio file, which may be that of a failed
        job. Only tracks with an audio file are pushed.
    :param keep_at: the folder or object store to keep the tracks in, as the ``destination`` of
        :class:`~airflow_provider_suno.operators.files.DownloadMusicOperator`. The task then waits, keeps the tracks
        and pushes ``files`` before it succeeds. If they cannot be kept, a retry resumes the job: nothing is paid again
        (before Airflow 3.3 the task fails for good, and the error says how to go on without paying).
    """

    request_type: ClassVar[type[JobRequest]]
    id_parameter = "music_task_id"

    template_fields: Sequence[str] = (*SubmitJobOperator.template_fields, "until")
    apart_from_request = (*SubmitJobOperator.apart_from_request, "until")
    template_ext: Sequence[str] = TEXT_FILES
    template_fields_renderers: ClassVar[dict[str, str]] = {"prompt": "md", "extra_fields": "json"}
    ui_color = "#f3e3ff"

    def __init__(
        self,
        *,
        until: Until | XComArg = "all",
        wait_for_completion: bool = False,
        **arguments: Any,
    ) -> None:
        self.until = until
        super().__init__(wait_for_completion=wait_for_completion, **arguments)

    @classmethod
    def makes_files(cls) -> bool:
        """Return that music is files, without loading its records into each Dag file."""
        return True

    def note_job(self, job: JobRef) -> None:
        """Note the songs, and the persona and the songs that they are made from, for the task's lineage."""
        conn_id = self.paid_through()
        persona_id, source = (getattr(self, name, None) for name in ("persona_id", "source_music_task_id"))
        personas = [persona_uri(conn_id, persona_id)] if persona_id else []
        songs = [song_uri(conn_id, source)] if source else []
        self.add_lineage(used=[*personas, *songs], made=[song_uri(conn_id, job.id)])

    def returned(self, outcome: Outcome) -> str:
        """Return the ``music_task_id``."""
        return outcome.job.id

    def hand_on(self, context: Context, job: JobRef) -> str:
        """Return the ``music_task_id``, which the events of the task's outlets carry, too."""
        from airflow_provider_suno.lineage.outlets import add_to_outlet_events

        add_to_outlet_events(context, {"music_task_id": job.id}, self.log)
        return super().hand_on(context, job)

    def push(self, context: Context, outcome: Outcome) -> None:
        """Push ``music_task``, ``audio_ids`` and, if the record tells them, ``credits_charged``."""
        super().push(context, outcome)
        record = cast("MusicTask", outcome.result())
        context["ti"].xcom_push(key="audio_ids", value=record.result())
        if record.credits_charged is not None:
            context["ti"].xcom_push(key="credits_charged", value=record.credits_charged)
        titles = ", ".join(track.title for track in record.playable if track.title)
        self.add_lineage(described={song_uri(self.paid_through(), record.music_task_id): titles})
