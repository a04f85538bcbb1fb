"""The lifecycle of a music task, written down at its birth: which status it shows at which age (see ``markers.py``)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from airflow_provider_suno.simulator.jobs.prompt_directives import (
    GENERATE_AUDIO_FAILED,
    TEXT_SUCCESS,
    AudioDefect,
    Directives,
    Failure,
)

PENDING = "PENDING"
FIRST_SUCCESS = "FIRST_SUCCESS"
SUCCESS = "SUCCESS"
CREATE_TASK_FAILED = "CREATE_TASK_FAILED"
SENSITIVE_WORD_ERROR = "SENSITIVE_WORD_ERROR"
CALLBACK_EXCEPTION = "CALLBACK_EXCEPTION"

ALL_TRACKS = 99
"""More tracks than a task can have: all of them."""

ERROR_MESSAGES = {
    400: "The lyrics were turned down: they resemble protected words.",
    408: "The generation took too long and was given up.",
    413: "The audio was turned down: it matches a known work.",
    500: "Internal Error, Please try again later.",
    501: "The audio could not be generated.",
    531: "The generation failed; the credits have been returned.",
}
_CODES_OF_STATUS = {CREATE_TASK_FAILED: 500, GENERATE_AUDIO_FAILED: 501, SENSITIVE_WORD_ERROR: 400}
_STATUSES_OF_CODE = {400: SENSITIVE_WORD_ERROR}
_LATE = 30.0


@dataclass(frozen=True)
class Stage:
    """
    What a record shows from some age on.

    :param after: age in simulated seconds at which the stage begins.
    :param status: the record's status.
    :param announced: whether the tracks (ids, titles, stream addresses) are known.
    :param rendered: how many of them have their audio.
    :param error_code: the record's ``errorCode``.
    :param error_message: the record's ``errorMessage``.
    :param refunds: whether the credits come back when the stage begins.
    :param message_in_response: whether the message stands in the ``response`` instead.
    :param audio_defect: what is wrong with the addresses of the tracks that have their audio.
    """

    after: float
    status: str
    announced: bool = False
    rendered: int = 0
    error_code: int | None = None
    error_message: str | None = None
    refunds: bool = False
    message_in_response: bool = False
    audio_defect: AudioDefect | None = None


@dataclass(frozen=True)
class Lifecycle:
    """
    All stages of a music task, oldest first.

    :param stages: never empty; the first begins at age 0.
    """

    stages: tuple[Stage, ...]

    def at(self, age: float) -> Stage:
        """
        Return the stage a task of this age is in.

        :param age: simulated seconds since the submission.
        """
        begun = [stage for stage in self.stages if stage.after <= age]
        return begun[-1] if begun else self.stages[0]

    def begins(self, status: str) -> float | None:
        """
        Return the age at which a status is first shown, or None if it never is.

        :param status: the status.
        """
        return next((stage.after for stage in self.stages if stage.status == status), None)

    def rendered_at(self, track: int) -> float | None:
        """
        Return the age at which a track's audio is ready, or None if it never is.

        :param track: number of the track, from 0.
        """
        return next((stage.after for stage in self.stages if stage.rendered > track), None)

    @property
    def announced_at(self) -> float:
        """The age at which the tracks are known; 0 if they never are."""
        return next((stage.after for stage in self.stages if stage.announced), 0)

    def with_callback_exception(self, age: float) -> Lifecycle:
        """
        Return the lifecycle of a task of which a callback was not taken: the tracks come as they would have.

        :param age: simulated seconds at which the service gave up telling.
        """
        now = self.at(age)
        past = [stage for stage in self.stages if stage.after <= age]
        rest = [replace(now, after=age), *(stage for stage in self.stages if stage.after > age)]
        return Lifecycle(
            tuple(
                past + [stage if stage.error_message else replace(stage, status=CALLBACK_EXCEPTION) for stage in rest]
            )
        )

    @property
    def refund_after(self) -> float | None:
        """The age at which the credits come back, or None."""
        return next((stage.after for stage in self.stages if stage.refunds), None)


def lifecycle_of(music_task_id: str, directives: Directives) -> Lifecycle:
    """
    Write down a lifecycle: its timing follows from the id, its course from the directives.

    :param music_task_id: the task's id.
    :param directives: what the prompt asked for.
    """
    stages = _course(music_task_id, directives)
    if directives.audio:
        stages = _troubled(stages, directives.audio)
    if directives.middle_status:
        stages = [_renamed(stage, directives.middle_status) for stage in stages]
    if directives.stuck_in:
        stages = _stopped(stages, directives)
    return Lifecycle(tuple(stages))


def _course(music_task_id: str, directives: Directives) -> list[Stage]:
    text_at = _between(15, 25, music_task_id, "text")
    first_at = _between(51, 60, music_task_id, "first")
    done_at = _between(62, 130, music_task_id, "all")
    pending = Stage(0, PENDING)
    text = Stage(text_at, TEXT_SUCCESS, announced=True)
    first = Stage(first_at, FIRST_SUCCESS, announced=True, rendered=1)
    done = Stage(done_at, SUCCESS, announced=True, rendered=ALL_TRACKS)
    if directives.failure is None:
        return [pending, text, first, done]
    details = directives.failure.details
    if directives.failure.name == CALLBACK_EXCEPTION:
        undelivered = replace(done, status=CALLBACK_EXCEPTION)
        if not {"no-audio", "late"} & set(details):
            return [pending, text, first, undelivered]
        silent = replace(text, after=first_at, status=CALLBACK_EXCEPTION, refunds="no-audio" in details)
        return [pending, text, silent] + [undelivered] * ("late" in details)
    failure = _failure(directives.failure)
    if "one-track" in details:
        return [pending, text, first, replace(failure, after=done_at, announced=True, rendered=1)]
    if failure.status in (CREATE_TASK_FAILED, SENSITIVE_WORD_ERROR):
        return [pending, replace(failure, after=text_at / 2)]
    return [pending, text, replace(failure, after=first_at, announced=True)]


def _failure(wanted: Failure) -> Stage:
    name = wanted.name
    if name.isdigit():
        code: int | None = int(name)
        status = _STATUSES_OF_CODE.get(int(name), GENERATE_AUDIO_FAILED)
    else:
        code = _CODES_OF_STATUS.get(name)
        status = name
    for detail in wanted.details:
        if detail.isdigit() or detail == "null":
            code = int(detail) if detail.isdigit() else None
    message = ERROR_MESSAGES.get(code or 0, f"The music task ended as {status}.")
    message_in_response = "in-response" in wanted.details
    return Stage(
        0, status, error_code=code, error_message=message, refunds=True, message_in_response=message_in_response
    )


def _troubled(stages: list[Stage], audio_defect: AudioDefect) -> list[Stage]:
    spoilt = [replace(stage, audio_defect=audio_defect) if stage.rendered else stage for stage in stages]
    if audio_defect.late and stages[-1].rendered:
        spoilt.append(replace(stages[-1], after=round(stages[-1].after + _LATE, 2)))
    return spoilt


def _renamed(stage: Stage, status: str) -> Stage:
    return replace(stage, status=status) if stage.status in (TEXT_SUCCESS, FIRST_SUCCESS) else stage


def _stopped(stages: list[Stage], directives: Directives) -> list[Stage]:
    statuses = [stage.status for stage in stages]
    wanted = directives.stuck_in if directives.stuck_in in statuses else directives.middle_status
    last = statuses.index(wanted) if wanted in statuses else 0
    return stages[: last + 1]


def _between(low: float, high: float, *names: str) -> float:
    digest = hashlib.sha256("/".join(names).encode()).digest()
    return round(low + (high - low) * int.from_bytes(digest[:4], "big") / 2**32, 2)
