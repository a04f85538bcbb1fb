"""An order: what a test asks of a job that is not music. Only the prompt of music can carry directives."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from airflow_provider_suno.simulator.jobs.failures import ERROR_MESSAGES

OrderedKind = Literal["wav", "stems", "midi", "lyrics", "video", "cover_art", "voice_phrase", "voice", "recovery"]
"""The kinds of jobs that take orders: all but music."""


class Order(BaseModel):
    """
    Body of ``POST /_sim/orders``: how the next job of a kind ends, and when.

    A job takes its order when it is submitted, and an order is taken once unless ``times`` says otherwise. The prompt
    of lyrics may carry directives, as that of a song; such a job takes no order. What is not given is as usual.

    :param kind: wav, stems, midi, lyrics, video, cover_art, voice_phrase, voice or recovery.
    :param fail: the ``successFlag`` or the status that it fails with, such as ``GENERATE_WAV_FAILED``, 3 for midi and
        cover_art, ``processing_validate_fail`` for voice_phrase, ``fail`` for voice, 500 for recovery; any is allowed.
        Failures are refunded. ``CALLBACK_EXCEPTION`` is no failure: the result is there, only the callback is not
        received; with ``empty``, the result is missing too and the credits are refunded.
    :param code: ``errorCode`` of the failure; null leaves it empty.
    :param message: ``errorMessage`` of the failure.
    :param stuck: whether it stays running for ever.
    :param empty: whether it succeeds without a result: no address, no stems, no words.
    :param seconds: simulated seconds from the submission to the end.
    :param hidden: simulated seconds during which record-info does not know it.
    :param late: of voice_phrase only: simulated seconds after a call for another phrase during which the record still
        shows the one before. No page says when a service replaces it; without an order it does so at once.
    :param times: how many jobs take the order; null for all of the kind.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: OrderedKind
    fail: str | int | None = None
    code: int | None = 500
    message: str = Field(default=ERROR_MESSAGES[500], min_length=1)
    stuck: bool = False
    empty: bool = False
    seconds: float | None = Field(default=None, ge=0)
    hidden: float | None = Field(default=None, ge=0)
    late: float | None = Field(default=None, ge=0)
    times: int | None = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _has_one_end(self) -> Order:
        if self.stuck and (self.fail is not None or self.empty or self.seconds is not None):
            raise ValueError("a stuck job has no end, so fail, empty and seconds cannot be set")
        if self.late is not None and self.kind != "voice_phrase":
            raise ValueError("only voice_phrase can be late")
        return self
