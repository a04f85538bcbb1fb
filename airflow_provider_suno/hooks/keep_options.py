"""What to keep of finished jobs, and what is said of each kept file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from airflow_provider_suno.api.fields import blank_is_none
from airflow_provider_suno.api.file_names import check_name
from airflow_provider_suno.api.text import excerpt
from airflow_provider_suno.exceptions import SunoValidationError
from airflow_provider_suno.hooks.files import DEFAULT_NAME, MOST_BYTES
from airflow_provider_suno.polling.finished import track_number

Overwrite = Literal["never", "if_changed"]

MOST_PARALLEL = 16


@dataclass(frozen=True)
class KeptFile:
    """
    One file that is kept.

    :param uri: where, as ``ObjectStoragePath`` takes it.
    :param audio_id: its track; of another job's file the track that it was made from, if the record tells that.
    :param title: that of its track; ``None`` of another job's file.
    :param size: bytes.
    :param sha256: its checksum, with its tags.
    :param duration: seconds, as the record says; ``None`` of a picture and of another job's file.
    :param music_task_id: its music task; of another job's file that which it was made from, if the record tells that.
    :param fetched: whether this call fetched it; ``False`` if it was there.
    :param kind: the name of the kind of job that has made it.
    :param job_id: that job; ``None`` of a music task's file.
    :param part: what it is among the files of that job, such as ``vocals``; ``None`` of a music task's file.
    """

    uri: str
    audio_id: str | None
    title: str | None
    size: int
    sha256: str
    media_type: str
    duration: float | None
    music_task_id: str | None
    fetched: bool = True
    kind: str = "music"
    job_id: str | None = None
    part: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return a plain dict for XComs and events."""
        names = ("uri", "audio_id", "title", "size", "sha256", "media_type", "duration")
        fields = {name: getattr(self, name) for name in names}
        return fields if self.job_id is None else {**fields, "part": self.part}

    @property
    def made_by(self) -> dict[str, Any]:
        """What names the job that has made it, for events."""
        if self.job_id is None:
            return {"music_task_id": self.music_task_id}
        return {"kind": self.kind, "job_id": self.job_id}


@dataclass(frozen=True)
class KeepOptions:
    """
    What to keep and how. Tracks, covers and names can be chosen of music tasks only.

    :param track: the number of one track, counted from 0; ``None`` means all.
    :param audio_ids: the tracks; ``None`` means all.
    :param covers: keep the cover picture of each track, too.
    :param name: a template of the files' names.
    :param overwrite: ``never``, or ``if_changed``: ask the host whether its file is another one than the one kept.
    :param max_bytes: the size at which a file is refused.
    :param parallel: how many files are fetched at once.
    """

    track: int | None = None
    audio_ids: tuple[str, ...] | None = None
    covers: bool = False
    name: str = DEFAULT_NAME
    overwrite: Overwrite = "never"
    max_bytes: int = MOST_BYTES
    parallel: int = 2

    @classmethod
    def check(
        cls,
        *,
        track: Any = None,
        audio_ids: Any = None,
        covers: Any = False,
        name: Any = DEFAULT_NAME,
        overwrite: Any = "never",
        max_bytes: Any = MOST_BYTES,
        parallel: Any = 2,
    ) -> KeepOptions:
        """
        Return checked options; numbers may be given as text.

        :raises SunoValidationError: names the wrong one.
        """
        track, audio_ids = blank_is_none(track), _ids(audio_ids)
        if track is not None and audio_ids is not None:
            raise SunoValidationError(f"track: {excerpt(track)} beside audio_ids: leave one of the two out.")
        if not isinstance(covers, bool):
            raise SunoValidationError(f"covers: must be True or False, got {excerpt(covers)}.")
        if overwrite not in get_args(Overwrite):
            raise SunoValidationError(f"overwrite: must be one of {get_args(Overwrite)}, got {excerpt(overwrite)}.")
        return cls(
            track=None if track is None else track_number(track),
            audio_ids=audio_ids,
            covers=covers,
            name=check_name(name),
            overwrite=overwrite,
            max_bytes=_whole_number("max_bytes", max_bytes, 10**15),
            parallel=_whole_number("parallel", parallel, MOST_PARALLEL),
        )


def _ids(value: Any) -> tuple[str, ...] | None:
    value = blank_is_none(value)
    if value is None:
        return None
    if isinstance(value, str) and value.lstrip().startswith("["):
        raise SunoValidationError(
            f"audio_ids: {excerpt(value)} is one text, not a list: give wait.output itself, or set "
            "render_template_as_native_obj=True on the Dag."
        )
    listed = (value,) if isinstance(value, str) else value
    try:
        ids = tuple(listed)
    except TypeError:
        ids = ()
    if not ids or not all(isinstance(one, str) and one.strip() for one in ids):
        raise SunoValidationError(f"audio_ids: must be a list of ids, got {excerpt(value)}.")
    return tuple(dict.fromkeys(one.strip() for one in ids))


def _whole_number(name: str, value: Any, most: int) -> int:
    text = "" if isinstance(value, bool) else str(value).strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 20 and 1 <= int(text) <= most):
        raise SunoValidationError(f"{name}: must be a whole number from 1 to {most}, got {excerpt(value)}.")
    return int(text)
