"""The sensor that waits for a music task."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from airflow_provider_suno.exceptions import SunoError
from airflow_provider_suno.lineage.openlineage import song_uri
from airflow_provider_suno.sensors.job import JobSensor
from airflow_provider_suno.task.failure import raise_for_airflow
from airflow_provider_suno.task.keeping import as_template, keep_music, keep_usable_part

if TYPE_CHECKING:
    from typing import Unpack

    from airflow.sdk import Context, XComArg

    from airflow_provider_suno.api.endpoints.music import MusicTask
    from airflow_provider_suno.api.jobs import Until
    from airflow_provider_suno.hooks.storage import Destination
    from airflow_provider_suno.polling.outcome import Outcome
    from airflow_provider_suno.sensors.job import JobSensorArguments


class MusicTaskSensor(JobSensor):
    """
    Wait until a music task has finished (docs.apikley.ru, "get-music-details"); free.

    Returns the list of ``audio_id``s, over which a task can be mapped. Pushes ``music_task``: ``{"music_task_id",
    "status", "tracks": [{"audio_id", "title", "audio_url", "stream_audio_url", "image_url", "duration" (s), "tags",
    "model_name", …}]}``. If the job failed but has playable tracks, ``music_task`` is pushed with these before the
    error is raised. For the modes, what a retry, a clear, a kill and a timeout do, and the other parameters, see
    :class:`~airflow_provider_suno.sensors.job.JobSensor`.

    :param music_task_id: the music task; one string. For several, map the sensor with ``expand``.
    :param until: wait for ``all`` tracks, or only for the ``first`` with an audio file, which may be that of a failed
        job. Only tracks with an audio file are returned.
    :param keep_at: the folder or object store to keep the tracks in, as the ``destination`` of
        :class:`~airflow_provider_suno.operators.files.DownloadMusicOperator`; ``files`` is pushed then. The tracks are
        fetched by the worker, in every mode, and ``timeout`` does not bound that. If it fails, the task fails, with
        ``soft_fail`` too; a retry or a clear fetches what is missing.
    """

    id_parameter = "music_task_id"

    template_fields: Sequence[str] = ("music_task_id", "until", "keep_at", "suno_conn_id")

    def __init__(
        self,
        *,
        music_task_id: str | XComArg,
        until: Until | XComArg = "all",
        keep_at: Destination | XComArg | None = None,
        **kwargs: Unpack[JobSensorArguments],
    ) -> None:
        self.until = until
        self.keep_at = as_template(keep_at)
        super().__init__(kind="music", job_id=music_task_id, **kwargs)

    @classmethod
    def check_literals(cls, known: Mapping[str, Any], later: Collection[str]) -> None:
        """Check the arguments that are known when the Dag is parsed."""
        super().check_literals(known, later)
        if known.get("keep_at") is not None:
            from airflow_provider_suno.hooks.storage import check_destination

            check_destination(known["keep_at"], "keep_at")

    def push(self, context: Context, outcome: Outcome) -> None:
        """Push ``music_task``, then keep the tracks if asked to."""
        from airflow_provider_suno.assets.suno import music_extra
        from airflow_provider_suno.lineage.outlets import add_to_outlet_events

        super().push(context, outcome)
        record = cast("MusicTask", outcome.result())
        add_to_outlet_events(context, music_extra(record, record.playable), self.log)
        self.add_lineage(used=[song_uri(self.suno_conn_id, record.music_task_id)])
        if self.keep_at is not None:
            try:
                keep_music(context, self.open_hook(), outcome.result(), self.keep_at)
            except SunoError as error:
                self.stop_if_killed()
                if self.never_fail:
                    self.fail(error)
                raise_for_airflow(error)  # soft_fail is about the wait, which was successful

    def push_partial_result(self, context: Context, outcome: Outcome) -> None:
        """Push the playable tracks of a failed job, and keep them if asked to."""
        super().push_partial_result(context, outcome)
        if self.keep_at is not None:
            keep_usable_part(context, self.open_hook(), outcome, self.keep_at)
