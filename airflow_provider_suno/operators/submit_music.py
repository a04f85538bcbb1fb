"""The base of the operators that submit music."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

from airflow_provider_suno.lineage.openlineage import persona_uri, song_uri
from airflow_provider_suno.operators.submit_job import SubmitJobOperator
from airflow_provider_suno.task.keeping import as_template, keep_music, keep_usable_part

if TYPE_CHECKING:
    from airflow.sdk import Context, XComArg

    from airflow_provider_suno.api.endpoints.music import MusicTask
    from airflow_provider_suno.api.endpoints.music_requests import MusicRequest
    from airflow_provider_suno.api.jobs import JobRef, Until
    from airflow_provider_suno.hooks.storage import Destination
    from airflow_provider_suno.operators.submit_job import SubmitArguments
    from airflow_provider_suno.polling.outcome import Outcome

    class MusicArguments(SubmitArguments, total=False):
        """The parameters of every operator that submits music, besides the fields of its request."""

        music_task_id: str | XComArg | None
        until: Until | XComArg
        keep_at: Destination | XComArg | None


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

    request_type: ClassVar[type[MusicRequest]]
    id_parameter = "music_task_id"

    template_fields: Sequence[str] = (*SubmitJobOperator.template_fields, "until", "keep_at")
    template_ext: Sequence[str] = (".txt", ".lrc", ".md")
    template_fields_renderers: ClassVar[dict[str, str]] = {"prompt": "md", "extra_fields": "json"}
    ui_color = "#f3e3ff"

    def __init__(
        self,
        *,
        until: Until | XComArg = "all",
        keep_at: Destination | XComArg | None = None,
        wait_for_completion: bool = False,
        **arguments: Any,
    ) -> None:
        self.until = until
        self.keep_at = as_template(keep_at)
        # Not "or": a wrong flag must stay what it is, to be refused.
        waits = True if keep_at is not None and wait_for_completion is False else wait_for_completion
        super().__init__(wait_for_completion=waits, **arguments)

    @classmethod
    def check_parameters(cls, known: Mapping[str, Any]) -> None:
        """Check the known arguments that are not fields of the request."""
        super().check_parameters(known)
        if known.get("keep_at") is not None:
            from airflow_provider_suno.hooks.storage import check_destination

            check_destination(known["keep_at"], "keep_at")

    def check_surroundings(self) -> None:
        """Open the store before anything is paid for."""
        if self.keep_at is not None:
            from airflow_provider_suno.hooks.storage import open_folder

            open_folder(self.keep_at, "keep_at")

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
        """Push ``music_task`` and ``audio_ids``, then keep the tracks if asked to."""
        from airflow_provider_suno.assets.suno import music_extra
        from airflow_provider_suno.lineage.outlets import add_to_outlet_events

        super().push(context, outcome)
        record = cast("MusicTask", outcome.result())
        context["ti"].xcom_push(key="audio_ids", value=record.result())
        if record.credits_charged is not None:
            context["ti"].xcom_push(key="credits_charged", value=record.credits_charged)
        add_to_outlet_events(context, music_extra(record, record.playable), self.log)
        titles = ", ".join(track.title for track in record.playable if track.title)
        self.add_lineage(described={song_uri(self.paid_through(), record.music_task_id): titles})
        if self.keep_at is not None:
            journaled = self.journal is None or self.journal.persistent
            way_on = "A retry or a clear resumes this job and keeps it; nothing is charged again." if journaled else ""
            keep_music(context, self.open_hook(self.paid_through()), record, self.keep_at, way_on=way_on)

    def push_partial_result(self, context: Context, outcome: Outcome) -> None:
        """Push the playable tracks of a failed job, and keep them if asked to."""
        super().push_partial_result(context, outcome)
        if self.keep_at is not None:
            keep_usable_part(context, self.open_hook(self.paid_through()), outcome, self.keep_at)
