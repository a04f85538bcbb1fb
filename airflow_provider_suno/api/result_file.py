"""A file that a job has made."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from airflow_provider_suno.api.media_types import Content


class ResultFile(NamedTuple):
    """
    A file that a job has made.

    :param part: what it is among the files of its job, such as ``vocals``; different for each of them, and the same
        whenever the record is read. It is in the file's name if there are several.
    :param url: where it is.
    :param content: what it must hold.
    """

    part: str
    url: str
    content: Content
