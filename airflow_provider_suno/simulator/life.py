"""
The life of a music task, written down at its birth: which status it shows at which age.

The prompt may ask for a different life by a marker:

====================================  =====================================================================
``[fail:STATUS]``                     ends in that status, e.g. ``GENERATE_AUDIO_FAILED``; any name will do
``[fail:CODE]``                       ends with that ``errorCode``: 400, 408, 413, 500, 501, 531
``[fail:STATUS:CODE]``                both; ``null`` as the code leaves ``errorCode`` empty
``[fail:CALLBACK_EXCEPTION]``         the audio is there, only the callback was not delivered
``[fail:CALLBACK_EXCEPTION:no-audio]``  the tracks never get audio
``[fail:CALLBACK_EXCEPTION:late]``    the audio follows some time after the status
``[stuck]``, ``[stuck:STATUS]``       stays ``TEXT_SUCCESS`` (or that status) for ever
``[status:NAME]``                     shows this name between ``PENDING`` and the end
``[tracks:N]``                        makes N tracks, 1 to 4
``[hidden:SECONDS]``                  record-info knows nothing of the task before that age
====================================  =====================================================================
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace

PENDING = "PENDING"
TEXT_SUCCESS = "TEXT_SUCCESS"
FIRST_SUCCESS = "FIRST_SUCCESS"
SUCCESS = "SUCCESS"
CREATE_TASK_FAILED = "CREATE_TASK_FAILED"
GENERATE_AUDIO_FAILED = "GENERATE_AUDIO_FAILED"
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
_MARKER = re.compile(r"\[(fail|stuck|status|tracks|hidden)(?::([\w-]+))?(?::([\w-]+))?\]")


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
    """

    after: float
    status: str
    announced: bool = False
    rendered: int = 0
    error_code: int | None = None
    error_message: str | None = None
    refunds: bool = False


@dataclass(frozen=True)
class Life:
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

    def not_told(self, age: float) -> Life:
        """
        Return the life of a task of which a callback was not taken: the tracks come as they would have.

        :param age: simulated seconds at which the service gave up telling.
        """
        now = self.at(age)
        past = [stage for stage in self.stages if stage.after <= age]
        rest = [replace(now, after=age), *(stage for stage in self.stages if stage.after > age)]
        return Life(
            tuple(
                past + [stage if stage.error_message else replace(stage, status=CALLBACK_EXCEPTION) for stage in rest]
            )
        )

    @property
    def refund_after(self) -> float | None:
        """The age at which the credits come back, or None."""
        return next((stage.after for stage in self.stages if stage.refunds), None)


@dataclass(frozen=True)
class Wishes:
    """What the markers of a prompt ask for; ``None`` where they say nothing."""

    failure: tuple[str, str | None] | None = None
    stuck_in: str | None = None
    middle_status: str | None = None
    tracks: int | None = None
    hidden_for: float | None = None


def read_markers(prompt: str) -> Wishes:
    """
    Read the markers of a prompt. What is not a marker, such as ``[Verse]``, means nothing.

    :param prompt: the text as submitted.
    """
    wishes = Wishes()
    for kind, first, second in _MARKER.findall(prompt):
        if kind == "fail":
            wishes = replace(wishes, failure=(first or GENERATE_AUDIO_FAILED, second or None))
        elif kind == "stuck":
            wishes = replace(wishes, stuck_in=first or TEXT_SUCCESS)
        elif kind == "status" and first:
            wishes = replace(wishes, middle_status=first)
        elif kind == "tracks" and first.isdigit():
            wishes = replace(wishes, tracks=min(max(int(first), 1), 4))
        elif kind == "hidden" and first.isdigit():
            wishes = replace(wishes, hidden_for=float(first))
    return wishes


def life_of(music_task_id: str, wishes: Wishes) -> Life:
    """
    Write down a life: its timing follows from the id, its course from the wishes.

    :param music_task_id: the task's id.
    :param wishes: what the prompt asked for.
    """
    stages = _course(music_task_id, wishes)
    if wishes.middle_status:
        stages = [_renamed(stage, wishes.middle_status) for stage in stages]
    if wishes.stuck_in:
        stages = _stopped(stages, wishes)
    return Life(tuple(stages))


def _course(music_task_id: str, wishes: Wishes) -> list[Stage]:
    text_at = _between(15, 25, music_task_id, "text")
    first_at = _between(45, 60, music_task_id, "first")
    done_at = _between(62, 130, music_task_id, "all")
    pending = Stage(0, PENDING)
    text = Stage(text_at, TEXT_SUCCESS, announced=True)
    first = Stage(first_at, FIRST_SUCCESS, announced=True, rendered=1)
    done = Stage(done_at, SUCCESS, announced=True, rendered=ALL_TRACKS)
    if wishes.failure is None:
        return [pending, text, first, done]
    name, detail = wishes.failure
    if name == CALLBACK_EXCEPTION:
        undelivered = replace(done, status=CALLBACK_EXCEPTION)
        if detail not in ("no-audio", "late"):
            return [pending, text, first, undelivered]
        silent = replace(text, after=first_at, status=CALLBACK_EXCEPTION, refunds=detail == "no-audio")
        return [pending, text, silent] + [undelivered] * (detail == "late")
    failure = _failure(name, detail)
    if failure.status in (CREATE_TASK_FAILED, SENSITIVE_WORD_ERROR):
        return [pending, replace(failure, after=text_at / 2)]
    return [pending, text, replace(failure, after=first_at, announced=True)]


def _failure(name: str, detail: str | None) -> Stage:
    if name.isdigit():
        code: int | None = int(name)
        status = _STATUSES_OF_CODE.get(int(name), GENERATE_AUDIO_FAILED)
    else:
        code = _CODES_OF_STATUS.get(name)
        status = name
    if detail is not None:
        code = int(detail) if detail.isdigit() else None
    message = ERROR_MESSAGES.get(code or 0, f"The music task ended as {status}.")
    return Stage(0, status, error_code=code, error_message=message, refunds=True)


def _renamed(stage: Stage, status: str) -> Stage:
    return replace(stage, status=status) if stage.status in (TEXT_SUCCESS, FIRST_SUCCESS) else stage


def _stopped(stages: list[Stage], wishes: Wishes) -> list[Stage]:
    statuses = [stage.status for stage in stages]
    wanted = wishes.stuck_in if wishes.stuck_in in statuses else wishes.middle_status
    last = statuses.index(wanted) if wanted in statuses else 0
    return stages[: last + 1]


def _between(low: float, high: float, *names: str) -> float:
    digest = hashlib.sha256("/".join(names).encode()).digest()
    return round(low + (high - low) * int.from_bytes(digest[:4], "big") / 2**32, 2)
