"""
The kinds of voice cloning: the phrase that the singer has to record, and the voice that is made of the recording.

Both have a ``status`` of the same words, and a voice can be used once its own is ``success``.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from airflow_provider_suno.simulator.jobs.callback import callback_url
from airflow_provider_suno.simulator.jobs.derived import hex_name
from airflow_provider_suno.simulator.jobs.order import OrderedKind
from airflow_provider_suno.simulator.jobs.plain_job import Flag, PlainJob
from airflow_provider_suno.simulator.kinds.voice.phrases import phrase_of

WAITING, PROCESSING, SUCCESS = "wait_processing", "processing_validate", "success"
_WAITING_FOR = 3.0
"""Simulated seconds before a job is begun."""

_FAILED_CODE = 400
"""The code of the callback of a failure, whatever its ``errorCode``."""


class _VoiceCloningJob(PlainJob):
    """One step of the cloning of a voice. It is free."""

    running: ClassVar[Flag] = PROCESSING
    shows_callback_exception: ClassVar[bool] = False
    result_field: ClassVar[str]
    """The field of record and callback that holds the result."""

    @classmethod
    def price_of(cls, request: Mapping[str, Any]) -> Decimal:  # noqa: ARG003
        """Return the credits that a request costs: none."""
        return Decimal(0)

    @abstractmethod
    def result(self) -> str:
        """Return what it makes."""

    def running_flag(self, now: float) -> Flag:
        """Return what its record says while it runs."""
        return WAITING if self.age(now) < _WAITING_FOR else self.running

    def record(self, now: float, base_url: str) -> dict[str, Any]:  # noqa: ARG002
        """
        Return the ``data`` of its record.

        :param now: simulated time.
        """
        made, failed = self.finished(now) and self.makes_something, self.failed(now)
        return {
            "taskId": self.job_id,
            self.result_field: self.result() if made else None,
            "status": self.flag(now),
            "errorCode": self.error_code() if failed else None,
            "errorMessage": self.order.message if failed else None,
        }

    def callback_body(self) -> dict[str, Any]:
        """Return the body of its callback. Empty fields are not null in it, unlike in the record."""
        failed = self.fails
        data = {
            "taskId": self.job_id,
            self.result_field: self.result() if self.makes_something else "",
            "status": self.order.fail if failed else self.succeeded,
            "errorCode": (self.error_code() or 0) if failed else 0,
            "errorMessage": self.order.message if failed else "",
        }
        code, msg = (_FAILED_CODE, self.order.message) if failed else (200, "success")
        return {"code": code, "msg": msg, "data": data}


@dataclass(frozen=True, kw_only=True)
class VoicePhraseJob(_VoiceCloningJob):
    """
    A phrase for the singer to record, chosen after a sample of the voice. Another one can be asked for.

    :param attempt: how many phrases there were before.
    :param before: the job as it was before another phrase was asked for.
    :param voice_ready_at: simulated time at which the voice is made; None if it is not.
    """

    kind: ClassVar[OrderedKind] = "voice_phrase"
    # No page says how long it takes.
    takes: ClassVar[tuple[float, float]] = (10, 25)
    succeeded: ClassVar[Flag] = "wait_validating"
    result_field: ClassVar[str] = "validateInfo"

    attempt: int = 0
    before: VoicePhraseJob | None = None
    voice_ready_at: float | None = None

    def result(self) -> str:
        """Return the phrase, in the language that was asked for."""
        return phrase_of(str(self.request.get("language")), self.job_id, self.attempt)

    def record(self, now: float, base_url: str) -> dict[str, Any]:
        """Return the ``data`` of its record: that of before for as long as its order says."""
        if self.before is not None and self.age(now) < (self.order.late or 0):
            return self.before.record(now, base_url)
        return super().record(now, base_url)

    def flag(self, now: float) -> Flag:
        """Return its status: that of the whole cloning once the voice is made."""
        made = self.voice_ready_at is not None and round(now - self.voice_ready_at, 3) >= 0
        return SUCCESS if made else super().flag(now)

    def callback_address(self) -> str | None:
        """Return the address for its callback. The call that asks for another phrase spells the field its own way."""
        return callback_url(self.request, "calBackUrl") or super().callback_address()


class VoiceJob(_VoiceCloningJob):
    """A voice, made of a recording of the phrase."""

    kind: ClassVar[OrderedKind] = "voice"
    takes: ClassVar[tuple[float, float]] = (30, 90)
    succeeded: ClassVar[Flag] = SUCCESS
    result_field: ClassVar[str] = "voiceId"

    @property
    def phrase_job_id(self) -> str:
        """The job of the phrase."""
        return str(self.request.get("taskId")).strip()

    def result(self) -> str:
        """Return the id of the voice, which music can be sung by."""
        return hex_name("voice", self.job_id)

    def usable(self, now: float) -> bool:
        """Return whether the voice can be used."""
        return self.finished(now) and self.makes_something
