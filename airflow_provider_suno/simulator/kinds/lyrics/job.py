"""The kind lyrics: two or three texts about a prompt. Its record has a ``status``, as that of music."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar

from airflow_provider_suno.simulator.jobs.derived import number_between
from airflow_provider_suno.simulator.jobs.failures import ERROR_MESSAGES
from airflow_provider_suno.simulator.jobs.order import Order, OrderedKind
from airflow_provider_suno.simulator.jobs.plain_job import PlainJob
from airflow_provider_suno.simulator.jobs.title import title_from
from airflow_provider_suno.simulator.kinds.lyrics.words import lyrics_about
from airflow_provider_suno.simulator.kinds.music.prompt_directives import Directives, Failure, directives_of, is_number

_PENDING, _FAILED = "PENDING", "GENERATE_LYRICS_FAILED"
_CALLBACK_CODES = (400, 451, 500)
_REJECTED = {400: "SENSITIVE_WORD_ERROR"}
_CODES = {"SENSITIVE_WORD_ERROR": 400}


class LyricsJob(PlainJob):
    """A request for lyrics."""

    kind: ClassVar[OrderedKind] = "lyrics"
    takes: ClassVar[tuple[float, float]] = (25, 40)

    @classmethod
    def price_of(cls, request: Mapping[str, Any]) -> Decimal:  # noqa: ARG003
        """Return the credits that a request costs."""
        return Decimal("0.4")

    def record(self, now: float, base_url: str) -> dict[str, Any]:  # noqa: ARG002
        """
        Return the ``data`` of its record.

        :param now: simulated time.
        """
        failed, response = self.failed(now), None
        if self.finished(now):
            response = {"taskId": self.job_id, "data": self._texts("errorMessage")}
        return {
            "taskId": self.job_id,
            "param": json.dumps(self.request, ensure_ascii=False),
            "response": response,
            "status": self.flag(now),
            "type": "LYRICS",
            "errorCode": self.error_code() if failed else None,
            "errorMessage": self.order.message if failed else None,
        }

    def callback_body(self) -> dict[str, Any]:
        """Return the body of its callback. Only the code tells a failure: ``callbackType`` is always the same."""
        code, msg, texts = 200, "success", None
        if self.fails:
            code, msg = self.order.code or 500, self.order.message
            code = code if code in _CALLBACK_CODES else 500
        else:
            texts = self._texts("error_message")
        return {
            "code": code,
            "msg": msg,
            "data": {"callbackType": "complete", "task_id": self.job_id, "data": texts},
        }

    def _texts(self, error_field: str) -> list[dict[str, Any]]:
        """
        Return the texts.

        :param error_field: the name of the field for an error, which record and callback spell differently.
        """
        if not self.makes_something:
            return []
        count = directives_of(self.request).tracks or round(number_between(2, 3, "texts", self.job_id))
        title = title_from(str(self.request.get("prompt", "")), self.job_id)
        return [
            {
                "text": lyrics_about(title, self.job_id, number),
                "title": title if number == 0 else f"{title} {number + 1}",
                "status": "complete",
                error_field: "",
            }
            for number in range(count)
        ]


def order_in(request: Mapping[str, Any]) -> Order | None:
    """
    Return the order that the directives of a prompt for lyrics give, or None if it has none.

    :param request: the submitted fields.
    """
    directives = directives_of(request)
    if directives == Directives(tracks=directives.tracks):
        return None
    stuck, hidden = directives.stuck_in is not None, directives.hidden_for
    if stuck or directives.failure is None:
        return Order(kind="lyrics", stuck=stuck, hidden=hidden)
    status, code = _failure(directives.failure)
    message = ERROR_MESSAGES.get(code or 0, f"The lyrics ended as {status}.")
    return Order(kind="lyrics", fail=status, code=code, message=message, hidden=hidden)


def _failure(failure: Failure) -> tuple[str, int | None]:
    """Return status and ``errorCode`` of a failure that a directive asks for."""
    if is_number(failure.name):
        return _REJECTED.get(int(failure.name), _FAILED), int(failure.name)
    status = _FAILED if failure.name == "GENERATE_AUDIO_FAILED" else failure.name
    code: int | None = _CODES.get(status, 500)
    for detail in failure.details:
        if is_number(detail) or detail == "null":
            code = int(detail) if is_number(detail) else None
    return status, code
