"""How far a music task is, and how far it is waited for: apart from the models, which a Dag file has no need of."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

Until = Literal["all", "first"]
"""What is waited for: ``all`` tracks, or the ``first`` that has its audio file."""


class MusicStatus(StrEnum):
    """The documented statuses of a record; others occur and count as running, or as failed by their ending."""

    PENDING = "PENDING"
    TEXT_SUCCESS = "TEXT_SUCCESS"
    FIRST_SUCCESS = "FIRST_SUCCESS"
    SUCCESS = "SUCCESS"
    CREATE_TASK_FAILED = "CREATE_TASK_FAILED"
    GENERATE_AUDIO_FAILED = "GENERATE_AUDIO_FAILED"
    SENSITIVE_WORD_ERROR = "SENSITIVE_WORD_ERROR"
    CALLBACK_EXCEPTION = "CALLBACK_EXCEPTION"
