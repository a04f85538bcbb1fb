"""
The lifecycle of a music task: which status it shows at which age.

It is fixed when the task is submitted. The times follow from the task's id, the rest from the prompt's directives (see
``prompt_directives.py``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from airflow_provider_suno.simulator.jobs.derived import number_between
from airflow_provider_suno.simulator.jobs.failures import CALLBACK_EXCEPTION, ERROR_MESSAGES
from airflow_provider_suno.simulator.kinds.music.prompt_directives import (
    GENERATE_AUDIO_FAILED,
    TEXT_SUCCESS,
    AudioDefect,
    Directives,
    Failure,
    is_number,
)

PENDING = "PENDING"
FIRST_SUCCESS = "FIRST_SUCCESS"
SUCCESS = "SUCCESS"
CREATE_TASK_FAILED = "CREATE_TASK_FAILED"
SENSITIVE_WORD_ERROR = "SENSITIVE_WORD_ERROR"

ALL_TRACKS = 99
"""Means all tracks of a task: more than any task has."""

_CODES_OF_STATUS = {CREATE_TASK_FAILED: 500, GENERATE_AUDIO_FAILED: 501, SENSITIVE_WORD_ERROR: 400}
_STATUSES_OF_CODE = {400: SENSITIVE_WORD_ERROR}
_LATE_AUDIO_DELAY = 30.0


@dataclass(frozen=True)
class Pace:
    """
    How long a music task takes: shortest and longest age, in simulated seconds, at which each stage begins.

    :param text: of the text.
    :param first: of the first track.
    :param done: of all tracks.
    """

    text: tuple[float, float]
    first: tuple[float, float]
    done: tuple[float, float]


SONG_PACE = Pace((15, 25), (51, 60), (62, 130))
SOUND_PACE = Pace((4, 8), (16, 22), (24, 30))


@dataclass(frozen=True)
class Stage:
    """
    What a record shows from a certain age on.

    :param after: age in simulated seconds at which the stage begins.
    :param status: the record's status.
    :param tracks_known: whether the tracks (ids, titles, stream addresses) are shown.
    :param tracks_with_audio: how many of them have their audio.
    :param error_code: the record's ``errorCode``.
    :param error_message: the record's ``errorMessage``.
    :param refunds: whether the credits are refunded when the stage begins.
    :param message_in_response: whether the message is in ``response`` instead of ``errorMessage``.
    :param audio_defect: what is wrong with the addresses of the tracks that have their audio.
    """

    after: float
    status: str
    tracks_known: bool = False
    tracks_with_audio: int = 0
    error_code: int | None = None
    error_message: str | None = None
    refunds: bool = False
    message_in_response: bool = False
    audio_defect: AudioDefect | None = None


@dataclass(frozen=True)
class Lifecycle:
    """
    All stages of a music task, in order.

    :param stages: never empty; the first begins at age 0.
    """

    stages: tuple[Stage, ...]

    def at(self, age: float) -> Stage:
        """
        Return the stage of a task of this age.

        :param age: simulated seconds since the submission.
        """
        reached = [stage for stage in self.stages if stage.after <= age]
        return reached[-1] if reached else self.stages[0]

    def start_of(self, status: str) -> float | None:
        """Return the age at which a status is first shown, or None if it never is."""
        return next((stage.after for stage in self.stages if stage.status == status), None)

    def audio_ready_at(self, track: int) -> float | None:
        """
        Return the age at which a track's audio is ready, or None if it never is.

        :param track: number of the track, from 0.
        """
        return next((stage.after for stage in self.stages if stage.tracks_with_audio > track), None)

    @property
    def tracks_known_at(self) -> float:
        """The age at which the tracks are first shown; 0 if they never are."""
        return next((stage.after for stage in self.stages if stage.tracks_known), 0)

    @property
    def refund_after(self) -> float | None:
        """The age at which the credits are refunded, or None."""
        return next((stage.after for stage in self.stages if stage.refunds), None)

    def with_callback_exception(self, age: float) -> Lifecycle:
        """
        Return the lifecycle after a callback could not be delivered. The tracks are still finished at the same age.

        :param age: simulated seconds at which the service gave up the delivery.
        """
        past = [stage for stage in self.stages if stage.after <= age]
        rest = [replace(self.at(age), after=age), *(stage for stage in self.stages if stage.after > age)]
        changed = [stage if stage.error_message else replace(stage, status=CALLBACK_EXCEPTION) for stage in rest]
        return Lifecycle(tuple(past + changed))


def lifecycle_of(music_task_id: str, directives: Directives, pace: Pace = SONG_PACE) -> Lifecycle:
    """
    Return the lifecycle of a new music task.

    :param music_task_id: the task's id; the times follow from it.
    :param directives: what the prompt asked for.
    :param pace: how long it takes.
    """
    stages = _stages(music_task_id, directives, pace)
    if directives.audio:
        stages = _with_audio_defect(stages, directives.audio)
    if directives.middle_status:
        stages = [_renamed(stage, directives.middle_status) for stage in stages]
    if directives.stuck_in:
        stages = _stuck(stages, directives)
    return Lifecycle(tuple(stages))


def _stages(music_task_id: str, directives: Directives, pace: Pace) -> list[Stage]:
    text_at = number_between(*pace.text, music_task_id, "text")
    first_at = number_between(*pace.first, music_task_id, "first")
    done_at = number_between(*pace.done, music_task_id, "all")
    pending = Stage(0, PENDING)
    text = Stage(text_at, TEXT_SUCCESS, tracks_known=True)
    first = Stage(first_at, FIRST_SUCCESS, tracks_known=True, tracks_with_audio=1)
    done = Stage(done_at, SUCCESS, tracks_known=True, tracks_with_audio=ALL_TRACKS)
    if directives.failure is None:
        return [pending, text, first, done]
    details = directives.failure.details
    if directives.failure.name == CALLBACK_EXCEPTION:
        complete = replace(done, status=CALLBACK_EXCEPTION)
        if not {"no-audio", "late"} & set(details):
            return [pending, text, first, complete]
        without_audio = replace(text, after=first_at, status=CALLBACK_EXCEPTION, refunds="no-audio" in details)
        return [pending, text, without_audio] + [complete] * ("late" in details)
    failed = _failed_stage(directives.failure)
    if "one-track" in details:
        return [pending, text, first, replace(failed, after=done_at, tracks_known=True, tracks_with_audio=1)]
    if failed.status in (CREATE_TASK_FAILED, SENSITIVE_WORD_ERROR):
        return [pending, replace(failed, after=text_at / 2)]
    return [pending, text, replace(failed, after=first_at, tracks_known=True)]


def _failed_stage(failure: Failure) -> Stage:
    name = failure.name
    if is_number(name):
        code: int | None = int(name)
        status = _STATUSES_OF_CODE.get(int(name), GENERATE_AUDIO_FAILED)
    else:
        code = _CODES_OF_STATUS.get(name)
        status = name
    for detail in failure.details:
        if is_number(detail) or detail == "null":
            code = int(detail) if is_number(detail) else None
    return Stage(
        after=0,
        status=status,
        error_code=code,
        error_message=ERROR_MESSAGES.get(code or 0, f"The music task ended as {status}."),
        refunds=True,
        message_in_response="in-response" in failure.details,
    )


def _with_audio_defect(stages: list[Stage], defect: AudioDefect) -> list[Stage]:
    changed = [replace(stage, audio_defect=defect) if stage.tracks_with_audio else stage for stage in stages]
    if defect.late and stages[-1].tracks_with_audio:
        changed.append(replace(stages[-1], after=round(stages[-1].after + _LATE_AUDIO_DELAY, 2)))
    return changed


def _renamed(stage: Stage, status: str) -> Stage:
    return replace(stage, status=status) if stage.status in (TEXT_SUCCESS, FIRST_SUCCESS) else stage


def _stuck(stages: list[Stage], directives: Directives) -> list[Stage]:
    """Return the stages up to the one that is never left."""
    statuses = [stage.status for stage in stages]
    wanted = directives.stuck_in if directives.stuck_in in statuses else directives.middle_status
    last = statuses.index(wanted) if wanted in statuses else 0
    return stages[: last + 1]
