"""The kind cover art: two pictures for a music task. Its ``successFlag`` is a number, and at 2 it still runs."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar

from airflow_provider_suno.simulator.jobs.derived import hex_name
from airflow_provider_suno.simulator.jobs.flagged_job import FlaggedJob
from airflow_provider_suno.simulator.jobs.order import OrderedKind
from airflow_provider_suno.simulator.jobs.picture import jpeg_of
from airflow_provider_suno.simulator.jobs.plain_job import Flag
from airflow_provider_suno.simulator.jobs.png import png_of

_PENDING, _SUCCESS, _GENERATING = 0, 1, 2
_PENDING_FOR = 5.0
"""Simulated seconds before the pictures are begun."""

_CALLBACK_CODES = (400, 408, 500, 501, 531)


class CoverArtJob(FlaggedJob):
    """A request for the pictures of a music task. A music task has one, ever; a failed one does not count."""

    kind: ClassVar[OrderedKind] = "cover_art"
    takes: ClassVar[tuple[float, float]] = (120, 170)
    succeeded: ClassVar[Flag] = _SUCCESS
    shows_callback_exception: ClassVar[bool] = False

    @classmethod
    def price_of(cls, request: Mapping[str, Any]) -> Decimal:  # noqa: ARG003
        """Return the credits that a request costs: none."""
        return Decimal(0)

    @property
    def music_task_id(self) -> str:
        """The music task that the pictures are for."""
        return str(self.request.get("taskId")).strip()

    def running_flag(self, now: float) -> Flag:
        """Return what its record says while it runs."""
        return _PENDING if self.age(now) < _PENDING_FOR else _GENERATING

    def own_fields(self, base_url: str, *, finished: bool) -> dict[str, Any]:
        """Return the music task, and the addresses of the pictures once there are any."""
        response = {"images": self._addresses(base_url)} if finished else None
        return {"parentTaskId": self.music_task_id, "response": response}

    def callback_data(self) -> dict[str, Any]:
        """Return the ``data`` of its callback."""
        return {"taskId": self.job_id, "images": None if self.fails else self._addresses(self.base_url)}

    def callback_body(self) -> dict[str, Any]:
        """Return the body of its callback. The code of a failure is that of the record, if callbacks know it."""
        body = super().callback_body()
        return body | {"code": self.order.code} if self.fails and self.order.code in _CALLBACK_CODES else body

    def files(self) -> tuple[str, ...]:
        """Return the names of the pictures: one is a PNG, one a JPEG."""
        return tuple(f"{hex_name('cover art', self.job_id, kind)}.{kind}" for kind in ("png", "jpeg"))

    def content_of(self, file_name: str) -> tuple[bytes, str]:
        """Return a picture."""
        return (png_of(file_name), "image/png") if file_name.endswith(".png") else (jpeg_of(file_name), "image/jpeg")

    def _addresses(self, base_url: str) -> list[str]:
        return [f"{base_url}/media/{name}" for name in self.files()] if self.makes_something else []
