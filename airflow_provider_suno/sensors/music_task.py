"""The sensor that waits for a music task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from airflow_provider_suno.sensors.job import JobSensor

if TYPE_CHECKING:
    from typing import Unpack

    from airflow.sdk import XComArg

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
        **kwargs: Unpack[JobSensorArguments],
    ) -> None:
        super().__init__(kind="music", job_id=music_task_id, **kwargs)
