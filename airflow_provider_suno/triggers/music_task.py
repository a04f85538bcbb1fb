"""The trigger for a music task: it waits in the triggerer and yields one event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_suno.api.jobs import JobRef, Until
from airflow_provider_suno.triggers.job import JobTrigger

if TYPE_CHECKING:
    from airflow_provider_suno.polling.wait import Wait


class MusicTaskTrigger(JobTrigger):
    """
    Wait for a music task without holding a worker, and yield one event.

    The event is ``{"status": "finished" | "failed" | "timeout" | "gave_up", "music_task_id", "music_task": dict | None,
    "error": {"type", "message", "code", "retry_after"} | None}``. Beside an error, ``music_task`` holds only the tracks
    of a failed job that can be played. For when the event comes, and what a clear and a kill do, see
    :class:`~airflow_provider_suno.triggers.job.JobTrigger`.

    :param music_task_id: the music task.
    :param suno_conn_id: the connection; the key itself never travels.
    :param until: ``all`` tracks, or the ``first`` with its audio file.
    :param submitted_at: when it was submitted, in epoch seconds, if that is known.
    :param deadline: when to give up, in epoch seconds; 20 minutes from now by default.
    :param poll_interval: the longest gap between two polls, in seconds; ``None`` is adaptive.
    :param history: what the worker's polls have seen, as :meth:`Wait.history` returns it.
    :param try_number: the task's try; when given, the event repeats it, so that a later try can tell an old event.
    :param expects_callback: whether a callback will resume the task; then polls are rare.
    :param heard: the stage of the callback that has resumed the task last, which does not resume it again.
    """

    def __init__(
        self,
        music_task_id: str,
        suno_conn_id: str = "suno_default",
        until: Until = "all",
        submitted_at: float | None = None,
        deadline: float | None = None,
        poll_interval: float | None = None,
        history: dict[str, Any] | None = None,
        try_number: int | None = None,
        expects_callback: bool = False,
        heard: str | None = None,
    ) -> None:
        super().__init__(
            "music",
            music_task_id,
            suno_conn_id,
            until=until,
            submitted_at=submitted_at,
            deadline=deadline,
            poll_interval=poll_interval,
            history=history,
            try_number=try_number,
            expects_callback=expects_callback,
            heard=heard,
        )

    @classmethod
    def _job_arguments(cls, job: JobRef) -> dict[str, Any]:
        return {"music_task_id": job.id}


def trigger_for(wait: Wait, suno_conn_id: str, try_number: int | None = None, heard: str | None = None) -> JobTrigger:
    """Return the trigger that continues a wait."""
    kind = MusicTaskTrigger if wait.job.kind.id_parameter == "music_task_id" else JobTrigger
    return kind.for_wait(wait, suno_conn_id, try_number, heard)
