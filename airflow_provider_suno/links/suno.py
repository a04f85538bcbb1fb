"""The buttons that Airflow's UI shows for a task instance: the job's log at the service, and what was made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperatorLink

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator


class SunoLink(BaseOperatorLink):
    """
    A link that the task itself pushes as an XCom, as soon as it is known.

    Airflow would compute all links when a process of the task ends, also before a deferral, and write ``null`` for
    those that are not known there. Its UI then shows a button that leads nowhere. So a task that runs has none of
    these links (:func:`without_computed_links`): the XComs that it has pushed stay as they are.
    """

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        """Return the link that was pushed; asked only of a task that runs with its links after all."""
        del operator
        pull = getattr(ti_key, "xcom_pull", None)
        pushed = pull and pull(task_ids=ti_key.task_id, key=self.xcom_key, map_indexes=ti_key.map_index)
        return pushed if isinstance(pushed, str) else ""


class LogLink(SunoLink):
    """The page of the service that lists the account's jobs, on hosts that have one."""

    name = "Log at the service"


class AudioLink(SunoLink):
    """The audio file: of the first track, or the first one that a conversion has made."""

    name = "Audio"


class VideoLink(SunoLink):
    """The music video."""

    name = "Video"


class CoverLink(SunoLink):
    """The cover picture of the first track, or the first picture that was made."""

    name = "Cover"


class KeptFileLink(SunoLink):
    """The first audio file that was kept, else the first file: in the music player, or in the store's console."""

    name = "Kept file"


JOB_LINKS = (LogLink(), AudioLink(), VideoLink(), CoverLink(), KeptFileLink())
"""Those of a task that has a job. The UI leaves out the ones that were not pushed."""


def without_computed_links(task: Any) -> None:
    """Leave only the links of others to be computed when the process ends, such as those of a user's subclass."""
    task.operator_extra_links = tuple(link for link in task.operator_extra_links if not isinstance(link, SunoLink))
