"""The sensor of music: waits until a music task has really completed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from airflow_provider_suno.sensors.job import JobSensor

if TYPE_CHECKING:
    from typing import Unpack

    from airflow.sdk import XComArg

    from airflow_provider_suno.api.jobs import Until
    from airflow_provider_suno.sensors.job import JobSensorArguments


class MusicTaskSensor(JobSensor):
    """
    Wait until a music task has completed (docs.apikley.ru, "get-music-details"); free.

    Returns the list of ``audio_id``s, over which a task can be mapped; pushes ``music_task``: ``{"music_task_id",
    "status", "tracks": [{"audio_id", "title", "audio_url", "stream_audio_url", "image_url", "duration", "tags",
    "model_name", …}]}``; of a failed job, before the error is raised, with the tracks that can be played, if any.
    The modes, what a retry, a clear, a kill and a timeout do, and the other parameters: see
    :class:`~airflow_provider_suno.sensors.job.JobSensor`.

    :param music_task_id: the music task; one string. Map the sensor over several with ``expand``.
    :param until: ``all`` tracks, or the ``first`` with its audio file, even of a job that failed; only such tracks are
        returned.
    """

    id_parameter = "music_task_id"

    template_fields: Sequence[str] = ("music_task_id", "until", "suno_conn_id")

    def __init__(
        self,
        *,
        music_task_id: str | XComArg,
        until: Until | XComArg = "all",
        **kwargs: Unpack[JobSensorArguments],
    ) -> None:
        self.until = until
        super().__init__(kind="music", job_id=music_task_id, **kwargs)
